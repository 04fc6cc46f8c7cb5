"""AzureOpenAI of the official openai SDK: the deployment in the path, the key in `api-key`."""

import openai
import wire
from wire import ALLOWED, HELLO, OTHER


def client(key):
    return openai.AzureOpenAI(
        azure_endpoint=wire.url, api_key=key, api_version="2024-10-21", max_retries=0
    )


def chat(model, key=wire.limited, **more):
    return client(key).chat.completions.create(model=model, messages=HELLO, **more)


def transcribe(model):
    audio = ("a.wav", b"RIFF" + bytes(10_000))
    return client(wire.limited).audio.transcriptions.create(model=model, file=audio)


wire.says(chat(ALLOWED).choices[0].message.content)
words = [chunk.choices[0].delta.content or "" for chunk in chat(ALLOWED, stream=True)]
assert "".join(words).startswith("word0 word1"), words
embed = client(wire.limited).embeddings.create
assert embed(model=ALLOWED, input="a").data[0].embedding == [0.25, -0.5]
assert transcribe(ALLOWED).text == "Hello."
wire.says(client(wire.limited).responses.create(model=ALLOWED, input="hello").output_text)
names = [model.id for model in client(wire.limited).models.list()]
assert names == [ALLOWED, "deepseek-v3.2"], names

forbidden = openai.PermissionDeniedError
wire.refused(forbidden, 403, lambda: chat(OTHER), OTHER)
wire.refused(forbidden, 403, lambda: list(chat(OTHER, stream=True)), OTHER)
wire.refused(forbidden, 403, lambda: chat(ALLOWED, extra_body={"model": OTHER}), OTHER)
wire.refused(forbidden, 403, lambda: embed(model=OTHER, input="a"), OTHER)
wire.refused(forbidden, 403, lambda: transcribe(OTHER), OTHER)
wire.refused(openai.AuthenticationError, 401, lambda: chat(ALLOWED, wire.disabled), "disabled")
