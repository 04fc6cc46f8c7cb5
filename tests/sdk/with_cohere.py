"""The official cohere SDK, version 2 of its API."""

import cohere
import wire
from cohere.errors import ForbiddenError, UnauthorizedError
from wire import ALLOWED, HELLO, OTHER


def ask(model, key=wire.limited):
    client = cohere.ClientV2(key, base_url=wire.url)
    return client.chat(model=model, messages=HELLO).message.content[0].text


def streamed(model):
    client = cohere.ClientV2(wire.limited, base_url=wire.url)
    events = client.chat_stream(model=model, messages=HELLO)
    pieces = [e.delta.message.content.text for e in events if e.type == "content-delta"]
    return "".join(pieces)


wire.says(ask(ALLOWED))
wire.says(streamed(ALLOWED))
wire.refused(ForbiddenError, 403, lambda: ask(OTHER), OTHER)
wire.refused(ForbiddenError, 403, lambda: streamed(OTHER), OTHER)
wire.refused(UnauthorizedError, 401, lambda: ask(ALLOWED, wire.disabled), "disabled")
