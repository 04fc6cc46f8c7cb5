"""Collects requests that the documentation of SDKs publishes, for the tests beside it.

    python3 filter/tests/honest/published.py WORK filter/tests/honest/published.jsonl

Needs PyYAML, pip and npm. WORK is a directory for what is downloaded (pinned below). Read are the examples and
README files of the SDKs, in Python and in TypeScript, the requests in the tests of Cohere's SDK, and traffic that
tests have recorded. Nothing is executed: calls are found in the syntax tree, and what is no literal in
their arguments becomes a text. Of requests that are alike one is kept, its long texts cut (`collect.py`).
"""

import ast
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import urllib.parse

import yaml

import collect

PYTHON = ["openai==3.57.0", "anthropic==2.14.0", "groq==1.7.0", "together==3.1.1", "ollama==0.6.3", "mistralai==3.7.0", "cohere==7.3.1",
          "cerebras-cloud-sdk==1.91.0"]
NODE = ["openai@6.49.0", "@anthropic-ai/sdk@1.14.0", "@google/genai@2.32.0", "cohere-ai@8.1.0", "@mistralai/mistralai@2.7.0", "groq-sdk@1.6.0",
        "together-ai@0.52.0", "ollama@0.6.4"]
CASSETTES = [
    "ddapm-test-agent==1.45.0", "openinference-instrumentation-bedrock==0.1.61", "openinference-instrumentation-google-genai==1.4.14",
    "openinference-instrumentation-mistralai==2.2.2", "opentelemetry-instrumentation-google-genai==1.3b0",
    "opentelemetry-instrumentation-groq==0.62.4", "opentelemetry-instrumentation-together==0.62.4", "langchain-groq==1.1.3",
]
# Reads TypeScript's object literals.
ESPRIMA = "esprima==4.0.1"
# Arguments that an SDK keeps to itself, or sends elsewhere than in the body.
NOT_SENT = {"extra_headers", "extra_query", "timeout", "event_handler", "text_format", "output_format", "on_event", "betas", "file", "image", "mask"}
OF_OPENAI = {
    "chat.completions.create": "/v1/chat/completions", "chat.completions.stream": "/v1/chat/completions",
    "chat.completions.runTools": "/v1/chat/completions", "completions.create": "/v1/completions",
    "responses.create": "/v1/responses", "responses.stream": "/v1/responses", "embeddings.create": "/v1/embeddings",
    "images.generate": "/v1/images/generations", "audio.speech.create": "/v1/audio/speech", "moderations.create": "/v1/moderations",
    "fine_tuning.jobs.create": "/v1/fine_tuning/jobs", "fineTuning.jobs.create": "/v1/fine_tuning/jobs",
    "realtime.client_secrets.create": "/v1/realtime/client_secrets", "realtime.clientSecrets.create": "/v1/realtime/client_secrets",
    "beta.assistants.create": "/v1/assistants", "videos.create": "/v1/videos", "rerank.create": "/v1/rerank",
}
OF_ANTHROPIC = {
    "messages.create": "/v1/messages", "messages.stream": "/v1/messages", "messages.parse": "/v1/messages", "messages.toolRunner": "/v1/messages",
    "messages.tool_runner": "/v1/messages", "messages.countTokens": "/v1/messages/count_tokens", "messages.count_tokens": "/v1/messages/count_tokens",
    "messages.batches.create": "/v1/messages/batches", "completions.create": "/v1/complete", "beta.agents.create": "/v1/agents",
}
OF_MISTRAL = {
    "chat.complete": "/v1/chat/completions", "chat.stream": "/v1/chat/completions", "fim.complete": "/v1/fim/completions",
    "embeddings.create": "/v1/embeddings", "ocr.process": "/v1/ocr", "agents.complete": "/v1/agents/completions",
    "beta.conversations.start": "/v1/conversations", "classifiers.moderate": "/v1/moderations",
}
OF_OLLAMA = {"chat": "/api/chat", "generate": "/api/generate", "embed": "/api/embed", "show": "/api/show"}
OF_COHERE = {"v2.chat": "/v2/chat", "chat": "/v2/chat", "chat_stream": "/v2/chat", "chatStream": "/v2/chat", "embed": "/v2/embed", "rerank": "/v2/rerank",
             "classify": "/v1/classify", "generate": "/v1/generate"}
OF_GOOGLE = {"models.generateContent": "generateContent", "models.generateContentStream": "streamGenerateContent", "interactions.create": "/v1beta/interactions"}
# What the name of a package says of its calls.
CALLS = [("openai", OF_OPENAI), ("groq", OF_OPENAI), ("together", OF_OPENAI), ("cerebras", OF_OPENAI), ("anthropic", OF_ANTHROPIC), ("mistral", OF_MISTRAL),
         ("ollama", OF_OLLAMA), ("cohere", OF_COHERE), ("google", OF_GOOGLE)]
CODE = re.compile(r"```(\w*)[^\n]*\n(.*?)```", re.S)
UNKNOWN = "a value"


def calls_of(package):
    return next(calls for word, calls in CALLS if word in package)


def path_of(chain, calls):
    """The path of a call, by the longest end of its chain of names that is known."""
    for begin in range(len(chain)):
        path = calls.get(".".join(chain[begin:]))
        if path:
            return path
    return None


# --- Python

def in_python(text, calls):
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    constants = {target.id: node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)
                 for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            path = path_of(python_chain(node.func), calls)
            body = {word.arg: python_value(word.value, constants) for word in node.keywords if word.arg and word.arg not in NOT_SENT}
            if body.get("fallbacks") == UNKNOWN:
                continue
            if path and body:
                yield path, body


def python_chain(node):
    if isinstance(node, ast.Attribute):
        return [*python_chain(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else []


def python_value(node, constants, depth=0):
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, (str, int, float, bool, type(None))) else UNKNOWN
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [python_value(one, constants, depth) for one in node.elts]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values)
        return {key.value: python_value(value, constants, depth) for key, value in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    if isinstance(node, ast.Call) and node.keywords:
        # A typed argument is sent as its members.
        return {word.arg: python_value(word.value, constants, depth) for word in node.keywords if word.arg}
    if isinstance(node, ast.Name) and node.id in constants and depth < 4:
        return python_value(constants[node.id], constants, depth + 1)
    return UNKNOWN


# --- TypeScript

def in_typescript(text, calls, esprima):
    for match in re.finditer(r"((?:\w+\.)+\w+)\(\s*\{", text):
        path = path_of(match.group(1).split("."), calls)
        literal = balanced(text, match.end() - 1)
        if not path or literal is None:
            continue
        try:
            tree = esprima.parseScript(f"({literal})").body[0].expression
        except Exception:
            continue
        body = script_value(tree)
        if isinstance(body, dict) and body:
            yield path, body


def balanced(text, begin):
    """The object literal that begins here."""
    depth, quote, at = 0, None, begin
    while at < len(text):
        c = text[at]
        if quote:
            at += c == "\\"
            quote = None if c == quote else quote
        elif c in "'\"`":
            quote = c
        elif c in "{[(":
            depth += 1
        elif c in "}])":
            depth -= 1
            if depth == 0:
                return text[begin:at + 1]
        elif text.startswith("//", at):
            at = text.find("\n", at)
            if at < 0:
                return None
        at += 1
    return None


def script_value(node):
    if node.type == "Literal":
        return node.value if isinstance(node.value, (str, int, float, bool, type(None))) else UNKNOWN
    if node.type == "TemplateLiteral":
        return "".join(part.value.cooked for part in node.quasis)
    if node.type == "ArrayExpression":
        return [script_value(one) for one in node.elements if one]
    if node.type == "ObjectExpression":
        pairs = [(p.key.name or p.key.value, p.value) for p in node.properties if p.type == "Property" and not p.computed]
        return {str(key): script_value(value) for key, value in pairs}
    return UNKNOWN


# --- requests

def as_google_sends(path, body):
    """The SDK's arguments as a request."""
    if path.startswith("/"):
        return path, body
    model = str(body.pop("model", "m")).removeprefix("models/")
    config = body.pop("config", {})
    config = config if isinstance(config, dict) else {}
    contents = body.pop("contents", "hi")
    if not isinstance(contents, list):
        contents = [contents]
    of_root = {"systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent"}
    sent = {"contents": [{"parts": [{"text": one}]} if isinstance(one, str) else one for one in contents]}
    sent.update({key: config.pop(key) for key in list(config) if key in of_root})
    sent["generationConfig"] = config
    return f"/v1beta/models/{urllib.parse.quote(model, safe='/')}:{path}", sent


def of_source(package, root, esprima):
    """The examples in the files of a package."""
    calls = calls_of(package)
    for file in sorted(root.rglob("*")):
        if not file.is_file() or file.suffix not in {".py", ".md", ".mdx", ".ts", ".mjs", ".js"} or "CHANGELOG" in file.name or "node_modules" in file.parts:
            continue
        is_example = any(part in {"examples", "tests", "samples"} for part in file.parts)
        text = file.read_text(errors="replace")
        if file.suffix.startswith(".md"):
            for language, code in CODE.findall(text):
                found = in_python(code, calls) if language in {"python", "py"} else in_typescript(code, calls, esprima)
                yield from found
        elif is_example and file.suffix == ".py":
            yield from in_python(text, calls)
        elif is_example:
            yield from in_typescript(text, calls, esprima)
        elif file.suffix in {".py", ".ts"}:
            # Examples in the comments of the source.
            comments = re.sub(r"(?m)^\s*\* ?", "", text)
            for language, code in CODE.findall(comments):
                yield from in_typescript(code, calls, esprima)


def wire_tests(root, esprima):
    """The bodies that Cohere's tests expect at a path."""
    for file in sorted(root.rglob("tests/wire/*.test.ts")):
        text = file.read_text()
        for match in re.finditer(r"rawRequestBody = (\{)", text):
            literal, path = balanced(text, match.start(1)), re.search(r'\.post\("([^"]+)"\)', text[match.end():])
            if literal and path and "connectors" not in path.group(1):
                yield path.group(1), script_value(esprima.parseScript(f"({literal})").body[0].expression)


class Tape(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads tapes in which headers are objects of Python."""


Tape.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def recorded(root):
    for file in sorted(root.rglob("*.y*ml")):
        if "cassettes" not in str(file):
            continue
        tape = yaml.load(file.read_text(), Tape) or {}
        for turn in tape.get("interactions", []):
            body = turn["request"].get("body")
            body = body.get("string") if isinstance(body, dict) else body
            if turn["request"].get("method") == "POST" and body:
                yield urllib.parse.urlsplit(turn["request"]["uri"]).path, body


def npm_source(work, package):
    home = work / "npm" / re.sub(r"\W+", "-", package)
    if not home.exists():
        home.mkdir(parents=True)
        archive = subprocess.run(["npm", "pack", "--silent", package], cwd=home, check=True, capture_output=True, text=True).stdout.split()[-1]
        tarfile.open(home / archive).extractall(home, filter="data")
    return home


def requests(work):
    build = collect.python_in(work, "build", [*collect.BUILD, "flit-core", "wheel", ESPRIMA])
    sys.path += [str(path) for path in (build.parent.parent / "lib").glob("python*/site-packages")]
    import esprima
    for package in PYTHON:
        for path, body in of_source(package, collect.unpacked(work, package), esprima):
            yield package, path, body
    for package in NODE:
        root = npm_source(work, package)
        for path, body in of_source(package, root, esprima):
            yield (package, *as_google_sends(path, body))
        for path, body in wire_tests(root, esprima):
            yield package, path, body
    for package in CASSETTES:
        for path, body in recorded(collect.unpacked(work, package)):
            yield package, path, body


if __name__ == "__main__":
    work = pathlib.Path(sys.argv[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    collect.write(pathlib.Path(sys.argv[2]), requests(work))
