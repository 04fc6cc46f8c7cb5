"""Records the forms that the usual writers write, for the test beside it.

    python filter/tests/form/write.py filter/tests/form/written.json

Needs httpx, requests and aiohttp; node with the packages `form-data` and `axios` in the folder where it is run; curl; `go`; `ruby` with
Faraday; `php` with its curl extension, Guzzle and Symfony's Mime; `java` with HttpMime, OkHttp, Netty and what they need on CLASSPATH; `mcs` and
`mono` (all of these are Debian packages: golang-go, ruby-faraday, php-curl, php-guzzlehttp-psr7, php-symfony-mime, libhttpmime-java,
libokhttp-java, libnetty-java, mono-mcs, libmono-system-net-http4.0-cil); the package `dotnetcore2`, which carries Microsoft's runtime. A writer that cannot be run is said and keeps the rows that it has. Each sends a model and a
file with each of some names, empty and not, and no file, to a recorder on loopback.
"""

import asyncio
import http.server
import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import aiohttp
import httpx
import requests

NAMES = ["plain.txt", 'a "b".txt', "back\\slash.txt", "größe 日本.txt", "semi;colon=x.txt", "name=model.txt", "", None]
CASES = [(name, content) for name in NAMES for content in ["ID3", ""]]
# .NET throws where a name holds a quote.
DOT_NET_CASES = [case for case in CASES if '"' not in (case[0] or "")]
WRITERS = pathlib.Path(__file__).with_name("writers")
JAVA = ["java", str(WRITERS / "Write.java")]


class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    sent = []

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = b""
        if "chunked" in (self.headers.get("transfer-encoding") or ""):
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["content-length"]))
        self.sent.append((self.headers["content-type"], body.decode()))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


async def by_aiohttp(url, name, content):
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("model", "good-1")
    if name is not None:
        form.add_field("file", content.encode(), filename=name, content_type="audio/mpeg")
    async with aiohttp.ClientSession() as client, client.post(url, data=form) as answer:
        await answer.read()


def by_curl(url, name, content):
    with tempfile.NamedTemporaryFile() as file:
        file.write(content.encode())
        file.flush()
        quoted = (name or "").replace("\\", "\\\\").replace('"', '\\"')
        of_file = [] if name is None else ["-F", f'file=@{file.name};filename="{quoted}";type=audio/mpeg']
        subprocess.run(["curl", "-s", url, "-F", "model=good-1", *of_file], check=True, stdout=subprocess.DEVNULL)


def by_python(post, url, name, content):
    files = {"model": (None, "good-1")} if name is None else {"file": (name, content, "audio/mpeg")}
    post(url, data=None if name is None else {"model": "good-1"}, files=files)


def one_by_one(write):
    """All cases by a function that sends one."""
    return lambda url: [write(url, *case) for case in CASES]


def by_program(*command, behind=(), cases=CASES):
    """All cases by a program that takes them as pairs of words: `+name` or `-`, and the content."""
    words = [word for name, content in cases for word in ("-" if name is None else f"+{name}", content)]
    return lambda url: subprocess.run([*command, url, *behind, *words], check=True, stdout=subprocess.DEVNULL)


def by_dot_net(url, program, options, *command):
    """The cases of .NET by its program, compiled with these options and run by this command."""
    with tempfile.TemporaryDirectory() as work:
        file = pathlib.Path(work) / program
        subprocess.run(["mcs", f"-out:{file}", *options, str(WRITERS / "Write.cs")], check=True)
        framework = {"name": "Microsoft.NETCore.App", "version": "3.1.0"}
        file.with_suffix(".runtimeconfig.json").write_text(json.dumps({"runtimeOptions": {"framework": framework}}))
        by_program(*command, str(file), cases=DOT_NET_CASES)(url)


def by_microsoft(url):
    import dotnetcore2
    home = pathlib.Path(dotnetcore2.__file__).with_name("bin")
    libraries = next(home.glob("shared/Microsoft.NETCore.App/*"))
    names = ["System.Runtime", "System.Net.Http", "System.Private.CoreLib", "System.Private.Uri"]
    options = ["-nostdlib", "-noconfig", *(f"-r:{libraries / name}.dll" for name in names)]
    by_dot_net(url, "Write.dll", options, "env", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1", str(home / "dotnet"))


def said(*command):
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.search(r"\d+\.\d+[\w.]*", output)[0]


def of_jar(name):
    """The version in the name of a jar on CLASSPATH."""
    return re.search(rf"{name}-(\d[\d.]*\d)(?:\.Final)?\.jar", os.environ.get("CLASSPATH", ""))[1]


def of_debian(package):
    return said("dpkg-query", "--show", "--showformat", "${Version}", package)


def of_node(name):
    return json.loads(pathlib.Path(f"node_modules/{name}/package.json").read_text())["version"]


def http_mime(mode):
    return (lambda: of_jar("httpmime"), by_program(*JAVA, behind=[mode]))


# Name, version, how all cases are sent, and which, if not all of them.
ALL = {
    "httpx": (lambda: importlib.metadata.version("httpx"), one_by_one(lambda *case: by_python(httpx.post, *case))),
    "requests": (lambda: importlib.metadata.version("requests"), one_by_one(lambda *case: by_python(requests.post, *case))),
    "aiohttp": (lambda: importlib.metadata.version("aiohttp"), one_by_one(lambda *case: asyncio.run(by_aiohttp(*case)))),
    "curl": (lambda: said("curl", "--version"), one_by_one(by_curl)),
    "undici of node": (lambda: said("node", "--version"), by_program("node", str(WRITERS / "write.mjs"), behind=["undici"])),
    "form-data": (lambda: of_node("form-data"), by_program("node", str(WRITERS / "write.mjs"), behind=["form-data"])),
    "axios": (lambda: of_node("axios"), by_program("node", str(WRITERS / "write.mjs"), behind=["axios"])),
    "go": (lambda: said("go", "version"), by_program("go", "run", str(WRITERS / "write.go"))),
    "net/http of ruby": (lambda: said("ruby", "--version"), by_program("ruby", str(WRITERS / "write.rb"), behind=["net_http"])),
    "multipart-post of Faraday": (
        lambda: said("ruby", "-rmultipart_post", "-e", "puts MultipartPost::VERSION"),
        by_program("ruby", str(WRITERS / "write.rb"), behind=["faraday"]),
    ),
    "curl of php": (lambda: said("php", "--version"), by_program("php", str(WRITERS / "write.php"), behind=["curl"])),
    "Guzzle": (lambda: of_debian("php-guzzlehttp-psr7"), by_program("php", str(WRITERS / "write.php"), behind=["guzzle"])),
    "Mime of Symfony": (lambda: of_debian("php-symfony-mime"), by_program("php", str(WRITERS / "write.php"), behind=["symfony"])),
    "HttpMime": http_mime("DEFAULT"),
    "HttpMime, strict, UTF-8": http_mime("STRICT"),
    "HttpMime, as browsers, UTF-8": http_mime("BROWSER_COMPATIBLE"),
    "HttpMime, RFC 6532": http_mime("RFC6532"),
    "OkHttp": (lambda: of_jar("okhttp"), by_program(*JAVA, behind=["okhttp"])),
    "Netty": (lambda: of_jar("netty-codec-http"), by_program("java", str(WRITERS / "WriteNetty.java"))),
    "HttpClient of .NET": (lambda: importlib.metadata.version("dotnetcore2"), by_microsoft, DOT_NET_CASES),
    "HttpClient of Mono": (
        lambda: said("mono", "--version"),
        lambda url: by_dot_net(url, "Write.exe", ["-r:System.Net.Http.dll"], "mono"),
        DOT_NET_CASES,
    ),
}


def main(out):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    known = json.loads(pathlib.Path(out).read_text()) if pathlib.Path(out).exists() else []
    rows = []
    for writer, (version, write, *some) in ALL.items():
        Recorder.sent.clear()
        [cases] = some or [CASES]
        try:
            named = f"{writer} {version()}"
            write(url)
        except Exception as error:
            print(f"{writer} cannot be run: {error}", file=sys.stderr)
            rows += [row for row in known if re.fullmatch(re.escape(writer) + r" [\d.\w]+", row["writer"])]
            continue
        assert len(Recorder.sent) == len(cases), (writer, len(Recorder.sent))
        for (name, _), (declared, body) in zip(cases, Recorder.sent):
            rows.append({"writer": named, "file": name, "type": declared, "body": body})
    with open(out, "w") as file:
        json.dump(rows, file, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    main(sys.argv[1])
