"""Keys whose limits are used up: each official SDK raises its typed exception with a readable message, and
none sleeps for more than a minute. A stream of a key with a limit of tokens looks as it does without one.

Arguments: base URL of the gate; a key that may make one request in all, and one that may make one a minute; the
same over TLS and the certificate of its issuer; a key with a limit of tokens, and one without limits.
"""

import os
import sys
import time

slept = []
# Some SDKs take it at their import.
time.sleep = slept.append

import anthropic  # noqa: E402
import boto3  # noqa: E402
import cohere  # noqa: E402
import ollama  # noqa: E402
import openai  # noqa: E402
import wire  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from cohere.errors import TooManyRequestsError  # noqa: E402
from google import genai  # noqa: E402
from google.genai.errors import ClientError as GenaiError  # noqa: E402
from google.genai.types import HttpOptions, HttpRetryOptions  # noqa: E402
from wire import ALLOWED, HELLO  # noqa: E402

spent, minute = wire.limited, wire.disabled
tls, issuer, metered, free = sys.argv[4:8]
CHAT = {"model": ALLOWED, "messages": HELLO}
PROMPT = [{"role": "user", "content": [{"text": "hello"}]}]


def of_openai(key, **more):
    client = openai.OpenAI(base_url=f"{wire.url}/v1", api_key=key)
    return client.chat.completions.create(**CHAT, **more)


def of_anthropic(key):
    client = anthropic.Anthropic(base_url=wire.url, api_key=key)
    return client.messages.create(max_tokens=9, **CHAT)


def of_genai(key):
    options = HttpOptions(
        base_url=wire.url, api_version="v1beta", retry_options=HttpRetryOptions(attempts=3)
    )
    # A client that is collected closes its connection.
    of_genai.client = genai.Client(api_key=key, http_options=options)
    return of_genai.client.models.generate_content(model=ALLOWED, contents="hello")


def of_cohere(key):
    return cohere.ClientV2(key, base_url=wire.url).chat(**CHAT)


def of_ollama(key):
    return ollama.Client(host=wire.url, headers={"Authorization": f"Bearer {key}"}).chat(**CHAT)


def of_bedrock(key):
    os.environ["AWS_BEARER_TOKEN_BEDROCK"] = key
    bedrock = boto3.client(
        "bedrock-runtime", endpoint_url=tls, region_name="us-east-1", verify=issuer,
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
    )
    try:
        return bedrock.converse(modelId=ALLOWED, messages=PROMPT)
    except ClientError as error:
        assert isinstance(error, bedrock.exceptions.ThrottlingException), type(error)
        error.status_code = error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise


def refused(exception, call, key, text):
    """Refused with this text, and nobody sleeps for longer than a minute."""
    slept.clear()
    try:
        wire.refused(exception, 429, lambda: call(key), text)
    except SystemExit:
        # The minute was over in between.
        wire.refused(exception, 429, lambda: call(key), text)
    assert all(seconds <= 60 for seconds in slept), slept
    print("slept", slept, flush=True)


def use_up(call, key):
    """The limit of a minute has one request: whatever is left of it is taken."""
    try:
        call(key)
    except Exception as error:
        print("used up already", type(error).__name__, flush=True)


ALL = [
    (openai.RateLimitError, of_openai),
    (anthropic.RateLimitError, of_anthropic),
    (GenaiError, of_genai),
    (TooManyRequestsError, of_cohere),
    (ollama.ResponseError, of_ollama),
    (ClientError, of_bedrock),
]
for exception, call in ALL:
    use_up(call, spent)
    refused(exception, call, spent, "used up its limit of 1 requests in all")
    use_up(call, minute)
    refused(exception, call, minute, "Rate limit reached: 1 requests in a minute. Try again in ")


def stream(key, **more):
    return [chunk.to_dict() for chunk in of_openai(key, stream=True, **more)]


chunks = stream(metered)
assert chunks == stream(free) and all(chunk["choices"] for chunk in chunks), chunks
assert not any(chunk.get("usage") for chunk in chunks), chunks
chunks = stream(metered, stream_options={"include_usage": True})
assert chunks == stream(free, stream_options={"include_usage": True}), chunks
assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 5), chunks
print("ok streams", flush=True)
