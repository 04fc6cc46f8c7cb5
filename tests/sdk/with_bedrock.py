"""boto3's Bedrock client with a bearer key, which it sends over TLS alone.

A fourth argument: the certificate of the gate's issuer.
"""

import os
import sys

import boto3
import wire
from botocore.config import Config
from botocore.exceptions import ClientError
from wire import ALLOWED, OTHER

MESSAGES = [{"role": "user", "content": [{"text": "hello"}]}]
sent = []


def client(key=wire.limited):
    os.environ["AWS_BEARER_TOKEN_BEDROCK"] = key
    bedrock = boto3.client(
        "bedrock-runtime", endpoint_url=wire.url, region_name="us-east-1", verify=sys.argv[4],
        config=Config(retries={"total_max_attempts": 1}),
    )
    bedrock.meta.events.register("before-send.bedrock-runtime", lambda request, **_: note(request))
    bedrock.meta.events.register("response-received.bedrock-runtime", answered)
    return bedrock


def note(request):
    sent.append((request.method, request.url.removeprefix(wire.url), request.body))


def answered(response_dict, **_):
    wire.report(response_dict["status_code"], *sent.pop())


def ask(model, key=wire.limited):
    answer = client(key).converse(modelId=model, messages=MESSAGES)
    return answer["output"]["message"]["content"][0]["text"]


def streamed(model):
    events = client().converse_stream(modelId=model, messages=MESSAGES)["stream"]
    deltas = [event.get("contentBlockDelta", {}).get("delta", {}) for event in events]
    return "".join(delta.get("text", "") for delta in deltas)


def refused(code, call, *texts):
    try:
        answer = call()
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert type(error).__name__ in (code, "ClientError"), type(error)
        assert all(text in str(error) for text in texts), error
        print("ok", type(error).__name__, error, flush=True)
    else:
        raise SystemExit(f"this was not refused: {answer}")


wire.says(ask(ALLOWED))
wire.says(streamed(ALLOWED))
body = client().invoke_model(modelId=ALLOWED, body=b'{"inputText": "hello"}')["body"].read()
wire.says(body.decode())
refused("AccessDeniedException", lambda: ask(OTHER), OTHER)
refused("AccessDeniedException", lambda: streamed(OTHER), OTHER)
profile = f"arn:aws:bedrock:us-east-1:1:inference-profile/{ALLOWED}"
refused("AccessDeniedException", lambda: ask(profile))
refused("UnrecognizedClientException", lambda: ask(ALLOWED, wire.disabled), "disabled")
