"""Five thousand honest requests through three SDKs, none like the other.

Every fiftieth is for a model that is out of scope: a gate that looks at nothing would let it pass.
"""

import random

import anthropic
import openai
import wire
from google import genai
from google.genai.errors import ClientError
from wire import ALLOWED, OTHER

REQUESTS = 5000
WORDS = ["model", "models", '"model": "kimi-k2.6"', "\\", "\u00e9\u4f60\u597d", "\U0001f600", "\n",
         "\t", '"', "fallbacks", "{", "}", "a" * 50, "data:image/png;base64," + "iVBORw0K" * 300]

seed = random.randrange(1 << 32)
print("seed", seed)
draw = random.Random(seed)
openai_client = openai.OpenAI(base_url=f"{wire.url}/v1", api_key=wire.limited, max_retries=0)
anthropic_client = anthropic.Anthropic(base_url=wire.url, api_key=wire.limited, max_retries=0)
options = {"base_url": wire.url, "api_version": "v1beta"}
genai_client = genai.Client(api_key=wire.limited, http_options=options)


def prompt():
    return " ".join(draw.choices(WORDS, k=draw.randrange(1, 12)))


def schema(depth=3):
    names = draw.sample(["model", "Model", "name", "fallbacks", "x"], k=2)
    inner = {name: {"type": "string", "enum": [prompt(), OTHER]} for name in names}
    if depth:
        inner["deeper"] = schema(depth - 1)
    return {"type": "object", "properties": inner, "description": prompt()}


def with_openai(model):
    more = {}
    if draw.random() < 0.3:
        function = {"name": "f", "parameters": schema()}
        more["tools"] = [{"type": "function", "function": function}]
    if draw.random() < 0.3:
        more["metadata"] = {"model": OTHER, "x": prompt()}
    if draw.random() < 0.3:
        more["temperature"] = draw.choice([0, 1e-7, 0.5, 2])
    messages = [{"role": "user", "content": prompt()} for _ in range(draw.randrange(1, 5))]
    answer = openai_client.chat.completions.create(model=model, messages=messages, **more)
    return answer.choices[0].message.content


def with_anthropic(model):
    more = {}
    if draw.random() < 0.3:
        more["tools"] = [{"name": "f", "description": prompt(), "input_schema": schema()}]
    if draw.random() < 0.3:
        more["system"] = prompt()
    content = [{"type": "text", "text": prompt()} for _ in range(draw.randrange(1, 4))]
    messages = [{"role": "user", "content": content}]
    answer = anthropic_client.messages.create(
        model=model, max_tokens=9, messages=messages, **more
    )
    return answer.content[0].text


def with_genai(model):
    return genai_client.models.generate_content(model=model, contents=[prompt()]).text


refusals = (openai.PermissionDeniedError, anthropic.PermissionDeniedError, ClientError)
for number in range(REQUESTS):
    ask = draw.choice([with_openai, with_anthropic, with_genai])
    if number % 50:
        assert ask(ALLOWED) == f"Hello from {ALLOWED}.", number
        continue
    try:
        ask(OTHER)
    except refusals as error:
        assert OTHER in str(error), error
    else:
        raise SystemExit(f"request {number} was not refused")
