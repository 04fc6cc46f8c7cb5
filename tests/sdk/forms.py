"""Form readers of Python servers: what each takes for the model of a form.

Argument: a file with one sample a line, `{"type": content type, "body": hexadecimal}`. Prints for
each a list of `[reader, models]`; what a reader refuses names nothing.
"""

import io
import json
import sys

import django
import python_multipart
from django.conf import settings
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser
from tornado.httputil import parse_body_arguments

settings.configure(DEFAULT_CHARSET="utf-8")
django.setup()


def by_python_multipart(content_type, body):
    found = []

    def on_field(field):
        if field.field_name == b"model":
            found.append((field.value or b"").decode(errors="replace"))

    def on_file(file):
        if file.field_name == b"model":
            file.file_object.seek(0)
            found.append(file.file_object.read().decode(errors="replace"))

    headers = {"Content-Type": content_type.encode(), "Content-Length": str(len(body)).encode()}
    python_multipart.parse_form(headers, io.BytesIO(body), on_field, on_file)
    return found


def by_django(content_type, body):
    meta = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": len(body)}
    handler = MemoryFileUploadHandler()
    post, files = MultiPartParser(meta, io.BytesIO(body), [handler]).parse()
    return post.getlist("model") + [f.read().decode(errors="replace") for f in files.getlist("model")]


def by_tornado(content_type, body):
    arguments, files = {}, {}
    parse_body_arguments(content_type, body, arguments, files)
    found = arguments.get("model", []) + [file["body"] for file in files.get("model", [])]
    return [value.decode(errors="replace") for value in found]


READERS = {
    "python-multipart": by_python_multipart,
    "django": by_django,
    "tornado": by_tornado,
}


def reading(reader, content_type, body):
    try:
        return reader(content_type, body)
    except Exception:
        return []


for line in open(sys.argv[1], encoding="ascii"):
    sample = json.loads(line)
    body = bytes.fromhex(sample["body"])
    print(json.dumps([[name, reading(read, sample["type"], body)] for name, read in READERS.items()]))
