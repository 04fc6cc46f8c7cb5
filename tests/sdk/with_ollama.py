"""The official ollama client, with the key in a header that its user sets."""

import ollama
import wire
from wire import ALLOWED, HELLO, OTHER


def client(key=wire.limited):
    return ollama.Client(host=wire.url, headers={"Authorization": f"Bearer {key}"})


def streamed(model):
    chunks = client().chat(model=model, messages=HELLO, stream=True)
    return "".join(chunk.message.content for chunk in chunks)


wire.says(client().chat(model=ALLOWED, messages=HELLO).message.content)
wire.says(streamed(ALLOWED))
names = [model.model for model in client().list().models]
assert names == [f"{ALLOWED}:latest", "deepseek-v3.2:latest"], names

error = ollama.ResponseError
wire.refused(error, 403, lambda: client().chat(model=OTHER, messages=HELLO), OTHER)
wire.refused(error, 403, lambda: streamed(OTHER), OTHER)
wire.refused(error, 403, lambda: client().pull(OTHER))
wire.refused(
    error, 401, lambda: client(wire.disabled).chat(model=ALLOWED, messages=HELLO), "disabled"
)
