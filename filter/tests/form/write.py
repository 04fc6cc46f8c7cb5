"""Records the forms that the usual writers write, for the test beside it.

    python filter/tests/form/write.py filter/tests/form/written.json

Needs httpx, requests and aiohttp; node with the package `form-data` in reach; and curl. Each of them sends a model and a file
with each of some names, and no file, to a recorder on loopback.
"""

import asyncio
import http.server
import json
import subprocess
import sys
import tempfile
import threading

import aiohttp
import httpx
import requests

NAMES = ["plain.txt", 'a "b".txt', "back\\slash.txt", "größe 日本.txt", "semi;colon=x.txt", "name=model.txt", "", None]
UNDICI = """
const [url, name] = process.argv.slice(1), form = new FormData();
form.append('model', 'good-1');
if (name !== undefined) form.append('file', new File(['ID3'], name, {type: 'audio/mpeg'}));
fetch(url, {method: 'POST', body: form}).then((answer) => answer.text());
"""
FORM_DATA = """
const FormData = require('form-data'), [url, name] = process.argv.slice(1), form = new FormData();
form.append('model', 'good-1');
if (name !== undefined) form.append('file', Buffer.from('ID3'), {filename: name, contentType: 'audio/mpeg'});
form.submit(url, (_, answer) => answer?.resume());
"""


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
        self.sent.append((self.headers["content-type"], body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


async def by_aiohttp(url, name, content):
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("model", "good-1")
    if name is not None:
        form.add_field("file", content, filename=name, content_type="audio/mpeg")
    async with aiohttp.ClientSession() as client, client.post(url, data=form) as answer:
        await answer.read()


def by_curl(url, name, content):
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        quoted = (name or "").replace("\\", "\\\\").replace('"', '\\"')
        of_file = [] if name is None else ["-F", f'file=@{file.name};filename="{quoted}";type=audio/mpeg']
        subprocess.run(["curl", "-s", url, "-F", "model=good-1", *of_file], check=True, stdout=subprocess.DEVNULL)


def by_python(post, url, name, content):
    files = {"model": (None, "good-1")} if name is None else {"file": (name, content, "audio/mpeg")}
    post(url, data=None if name is None else {"model": "good-1"}, files=files)


def by_node(script, url, name):
    subprocess.run(["node", "-e", script, url, *([] if name is None else [name])], check=True)


def main(out):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    writers = {
        "httpx": lambda name, content: by_python(httpx.post, url, name, content),
        "requests": lambda name, content: by_python(requests.post, url, name, content),
        "aiohttp": lambda name, content: asyncio.run(by_aiohttp(url, name, content)),
        "curl": lambda name, content: by_curl(url, name, content),
        "undici": lambda name, _: by_node(UNDICI, url, name),
        "form-data": lambda name, _: by_node(FORM_DATA, url, name),
    }
    rows = []
    for writer, write in writers.items():
        for name in NAMES:
            for content in [b"ID3", b""]:
                Recorder.sent.clear()
                write(name, content)
                [(declared, body)] = Recorder.sent
                rows.append({"writer": writer, "file": name, "type": declared, "body": body.decode()})
    with open(out, "w") as file:
        json.dump(rows, file, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    main(sys.argv[1])
