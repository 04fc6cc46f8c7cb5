"""Records what every method of the official SDKs calls, for the tests beside it.

    python filter/tests/operations/record.py filter/tests/operations/recorded.jsonl

Runs in an environment that has the packages of `SOURCES.md`. Each client is walked from its root, each method that
it has is called once, with what its signature requires, against a recorder on loopback that answers 400: so no
method goes beyond its first request. What a method needs is made up from the types it is annotated with; what
cannot be made up so is in `GIVEN`. A method that could not be called is printed to stderr with the reason.
"""

import collections.abc
import datetime
import enum
import functools
import http.server
import importlib.metadata
import inspect
import io
import json
import re
import sys
import threading
import types
import typing
import urllib.parse
import warnings

import typing_extensions

MODEL = "good-1"
# Roots of what is no part of the API: the client's own machinery, and other ways to say the same.
NOT_CALLED = re.compile(r"with_|copy$|close$|is_closed$|aio$|platform_headers$|qs$|sdk_configuration$|raise_for|validate_"
                        r"|parent_ref$|meta$|exceptions$|dynamic_import$|timeout$|can_paginate|get_paginator|get_waiter|generate_presigned|wait|web_|.*_client$|parse_unverified|prepare|batch_\w*tokenize$"
                        r"|do_request|do_async|async|.*_async$|a[a-z]+_async|unwrap|verify_signature|get_security")
BASES = ("_base_client", "basesdk", "httpclient", "sdkconfiguration", "client_wrapper", "raw_client", "compat_errors")
DEPTH_MAX = 6
# What an SDK draws or takes from a clock: ids, traces, the name of a job. Written as zeros, so that a second run gives the same.
DRAWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|00-[0-9a-f]{32}-[0-9a-f]{16}-01|(?<=genai_batch_job_)[0-9]{14}_[0-9a-f]{5}")


class Unknown(Exception):
    """No value can be made up."""


# --- values by type ---

def value(kind, name, depth=0):
    """Some value of this type, for a parameter or member of this name."""
    if depth > 12:
        raise Unknown(name)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    deeper = functools.partial(value, name=name, depth=depth + 1)
    if isinstance(kind, typing.TypeVar):
        return deeper(kind.__bound__) if kind.__bound__ else {}
    if hasattr(kind, "__value__"):
        return deeper(kind.__value__)
    if origin in (typing.Annotated, typing.Required, typing.NotRequired, typing.ClassVar):
        return deeper(inner[0])
    if origin is typing.Literal:
        return inner[0]
    if origin in (typing.Union, types.UnionType):
        return of_union(inner, name, depth)
    if kind is None or kind is type(None):
        return None
    if origin in (dict, collections.abc.Mapping, collections.abc.MutableMapping) or kind in (dict, typing.Dict):
        return {}
    if origin is not None and isinstance(origin, type) and issubclass(origin, collections.abc.Iterable) and origin is not tuple:
        return [deeper(inner[0])] if inner else []
    if kind in (list, typing.List):
        return []
    if typing_extensions.is_typeddict(kind):
        hints = hints_of(kind)
        return {key: value(hints[key], key, depth + 1) for key in sorted(kind.__required_keys__)}
    if not isinstance(kind, type):
        if kind in (typing.Any, typing.IO) or origin is typing.IO:
            return {} if kind is typing.Any else io.BytesIO(b"x")
        if callable(kind) and hasattr(kind, "__supertype__"):
            return deeper(kind.__supertype__)
        raise Unknown(f"{name}: {kind}")
    return of_class(kind, name, depth)


def of_class(kind, name, depth):
    if issubclass(kind, enum.Enum):
        return list(kind)[0]
    if kind is bool:
        return True
    if kind is str:
        return text(name)
    simple = {int: 1, float: 1.0, bytes: b"x", object: {}, datetime.datetime: datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
              datetime.date: datetime.date(2026, 1, 1), datetime.timedelta: datetime.timedelta(seconds=60)}
    if kind in simple:
        return simple[kind]
    if issubclass(kind, io.IOBase) or kind in (collections.abc.Iterable,):
        return io.BytesIO(b"x")
    fields = getattr(kind, "model_fields", None)
    if fields is not None:
        made = {key: value(field.annotation, key, depth + 1) for key, field in fields.items() if field.is_required()}
        try:
            return kind(**{fields[key].alias or key: given for key, given in made.items()})
        except Exception:
            return kind.model_construct(**made)
    raise Unknown(f"{name}: {kind}")


def of_union(kinds, name, depth):
    """The first kind that can be made; a text where a model or an id is asked for."""
    skipped = ("NotGiven", "Omit", "Unset", "NoneType", "UNSET")
    kinds = [kind for kind in kinds if getattr(kind, "__name__", "") not in skipped]
    if str in kinds and (re.search(r"model|id$|name$", name)):
        return text(name)
    for kind in kinds:
        try:
            return value(kind, name, depth + 1)
        except Unknown:
            continue
    raise Unknown(name)


def text(name):
    return MODEL if re.fullmatch(r"(\w*_)?(model|model_id|modelId|engine|app_id|guardrailIdentifier)", name) else name.replace("_", "-")


def hints_of(kind):
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except Exception:
        return {}


# --- walking a client ---

def operations(owner, path=(), seen=None):
    """Each public method below an object, with its dotted name."""
    seen = set() if seen is None else seen
    if len(path) > DEPTH_MAX or type(owner) in seen:
        return
    seen = seen | {type(owner)}
    for name in sorted(set(dir(type(owner))) | set(vars(owner)) | set(getattr(owner, "_sub_sdk_map", {}))):
        if name.startswith("_") or NOT_CALLED.match(name) or NOT_CALLED.match(".".join((*path, name))):
            continue
        try:
            member = getattr(owner, name)
        except Exception:
            continue
        if inspect.ismethod(member):
            if not inspect.unwrap(member.__func__).__module__.split(".")[-1] in BASES and not inspect.iscoroutinefunction(member):
                yield ".".join((*path, name)), member
        elif is_resource(member, owner):
            yield from operations(member, (*path, name), seen)


def is_resource(member, owner):
    module = type(member).__module__
    return (not callable(member) or hasattr(member, "create")) and module.split(".")[0] == type(owner).__module__.split(".")[0] \
        and not isinstance(member, (type, enum.Enum)) and not hasattr(member, "model_fields") \
        and module.split(".")[-1] not in BASES and "transport" not in module


def arguments(method, given):
    """What the method cannot be called without, and a model where it takes one."""
    if isinstance(method, functools.partial):
        return {}
    function = inspect.unwrap(method)
    hints = hints_of(function)
    made = dict(given)
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self" or name in made or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is not parameter.empty and name != "model":
            continue
        made[name] = value(hints.get(name, parameter.annotation), name)
    return made


# --- the recorder ---

class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    sent = []

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" not in (self.headers.get("transfer-encoding") or ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def any(self):
        self.sent.append((self.command, self.path, self.headers, self.body()))
        answer = b'{"error": {"message": "recorded", "code": 400, "status": "INVALID_ARGUMENT"}}'
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = any


def recorder():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


def row(sdk, base, name, sent):
    """One line of the file: method and path behind the base that the SDK was given, kind of body, body."""
    method, target, headers, body = sent
    target = urllib.parse.urlsplit(target)
    assert base in target.path, (name, target.path, base)
    path = target.path.replace(base, "{m}", 1) if base else target.path
    line = {"sdk": sdk, "name": name, "call": f"{method} {path}" + (f"?{target.query}" if target.query else "")}
    if headers.get("upgrade"):
        line["upgrade"] = True
    kind = (headers.get("content-type") or "").split(";")[0]
    if kind == "multipart/form-data":
        line["form"] = fields(headers["content-type"], body)
    elif body or method in ("POST", "PUT", "PATCH"):
        line["type"] = kind
        line["body"] = DRAWN.sub(lambda drawn: re.sub("[0-9a-f]", "0", drawn[0]), body.decode())
    return line


def fields(content_type, body):
    """Names and texts of a form; a file has none."""
    boundary = content_type.split("boundary=")[1].strip('"').encode()
    found = []
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'[ ;]name="([^"]*)"', head).group(1).decode()
        found.append([name, None if b"filename" in head else content[:-2].decode()])
    return found


# --- the clients ---

def clients(at):
    """Label, base path, client and what its methods are given besides what can be made up."""
    import anthropic
    import cohere
    import mistralai.client
    import ollama
    import openai

    url = f"http://{at}"
    yield "openai", "/v1", openai.OpenAI(api_key="k", admin_api_key="k", base_url=f"{url}/v1", websocket_base_url=f"ws://{at}/v1", max_retries=0), OPENAI
    yield "azure", "/openai", openai.AzureOpenAI(api_key="k", azure_endpoint=url, api_version="2025-04-01-preview", max_retries=0,
                                                 websocket_base_url=f"ws://{at}/openai"), OPENAI
    yield "anthropic", "/v1", anthropic.Anthropic(api_key="k", base_url=url, max_retries=0), ANTHROPIC
    yield "anthropic-foundry", "/anthropic/v1", anthropic.AnthropicFoundry(api_key="k", base_url=f"{url}/anthropic/", max_retries=0), ANTHROPIC
    yield "anthropic-vertex", "", anthropic.AnthropicVertex(region="r", project_id="p", access_token="t", base_url=f"{url}/v1", max_retries=0), {}
    yield "anthropic-bedrock", "", anthropic.AnthropicBedrock(aws_region="us-east-1", aws_access_key="a", aws_secret_key="s", base_url=url, max_retries=0), {}
    yield "cohere", "", cohere.Client(api_key="k", base_url=url), {"embed": {"texts": ["x"]}}
    yield "cohere-v2", "", cohere.ClientV2(api_key="k", base_url=url), {"embed": {"texts": ["x"]}}
    yield "ollama", "", ollama.Client(host=url), {}
    yield "mistral", "", mistralai.client.Mistral(api_key="k", server_url=url), MISTRAL
    yield from of_google(url)
    yield "bedrock", "", Bedrock(url), {}
    yield "dashscope", "", DashScope(f"{url}/api/v1"), DASHSCOPE


# What cannot be made up from a type, by method.
OPENAI = {
    "admin.organization.external_keys.create": {"external_id": "x", "kms_arn": "x", "name": "x", "role_arn": "x", "type": "aws"},
    "audio.voices.create": {"audio_sample": b"x", "consent": "x", "name": "x"},
    "beta.agents.automations.create": {"name": "x", "run_at": 1, "target": {}, "type": "once"},
    "beta.agents.environments.files.create": {"file_id": "x", "path": "/workspace/x", "type": "file"},
    "beta.agents.environments.files.upload": {"path": "/workspace/x"},
    "beta.realtime.sessions.create": {"model": MODEL}, "beta.realtime.transcription_sessions.create": {"input_audio_transcription": {"model": MODEL}},
    "realtime.calls.create": {"sdp": "x", "session": {"type": "realtime", "model": MODEL}},
    "realtime.client_secrets.create": {"session": {"type": "realtime", "model": MODEL}},
    "realtime.translations.client_secrets.create": {"session": {"model": MODEL}},
    "responses.stream": {"input": "x"},
    "uploads.upload_file_chunked": {"filename": "x", "bytes": 1},
}
MESSAGES = {"max_tokens": 1, "messages": [], "model": MODEL}
BATCH = {"requests": [{"custom_id": "x", "params": MESSAGES}]}
ANTHROPIC = {"messages.batches.create": BATCH, "beta.messages.batches.create": BATCH}
MISTRAL = {
    "audio.speech.complete": {"input": "x", "model": MODEL}, "audio.transcriptions.complete": {"model": MODEL, "file": {"file_name": "x", "content": b"x"}},
    "audio.transcriptions.stream": {"model": MODEL, "file": {"file_name": "x", "content": b"x"}},
    "batch.jobs.create": {"model": MODEL}, "ocr.process": {"model": MODEL}, "workflows.schedules.schedule_workflow": {"schedule": {"input": {}}},
}
PROMPT = {"prompt": "x"}
DASHSCOPE = {
    "Application.call": PROMPT, "Generation.call": PROMPT, "ImageSynthesis.call": PROMPT, "ImageSynthesis.sync_call": PROMPT, "Tokenization.call": PROMPT,
    "CodeGeneration.call": {"scene": "nl2code", "message": [{"role": "user", "content": "x"}]}, "Models.get": {"name": MODEL},
    "MultiModalConversation.call": {"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "MultiModalEmbedding.call": {"input": [{"text": "x"}]},
    "Understanding.call": {"sentence": "x", "labels": "y"}, "Files.upload": {"file_path": __file__, "purpose": "x"}, "Deployments.stream_events": {"target": "x"},
}
FILE = {"file": io.BytesIO(b"x"), "config": {"mime_type": "text/plain"}}
GEMINI = {
    "batches.create": {"src": [{"contents": "x"}]}, "batches.create_embeddings": {"src": {"inlined_requests": {"contents": ["x"]}}},
    "batches.get": {"name": "batches/x"}, "batches.cancel": {"name": "batches/x"}, "batches.delete": {"name": "batches/x"},
    "credentials.create": {"type": "environment_variable", "id": "x"}, "decisions.create": {"input": "x", "model": MODEL, "questions": {}},
    "environments.create_environment": {},
    "environments.files.download": {"environment": "x", "path": "x"}, "environments.files.list": {"environment": "x", "path": "x"},
    "environments.files.upload": {"environment": "x", "path": "x", "file": b"x"},
    "file_search_stores.download_media": {"media_id": "fileSearchStores/x/media/y"},
    "file_search_stores.upload_to_file_search_store": {**FILE, "file_search_store_name": "fileSearchStores/x"},
    "file_search_stores.get": {"name": "fileSearchStores/x"}, "file_search_stores.delete": {"name": "fileSearchStores/x"},
    "file_search_stores.import_file": {"file_search_store_name": "fileSearchStores/x", "file_name": "files/x"},
    "file_search_stores.documents.get": {"name": "fileSearchStores/x/documents/y"},
    "file_search_stores.documents.delete": {"name": "fileSearchStores/x/documents/y"},
    "file_search_stores.documents.list": {"parent": "fileSearchStores/x"},
    "files.upload": FILE, "files.register_files": {"auth": None, "uris": ["gs://x/y"]},
    "interactions.create": {"model": MODEL, "input": "x"}, "interactions.auth_tokens.create": {"interaction_id": "x"},
    "interactions.auth_tokens.delete": {"interaction_id": "x", "auth_token": "y"},
    "tunings.get": {"name": "tunedModels/x"}, "tunings.cancel": {"name": "tunedModels/x"},
    "triggers.create": {"interaction": {"agent": "x", "input": "x"}, "schedule": "x", "time_zone": "UTC"},
    "triggers.list_executions": {"trigger_id": "x"}, "triggers.run": {"trigger_id": "x"},
    "voices.create": {"voice": {"type": "cloned"}}, "webhooks.create": {"subscribed_events": [], "uri": "https://x"},
}
BY_ID = re.compile(r"(agents|credentials|environments|triggers|voices|webhooks)\.(delete|get|update|ping|rotate_signing_secret|\w+_environment)")


def of_google(url):
    from google import genai
    from google.genai import types as kinds
    from google.oauth2 import credentials

    video = {"operation": kinds.GenerateVideosOperation(name="models/good-1/operations/x")}
    options = kinds.HttpOptions(base_url=url, api_version="v1beta")
    yield "gemini", "/v1beta", genai.Client(api_key="k", http_options=options), {**GEMINI, "operations.get": video}
    video = {"operation": kinds.GenerateVideosOperation(name="projects/p/locations/l/publishers/google/models/good-1/operations/x")}
    options = kinds.HttpOptions(base_url=url, api_version="v1beta1")
    job = {"name": "projects/p/locations/l/batchPredictionJobs/1"}
    yield "vertex", "/v1beta1", genai.Client(vertexai=True, project="p", location="l", credentials=credentials.Credentials("t"), http_options=options), {
        **GEMINI, "operations.get": video, "batches.create": {"src": "gs://x/y"}, "batches.get": job, "batches.cancel": job, "batches.delete": job,
        "tunings.get": {"name": "projects/p/locations/l/tuningJobs/1"}, "tunings.cancel": {"name": "projects/p/locations/l/tuningJobs/1"}}


class Bedrock:
    """Each operation of the service's own description as a method."""

    def __init__(self, url):
        import boto3
        self.client = boto3.client("bedrock-runtime", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="s")

    def methods(self):
        for name, method in sorted(self.client.meta.method_to_api_mapping.items()):
            if not hasattr(self.client, name):
                continue
            shape = self.client.meta.service_model.operation_model(method).input_shape
            yield name, functools.partial(getattr(self.client, name), **self.of_shape(shape, "x"))

    def of_shape(self, shape, name):
        if shape.type_name == "structure":
            names = shape.required_members or (list(shape.members)[:1] if getattr(shape, "is_tagged_union", False) else [])
            return {member: self.of_shape(shape.members[member], member) for member in names}
        made = {"list": lambda: [self.of_shape(shape.member, name)], "map": dict, "blob": lambda: b"{}", "integer": lambda: 1, "boolean": lambda: True}
        if shape.type_name in made:
            return made[shape.type_name]()
        return shape.enum[0] if getattr(shape, "enum", None) else "arn:aws:x:y:1:async-invoke/z" if "Arn" in name else text(name)


class DashScope:
    """Each method of each class of the package."""

    def __init__(self, url):
        import dashscope
        dashscope.api_key, dashscope.base_http_api_url = "k", url
        self.module = dashscope

    def methods(self):
        for name, kind in sorted(vars(self.module).items()):
            if isinstance(kind, type) and not name.startswith(("Aio", "Async")):
                for member in sorted(dir(kind)):
                    method = getattr(kind, member)
                    if inspect.ismethod(method) and not member.startswith("_") and not NOT_CALLED.match(member):
                        yield f"{name}.{member}", method


def called(method, made):
    """Calls it, and reads a stream or a page that is only asked for when it is read."""
    answer = method(**made)
    if hasattr(answer, "__enter__"):
        with answer:
            pass
    elif isinstance(answer, collections.abc.Iterator):
        next(answer, None)


def main(out):
    at = recorder()
    lines, silent = [], []
    warnings.simplefilter("ignore")
    for sdk, base, client, given in clients(at):
        known = set()
        for name, method in client.methods() if hasattr(client, "methods") else operations(client):
            Recorder.sent.clear()
            try:
                made = arguments(method, given.get(name, {"id": "x"} if BY_ID.fullmatch(name) and sdk in ("gemini", "vertex") else {}))
                called(method, made)
                reason = "sent nothing"
            except BaseException as error:
                reason = f"{type(error).__name__}: {error}"
            if not Recorder.sent:
                silent.append(f"{sdk} {name}: {reason[:160]}")
                continue
            line = row(sdk, base, name, Recorder.sent[0])
            key = json.dumps({**line, "name": ""})
            if key not in known:
                known.add(key)
                lines.append(line)
        print(f"{sdk}: {len(known)}", file=sys.stderr)
    print("\n".join(silent), file=sys.stderr)
    with open(out, "w") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
