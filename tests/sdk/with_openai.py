"""The official openai SDK: chat, responses, embeddings, images, audio, models."""

import openai
import wire
from wire import ALLOWED, HELLO, OTHER


def client(key):
    return openai.OpenAI(base_url=f"{wire.url}/v1", api_key=key, max_retries=0)


def chat(model, key=wire.limited, **more):
    return client(key).chat.completions.create(model=model, messages=HELLO, **more)


def respond(model, **more):
    return client(wire.limited).responses.create(model=model, input="hello", **more)


def edit(model):
    image = ("a.png", b"\x89PNG" + bytes(range(256)) * 500)
    return client(wire.limited).images.edit(model=model, image=image, prompt="a cat")


def transcribe(model):
    audio = ("a.wav", b"RIFF" + bytes(range(256)) * 5000)
    return client(wire.limited).audio.transcriptions.create(
        model=model, file=audio, timestamp_granularities=["word"], response_format="verbose_json"
    )


embed = client(wire.limited).embeddings.create
models = client(wire.limited).models

wire.says(chat(ALLOWED).choices[0].message.content)
words = [chunk.choices[0].delta.content or "" for chunk in chat(ALLOWED, stream=True)]
assert "".join(words).startswith("word0 word1"), words
wire.says(respond(ALLOWED).output_text)
events = respond(ALLOWED, stream=True)
wire.says("".join(e.delta for e in events if e.type == "response.output_text.delta"))
assert embed(model=ALLOWED, input=["a", "b"]).data[0].embedding == [0.25, -0.5]
assert edit(ALLOWED).data[0].b64_json
assert transcribe(ALLOWED).text == "Hello."
properties = {"model": {"type": "string", "enum": [OTHER]}}
buy = {"name": "buy", "parameters": {"type": "object", "properties": properties}}
tools = [{"type": "function", "function": buy}]
wire.says(chat(ALLOWED, tools=tools, metadata={"model": OTHER}).choices[0].message.content)
names = [model.id for model in models.list()]
assert names == [ALLOWED, "deepseek-v3.2"], names
assert models.retrieve(ALLOWED).id == ALLOWED

forbidden = openai.PermissionDeniedError
wire.refused(forbidden, 403, lambda: chat(OTHER), OTHER, "model_not_found")
wire.refused(forbidden, 403, lambda: list(chat(OTHER, stream=True)), OTHER)
wire.refused(forbidden, 403, lambda: respond(OTHER), OTHER)
wire.refused(forbidden, 403, lambda: list(respond(OTHER, stream=True)), OTHER)
drawing = [{"type": "image_generation", "model": OTHER}]
wire.refused(forbidden, 403, lambda: respond(ALLOWED, tools=drawing), OTHER)
wire.refused(forbidden, 403, lambda: respond(ALLOWED, prompt={"id": "pmpt_1"}))
wire.refused(forbidden, 403, lambda: embed(model=OTHER, input="a"), OTHER)
wire.refused(forbidden, 403, lambda: edit(OTHER), OTHER)
wire.refused(forbidden, 403, lambda: transcribe(OTHER), OTHER)
wire.refused(forbidden, 403, lambda: client(wire.limited).files.list(), "endpoint_not_allowed")
more = {"models": [ALLOWED, OTHER]}
wire.refused(forbidden, 403, lambda: chat(ALLOWED, extra_body=more), OTHER)
wire.refused(openai.BadRequestError, 400, lambda: chat([ALLOWED]), "invalid_request_body")
wire.refused(openai.NotFoundError, 404, lambda: models.retrieve(OTHER), "does not exist")

unauthorized = openai.AuthenticationError
wire.refused(unauthorized, 401, lambda: chat(ALLOWED, wire.disabled), "api_key_disabled")
wire.refused(unauthorized, 401, lambda: chat(ALLOWED, "sk-x"), "invalid_api_key")
