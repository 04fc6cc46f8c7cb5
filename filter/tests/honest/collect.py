"""Collects what honest clients send, for the tests beside it.

    python3 filter/tests/honest/collect.py WORK filter/tests/honest/corpus.jsonl

Needs PyYAML. WORK is a directory for what is downloaded: source packages of PyPI (pinned below), whose recorded
traffic, test suites and API descriptions are read. What a key must list for a request is taken
from the places of `reads.json`, and from nowhere else. Of requests that are alike in endpoint,
members and kinds of values one is kept, its long texts cut. Nothing is executed but the SDKs' own
test suites, against a recorder on loopback.
"""

import base64
import gzip
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import threading
import urllib.parse
import venv

import yaml

# Build tools of the packages below, without which pip does not hand them out.
BUILD = ["hatchling", "poetry-core", "hatch-fancy-pypi-readme", "uv-dynamic-versioning", "setuptools", "pdm-backend"]
# SDKs whose test suites call every method with all its parameters.
SUITES = ["openai==3.54.0", "anthropic==2.12.0", "groq==1.7.0", "together==3.1.1"]
SUITE_NEEDS = ["pytest", "pytest-asyncio", "pytest-xdist", "respx", "dirty-equals", "aiohttp", "httpx-aiohttp", "rich", "boto3", "httpx2", "time-machine",
               "nest_asyncio", "inline-snapshot", "http-snapshot"]
# Packages whose tests hold recorded traffic.
CASSETTES = [
    "langchain-openai==1.7.4", "langchain-anthropic==1.7.10", "langchain-aws==1.9.1",
    "opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-instrumentation-openai==0.62.4",
    "opentelemetry-instrumentation-anthropic==0.62.4", "opentelemetry-instrumentation-cohere==0.62.4",
    "opentelemetry-instrumentation-mistralai==0.62.4", "opentelemetry-instrumentation-bedrock==0.62.4",
    "opentelemetry-instrumentation-google-generativeai==0.62.4", "opentelemetry-instrumentation-ollama==0.62.4",
]
# Function schemas that models are benchmarked with.
TOOLS = "bfcl-eval==2026.3.23"
# Words that the rule of names looks for: of the function schemas those that hold one are kept.
WORDS = re.compile(r"model|deployment|fallback|adapter|lora|preset|prompt_?id|engine", re.I)
# And one in so many of the others.
ONE_IN = 50
# Endpoints of Together's alone, which is no API that is built in.
OF_TOGETHER = re.compile(r"/v1/(v2|queue|fine-tunes)/")
TEXT_MAX = 80
LIST_MAX = 3

READS = json.loads((pathlib.Path(__file__).parent / "reads.json").read_text())


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=False, **options)


def python_in(work, name, packages):
    home = work / name
    if not (home / "done").exists():
        venv.create(home, with_pip=True)
        run(home / "bin/pip", "install", "-q", "--disable-pip-version-check", *packages).check_returncode()
        (home / "done").touch()
    return home / "bin/python"


def unpacked(work, package):
    """The source of a package."""
    python = python_in(work, "build", BUILD)
    stem = package.replace("==", "-").replace("-", "_").replace("_", "?")
    found = [p for p in work.glob(stem.replace("?", "[-_]")) if p.is_dir()]
    if found:
        return found[0]
    run(python, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:",
        "--no-build-isolation", "-d", work / "sdists", package).check_returncode()
    for archive in (work / "sdists").glob(stem.replace("?", "[-_]") + ".tar.gz"):
        tarfile.open(archive).extractall(work, filter="data")
    return unpacked(work, package)


def recorded(source):
    """The requests of the cassettes of a package."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in sorted(source.rglob("*.yaml*")):
        if "cassettes" not in file.parts and "cassettes" not in str(file):
            continue
        text = gzip.open(file, "rt").read() if file.suffix == ".gz" else file.read_text()
        tape = yaml.load(text, loader)
        requests = tape.get("requests") or [turn["request"] for turn in tape.get("interactions", [])]
        for request in requests:
            body = request.get("body")
            if request.get("method") != "POST" or not body:
                continue
            if isinstance(body, dict):
                body = body.get("string") or body.get("base64_string") or ""
            yield address(request["uri"], source.name, body), body


def address(uri, package, body):
    """Where a request went, also if the tape keeps it to itself."""
    if uri.startswith("http"):
        return uri
    text = body if isinstance(body, str) else body.decode(errors="replace")
    if "anthropic" in package:
        return "/v1/messages"
    return "/v1/chat/completions" if '"messages"' in text else "/v1/responses"


def suite(work, package):
    """What the test suite of an SDK sends."""
    source = unpacked(work, package)
    python = python_in(work, f"suite-{package.split('==')[0]}", [package, *SUITE_NEEDS])
    sent = []

    class Recorder(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if "json" in (self.headers.get("content-type") or ""):
                sent.append((self.path, body))
            answer = b"{}"
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.handle_error = lambda *_: None  # a client that is gone
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    run(python, "-m", "pytest", "-q", "--continue-on-collection-errors", "-p", "no:cacheprovider", "-k", "with_all_params and not Async", "-n", "0",
        "tests/api_resources", cwd=source, env={**os.environ, "TEST_API_BASE_URL": url},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.shutdown()
    # The SDKs have their version in the path of their own base URL.
    prefix = "" if package.startswith("anthropic") else "/v1"
    whole = ("/v1/", "/openai/v1/")
    sent = [(path if path.startswith(whole) else prefix + path, body) for path, body in sent]
    return [(path, body) for path, body in sent if not OF_TOGETHER.match(path)]


def tools(work):
    """Function schemas as the tools of a chat, of a response and of a message."""
    python = python_in(work, "build", BUILD)
    home = work / "bfcl"
    if not home.exists():
        run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "-t", home, TOOLS).check_returncode()
    seen, count = set(), 0
    for file in sorted(home.rglob("BFCL_v*.json")):
        for line in file.read_text().splitlines():
            try:
                functions = json.loads(line).get("function") or []
            except ValueError:
                continue
            for function in functions if isinstance(functions, list) else [functions]:
                text = json.dumps(function.get("parameters"), sort_keys=True)
                count += 1
                holds_word = WORDS.search(" ".join(members(function.get("parameters"))))
                if text in seen or not (holds_word or count % ONE_IN == 0):
                    continue
                seen.add(text)
                yield from in_dialects(function)


def in_dialects(function):
    name, schema = re.sub(r"\W", "_", function["name"]), json_schema(function["parameters"])
    said = [{"role": "user", "content": "hi"}]
    declared = {"name": name, "description": function.get("description", ""), "parameters": schema}
    yield "/v1/chat/completions", {"model": "m", "messages": said, "tools": [{"type": "function", "function": declared}]}
    yield "/v1/responses", {"model": "m", "input": "hi", "tools": [{"type": "function", **declared}]}
    yield "/v1/messages", {"model": "m", "max_tokens": 9, "messages": said, "tools": [{"name": name, "input_schema": schema}]}
    declarations = [{"functionDeclarations": [declared]}]
    yield "/v1beta/models/m:generateContent", {"contents": [{"parts": [{"text": "hi"}]}], "tools": declarations}
    spec = {"toolSpec": {"name": name, "inputSchema": {"json": schema}}}
    yield "/model/m/converse", {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "toolConfig": {"tools": [spec]}}
    yield "/v2/chat", {"model": "m", "messages": said, "tools": [{"type": "function", "function": declared}]}
    yield "/api/chat", {"model": "m", "messages": said, "tools": [{"type": "function", "function": declared}]}
    # And a call of it, with each of its members.
    values = {key: "bad-1" for key in schema.get("properties", {})}
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": json.dumps(values)}}
    yield "/v1/chat/completions", {"model": "m", "messages": [*said, {"role": "assistant", "tool_calls": [call]}], "metadata": {k: "bad-1" for k in values}}
    used = {"type": "tool_use", "id": "1", "name": name, "input": values}
    yield "/v1/messages", {"model": "m", "max_tokens": 9, "messages": [*said, {"role": "assistant", "content": [used]}]}
    part = {"functionCall": {"name": name, "args": values}}
    yield "/v1beta/models/m:generateContent", {"contents": [{"role": "model", "parts": [part]}]}
    part = {"toolUse": {"toolUseId": "1", "name": name, "input": values}}
    yield "/model/m/converse", {"messages": [{"role": "assistant", "content": [part]}]}
    item = {"type": "function_call", "call_id": "1", "name": name, "arguments": json.dumps(values)}
    yield "/v1/responses", {"model": "m", "input": [item], "metadata": {k: "bad-1" for k in values}}


def json_schema(schema):
    """BFCL has words of Python for types."""
    if isinstance(schema, list):
        return [json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    words = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}
    return {k: words.get(v, v) if k == "type" and isinstance(v, str) else json_schema(v) for k, v in schema.items()}


def members(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner)


def named(path, body):
    """What a key must list: the texts at the places of `reads.json`, and what the path names."""
    names = {text for place in READS for text in texts_at(body, place.strip("/").split("/"))}
    in_path = re.search(r"^/(?:v1beta|v1|v1alpha)/models/([^:]+):|^/openai/deployments/([^/]+)/|^/model/([^/]+)/|"
                        r"/publishers/google/models/([^/:]+):|/endpoints/([^/:]+):", path)
    if in_path:
        names.add(urllib.parse.unquote(next(filter(None, in_path.groups()))))
    return sorted({name.removeprefix("models/") for name in names if name})


def texts_at(value, steps):
    if not steps:
        return [value] if isinstance(value, str) else []
    if steps[0] == "*":
        inside = value if isinstance(value, list) else []
        return [text for inner in inside for text in texts_at(inner, steps[1:])]
    return texts_at(value[steps[0]], steps[1:]) if isinstance(value, dict) and steps[0] in value else []


def shortened(value, keep):
    if isinstance(value, str):
        return value if value in keep or len(value) <= TEXT_MAX else value[:TEXT_MAX]
    if isinstance(value, list):
        alike, out = {}, []
        for inner in value:
            shape = str(shape_of(inner))
            alike[shape] = alike.get(shape, 0) + 1
            if alike[shape] <= LIST_MAX or (isinstance(inner, str) and inner in keep):
                out.append(shortened(inner, keep))
        return out
    if isinstance(value, dict):
        return {key: shortened(inner, keep) for key, inner in value.items()}
    return value


def shape_of(value, at=""):
    """Members and kinds of values, elements of a list as one."""
    if isinstance(value, dict):
        return frozenset().union(*[shape_of(inner, f"{at}/{key}") for key, inner in value.items()] or [{at + "{}"}])
    if isinstance(value, list):
        return frozenset().union(*[shape_of(inner, at + "/*") for inner in value] or [{at + "[]"}])
    return frozenset([at + type(value).__name__])


def write(out, requests):
    """Writes of (package, path, body) those that are not alike and name something; says how many of each package."""
    rows, shapes, seen, kept = [], set(), {}, {}
    for package, uri, body in requests:
        path = urllib.parse.urlsplit(uri).path
        try:
            body = body if isinstance(body, dict) else json.loads(body)
        except (ValueError, UnicodeDecodeError):
            continue
        if not isinstance(body, dict):
            continue
        seen[package] = seen.get(package, 0) + 1
        names = named(path, body)
        shape = (re.sub(r"(models|deployments|model)/[^/:]+", r"\1/x", path), shape_of(body))
        if shape in shapes or not names:
            continue
        shapes.add(shape)
        kept[package] = kept.get(package, 0) + 1
        rows.append({"from": package, "call": f"POST {path}", "names": names, "body": shortened(body, set(names))})
    for package, count in seen.items():
        print(package, count, kept.get(package, 0), file=sys.stderr)
    print(f"{sum(seen.values())} requests, {len(rows)} of them not alike and with a name", file=sys.stderr)
    with out.open("w") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def requests(work):
    sources = [(package, recorded(unpacked(work, package))) for package in CASSETTES]
    sources += [(package, suite(work, package)) for package in SUITES]
    sources.append((TOOLS, tools(work)))
    for package, found in sources:
        for uri, body in found:
            yield package, uri, body


if __name__ == "__main__":
    work = pathlib.Path(sys.argv[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    write(pathlib.Path(sys.argv[2]), requests(work))
