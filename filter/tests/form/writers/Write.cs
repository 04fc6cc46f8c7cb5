// Sends the forms that it is asked for as HttpClient of .NET writes them; see write.py.
// How a form's parts are named is how the SDKs for .NET call it: a field by its name, a file by its name and its own.

using System;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;

public static class Write
{
    public static void Main(string[] args)
    {
        using (var client = new HttpClient())
        {
            for (int at = 1; at + 1 < args.Length; at += 2)
            {
                var form = new MultipartFormDataContent();
                form.Add(new StringContent("good-1"), "model");
                if (args[at] != "-")
                {
                    Add(form, args[at].Substring(1), args[at + 1]);
                }
                client.PostAsync(args[0], form).GetAwaiter().GetResult().EnsureSuccessStatusCode();
            }
        }
    }

    private static void Add(MultipartFormDataContent form, string name, string content)
    {
        var file = new ByteArrayContent(Encoding.UTF8.GetBytes(content));
        file.Headers.ContentType = new MediaTypeHeaderValue("audio/mpeg");
        if (name.Length == 0)
        {
            form.Add(file, "file");
        }
        else
        {
            form.Add(file, "file", name);
        }
    }
}
