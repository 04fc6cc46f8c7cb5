"""The official mistralai SDK."""

import wire
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from wire import ALLOWED, HELLO, OTHER


def chat(key=wire.limited):
    chat.client = Mistral(api_key=key, server_url=wire.url)
    return chat.client.chat


def streamed(model):
    chunks = chat().stream(model=model, messages=HELLO)
    return "".join(chunk.data.choices[0].delta.content or "" for chunk in chunks)


wire.says(chat().complete(model=ALLOWED, messages=HELLO).choices[0].message.content)
assert streamed(ALLOWED).startswith("word0 word1")
wire.refused(SDKError, 403, lambda: chat().complete(model=OTHER, messages=HELLO), OTHER)
wire.refused(SDKError, 403, lambda: streamed(OTHER), OTHER)
wire.refused(
    SDKError, 401, lambda: chat(wire.disabled).complete(model=ALLOWED, messages=HELLO), "disabled"
)
