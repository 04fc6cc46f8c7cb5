"""The official anthropic SDK, of the versions that send a bearer key and of those before."""

import anthropic
import wire
from wire import ALLOWED, HELLO, OTHER


def client(key):
    return anthropic.Anthropic(base_url=wire.url, api_key=key, max_retries=0)


def ask(model, key=wire.limited, **more):
    return client(key).messages.create(model=model, max_tokens=9, messages=HELLO, **more)


def streamed(model):
    with client(wire.limited).messages.stream(model=model, max_tokens=9, messages=HELLO) as stream:
        return "".join(stream.text_stream)


def count(model):
    return client(wire.limited).messages.count_tokens(model=model, messages=HELLO).input_tokens


wire.says(ask(ALLOWED).content[0].text)
wire.says(streamed(ALLOWED))
assert count(ALLOWED) == 3
names = [model.id for model in client(wire.limited).models.list()]
assert names == [ALLOWED, "deepseek-v3.2"], names
assert client(wire.limited).models.retrieve(ALLOWED).id == ALLOWED

forbidden = anthropic.PermissionDeniedError
wire.refused(forbidden, 403, lambda: ask(OTHER), OTHER, "permission_error")
wire.refused(forbidden, 403, lambda: streamed(OTHER), OTHER)
wire.refused(forbidden, 403, lambda: count(OTHER), OTHER)
fallbacks = {"fallbacks": [{"model": OTHER}]}
wire.refused(forbidden, 403, lambda: ask(ALLOWED, extra_body=fallbacks), OTHER)
wire.refused(forbidden, 403, lambda: ask(ALLOWED, extra_body={"fallbacks": "default"}))
wire.refused(
    anthropic.NotFoundError, 404, lambda: client(wire.limited).models.retrieve(OTHER),
    "not_found_error",
)
wire.refused(
    anthropic.AuthenticationError, 401, lambda: ask(ALLOWED, wire.disabled), "authentication_error"
)
wire.refused(
    anthropic.AuthenticationError, 401, lambda: ask(ALLOWED, "sk-x"), "authentication_error"
)
