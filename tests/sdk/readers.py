"""Reference readers: what the parsers of Python servers take for the model of a request.

Argument: a file with one sample a line, `{"type": content type, "body": hexadecimal}`. Prints for
each a list of `[reader, names]`; names may be nested, and what cannot be read names nothing.
"""

import email
import email.policy
import io
import json
import sys

import orjson
import simplejson
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser
from werkzeug.formparser import parse_form_data


def first_wins(pairs):
    members = {}
    for name, value in pairs:
        members.setdefault(name, value)
    return members


def without_case(pairs):
    return {name.lower().replace("\u017f", "s").replace("\u212a", "k"): v for name, v in pairs}


def first_document(body):
    return json.JSONDecoder().raw_decode(body.decode(errors="replace").lstrip())[0]


JSON_READERS = {
    "json": json.loads,
    "json, first": lambda body: json.loads(body, object_pairs_hook=first_wins),
    "json, any case": lambda body: json.loads(body, object_pairs_hook=without_case),
    "json, one document": first_document,
    "orjson": orjson.loads,
    "simplejson": simplejson.loads,
}


def named(document):
    if not isinstance(document, dict):
        return []
    return [document.get(member) for member in ("model", "models", "fallbacks")]


def finished(coroutine):
    """What a coroutine gives that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("it waits")


async def starlette(content_type, body):
    async def stream():
        yield body
        yield b""

    form = await MultiPartParser(Headers({"content-type": content_type}), stream()).parse()
    values = form.getlist("model")
    return [(await v.read()).decode() if isinstance(v, UploadFile) else v for v in values]


def werkzeug(content_type, body):
    environ = {
        "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": content_type, "REQUEST_METHOD": "POST",
    }
    _, form, uploads = parse_form_data(environ, silent=False)
    files = [upload.read().decode() for upload in uploads.getlist("model")]
    return form.getlist("model") + files


def by_email(content_type, body):
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    parts = [part for part in message.walk() if not part.is_multipart()]
    is_model = [part.get_param("name", header="content-disposition") == "model" for part in parts]
    return [p.get_payload(decode=True).decode() for p, model in zip(parts, is_model) if model]


FORM_READERS = {
    "starlette": lambda *form: finished(starlette(*form)),
    "werkzeug": werkzeug,
    "email": by_email,
}


def reading(reader, *arguments):
    try:
        return reader(*arguments)
    except Exception:
        return []


def shown(value):
    """What JSON can say of it: texts, and what holds texts."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [shown(element) for element in value]
    if isinstance(value, dict):
        return {"model": shown(value.get("model"))}
    return None


for line in open(sys.argv[1], encoding="ascii"):
    sample = json.loads(line)
    body = bytes.fromhex(sample["body"])
    found = [[name, named(reading(reader, body))] for name, reader in JSON_READERS.items()]
    if sample["type"].startswith("multipart/"):
        found += [[n, reading(r, sample["type"], body)] for n, r in FORM_READERS.items()]
    print(json.dumps(shown(found)))
