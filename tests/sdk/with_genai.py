"""The official google-genai SDK: the model in the path, the key in `x-goog-api-key`."""

import wire
from google import genai
from google.genai.errors import ClientError
from wire import ALLOWED, OTHER


def models(key=wire.limited):
    options = {"base_url": wire.url, "api_version": "v1beta"}
    models.client = genai.Client(api_key=key, http_options=options)
    return models.client.models


def ask(model, key=wire.limited):
    return models(key).generate_content(model=model, contents="hello").text


def streamed(model):
    chunks = models().generate_content_stream(model=model, contents="hello")
    return "".join(chunk.text for chunk in chunks)


def count(model):
    return models().count_tokens(model=model, contents="hello").total_tokens


wire.says(ask(ALLOWED))
wire.says(streamed(ALLOWED))
assert count(ALLOWED) == 3
names = [model.name for model in models().list(config={"query_base": True})]
assert names == [f"models/{ALLOWED}", "models/deepseek-v3.2"], names
assert models().get(model=ALLOWED).name == f"models/{ALLOWED}"

wire.refused(ClientError, 403, lambda: ask(OTHER), OTHER, "PERMISSION_DENIED")
wire.refused(ClientError, 403, lambda: streamed(OTHER), OTHER)
wire.refused(ClientError, 403, lambda: count(OTHER), OTHER)
wire.refused(ClientError, 404, lambda: models().get(model=OTHER), "NOT_FOUND")
wire.refused(ClientError, 401, lambda: ask(ALLOWED, wire.disabled), "UNAUTHENTICATED", "disabled")
