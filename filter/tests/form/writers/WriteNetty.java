// Sends the forms that it is asked for as Netty writes them, and Vert.x and Quarkus by it; see write.py.

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.multipart.DefaultHttpDataFactory;
import io.netty.handler.codec.http.multipart.HttpPostRequestEncoder;
import io.netty.handler.codec.http.multipart.HttpPostRequestEncoder.EncoderMode;
import io.netty.handler.codec.http.multipart.MemoryFileUpload;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;

public class WriteNetty {
    public static void main(String[] args) throws Exception {
        for (int at = 1; at + 1 < args.length; at += 2) {
            String name = args[at].equals("-") ? null : args[at].substring(1);
            byte[] content = args[at + 1].getBytes(StandardCharsets.UTF_8);
            HttpRequest head = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/");
            byte[] form = form(head, name, content);
            String type = head.headers().get("content-type");
            var post = java.net.http.HttpRequest.newBuilder(URI.create(args[0])).header("content-type", type);
            HttpClient.newHttpClient().send(post.POST(BodyPublishers.ofByteArray(form)).build(), BodyHandlers.discarding());
        }
    }

    static byte[] form(HttpRequest head, String name, byte[] content) throws Exception {
        var factory = new DefaultHttpDataFactory(false);
        var encoder = new HttpPostRequestEncoder(factory, head, true, StandardCharsets.UTF_8, EncoderMode.HTML5);
        encoder.addBodyAttribute("model", "good-1");
        if (name != null) {
            var file = new MemoryFileUpload("file", name, "audio/mpeg", null, null, content.length);
            file.setContent(Unpooled.wrappedBuffer(content));
            encoder.addBodyHttpData(file);
        }
        ByteBuf form = Unpooled.buffer();
        if (encoder.finalizeRequest() instanceof FullHttpRequest whole) {
            form.writeBytes(whole.content());
        }
        while (!encoder.isEndOfInput()) {
            form.writeBytes(encoder.readChunk(UnpooledByteBufAllocator.DEFAULT).content());
        }
        byte[] bytes = new byte[form.readableBytes()];
        form.readBytes(bytes);
        return bytes;
    }
}
