"""The official openai SDK through Envoy: plain and streamed chat, and the typed refusals.

Arguments: base URL, a key for every model, a disabled key, a key limited to another model.
"""

import sys

import openai

base_url, good, disabled, limited = sys.argv[1:5]


def client(key):
    return openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)


def ask(key, **more):
    messages = [{"role": "user", "content": "hello"}]
    return client(key).chat.completions.create(model="glm-5.1", messages=messages, **more)


answer = ask(good)
assert answer.model == "glm-5.1", answer
assert "glm-5.1" in answer.choices[0].message.content, answer
print("chat ok")

words = [chunk.choices[0].delta.content or "" for chunk in ask(good, stream=True)]
assert "".join(words).startswith("word0 word1"), words
print("stream ok")

try:
    ask(disabled)
except openai.AuthenticationError as error:
    assert error.status_code == 401 and error.code == "api_key_disabled", error
    print("disabled ok:", error)
else:
    raise SystemExit("a disabled key was accepted")

try:
    ask(limited)
except openai.PermissionDeniedError as error:
    assert error.status_code == 403 and error.code == "model_not_found", error
    assert "glm-5.1" in error.message, error
    print("scope ok:", error)
else:
    raise SystemExit("a model out of scope was accepted")
