"""Shared by the scripts of this directory: what an SDK puts on the wire, and how it must refuse.

Arguments of a script: base URL of the gate, a key that is limited to `ALLOWED`, a disabled key.
Every request that is sent is printed as `sent STATUS METHOD TARGET SHA256-OF-BODY`, so that it can
be compared with what the upstream received.
"""

import hashlib
import importlib
import importlib.util
import sys

ALLOWED = "glm-5.1"
OTHER = "kimi-k2.6"
HELLO = [{"role": "user", "content": "hello"}]

url, limited, disabled = (sys.argv[1:4] + [None] * 3)[:3]


def report(status, method, target, body):
    digest = hashlib.sha256(body or b"").hexdigest()
    print("sent", status, method, target, digest, flush=True)


def watch(library):
    """Reports what a client of this library sends."""
    send = library.Client.send

    def watched(self, request, **options):
        body = request.read()
        response = send(self, request, **options)
        report(response.status_code, request.method, request.url.raw_path.decode(), body)
        return response

    library.Client.send = watched


for name in ("httpx", "httpx2"):
    if importlib.util.find_spec(name):
        watch(importlib.import_module(name))


def says(text):
    """What was answered comes from the model that was asked for."""
    assert f"Hello from {ALLOWED}." in text, text
    print("ok", flush=True)


def refused(exception, status, call, *texts):
    """The call raises this very exception, with this status and these texts in message or code."""
    try:
        answer = call()
    except exception as error:
        found = [getattr(error, name, None) for name in ("status_code", "code")]
        assert status in found, (found, error)
        told = f"{error} {getattr(error, 'code', '')}"
        assert all(text in told for text in texts), told
        print("ok", type(error).__name__, error, flush=True)
    else:
        raise SystemExit(f"this was not refused: {answer}")
