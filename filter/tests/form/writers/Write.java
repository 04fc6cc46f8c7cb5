// Sends the forms that it is asked for as Apache HttpMime, in each of its modes, or OkHttp writes them; see write.py.

import java.nio.charset.StandardCharsets;
import okhttp3.MediaType;
import okhttp3.MultipartBody;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.entity.ContentType;
import org.apache.http.entity.mime.HttpMultipartMode;
import org.apache.http.entity.mime.MultipartEntityBuilder;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

public class Write {
    public static void main(String[] args) throws Exception {
        for (int at = 2; at + 1 < args.length; at += 2) {
            String name = args[at].equals("-") ? null : args[at].substring(1);
            byte[] content = args[at + 1].getBytes(StandardCharsets.UTF_8);
            if (args[1].equals("okhttp")) {
                okhttp(args[0], name, content);
            } else {
                httpMime(args[0], args[1], name, content);
            }
        }
    }

    static void httpMime(String url, String mode, String name, byte[] content) throws Exception {
        MultipartEntityBuilder form = MultipartEntityBuilder.create();
        if (!mode.equals("DEFAULT")) {
            form.setMode(HttpMultipartMode.valueOf(mode)).setCharset(StandardCharsets.UTF_8);
        }
        form.addTextBody("model", "good-1");
        if (name != null) {
            form.addBinaryBody("file", content, ContentType.create("audio/mpeg"), name);
        }
        HttpPost post = new HttpPost(url);
        post.setEntity(form.build());
        try (CloseableHttpClient client = HttpClients.createDefault()) {
            EntityUtils.consume(client.execute(post).getEntity());
        }
    }

    static void okhttp(String url, String name, byte[] content) throws Exception {
        MultipartBody.Builder form = new MultipartBody.Builder().setType(MultipartBody.FORM).addFormDataPart("model", "good-1");
        if (name != null) {
            form.addFormDataPart("file", name, RequestBody.create(MediaType.parse("audio/mpeg"), content));
        }
        OkHttpClient client = new OkHttpClient();
        client.newCall(new Request.Builder().url(url).post(form.build()).build()).execute().close();
        client.dispatcher().executorService().shutdown();
        client.connectionPool().evictAll();
    }
}
