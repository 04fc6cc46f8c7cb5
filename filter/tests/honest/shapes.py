"""Makes requests of the shapes that SDKs and service descriptions declare, for the tests beside it.

    python3 filter/tests/honest/shapes.py WORK filter/tests/honest/shapes.jsonl

WORK is a directory for what is downloaded (pinned below). Every member that a request may have stands in some of
its bodies, at every depth that the shape gives, with each kind of value that it may hold; a text says nothing, but where
`reads.json` says that a model is named. Of the bodies of one call those are kept that have a
member that no earlier one had. Nothing of a package is run but its types.
"""

import enum
import gzip
import importlib
import inspect
import json
import pathlib
import re
import subprocess
import sys
import typing
import zipfile

import collect

PACKAGES = ["openai==3.57.0", "anthropic==2.14.0", "groq==1.7.0", "cerebras-cloud-sdk==1.91.0", "mistralai==3.7.0", "openrouter==1.3.84",
            "cohere==7.3.1", "ollama==0.6.3", "botocore==1.44.8"]
# Its description of Vertex's API.
DISCOVERY = "google-api-python-client==2.202.0"
MODEL = "m-1"
TEXT = "a text"
DEPTH_MAX = 7
NODES_MAX = 4_000
TURNS = 12
# Members that stand for something stored, or for the server's own choice: with one of them a request is refused for a
# key with a list, and `exceptions.json` says so of requests that were recorded. And models that shall not run: they are judged, too.
LEFT_OUT = {"agent_id", "assistant_id", "agent", "prompt_id", "preset", "cachedContent", "cached_content", "autoMode", "modelConfig", "endpoint",
            "previous_interaction_id", "user_config", "unmanagedContainerModel", "excluded_models", "modelVersionId", "modelMonitoringStatsAnomalies"}
# Calls that run models by what their JSON names; what else a package has is no business of a list of models.
RUNS = re.compile(r"(?<!audio)(?<!agents)/(chat/completions|completions|chat|generate|embed|embeddings|rerank|classify|summarize|moderations|responses|responses/input_tokens|"
                  r"responses/compact|images|images/generations|audio/speech|videos|messages|messages/count_tokens|messages/batches|agents|conversations|"
                  r"fim/completions|ocr|classifications|chat/moderations|chat/classifications|client_secrets|sessions|transcription_sessions|jobs|assistants|runs|"
                  r"show|converse|converse-stream|count-tokens|async-invoke|batchPredictionJobs|cachedContents|[^/]+:(generateContent|streamGenerateContent|"
                  r"countTokens|computeTokens|predict|predictLongRunning|fetchPredictOperation|embedContent|batchEmbedContents|directPredict|explain))$")
# What a call of Vertex's may stand for.
CALLS_OF_VERTEX = re.compile(r"/(projects/[^/]*/locations/[^/]*/(publishers/[^/]*/models|endpoints)/[^/]*:\w+|"
                             r"projects/[^/]*/locations/[^/]*/(batchPredictionJobs|cachedContents)|publishers/[^/]*/models/[^/]*:\w+)$")


class Maker:
    """One body; a turn chooses among the kinds that a value may be of."""

    def __init__(self, turn):
        self.turn, self.nodes, self.above = turn, 0, []

    def make(self, kind, depth=0):
        self.nodes += 1
        if depth > DEPTH_MAX or self.nodes > NODES_MAX:
            return None
        kind = bare(kind)
        origin, inside = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Literal:
            return inside[self.turn % len(inside)]
        if is_union(kind):
            kinds = [one for one in inside if one is not type(None)]
            return self.make(kinds[self.turn % len(kinds)], depth)
        if is_list(origin or kind):
            return self.elements(inside[0] if inside else str, depth)
        if (origin or kind) in (dict, typing.Mapping) or getattr(origin, "__name__", "") in {"Mapping", "MutableMapping"}:
            return {"a_key": self.make(inside[1] if len(inside) > 1 else str, depth + 1)}
        members = members_of(kind)
        if members is not None:
            return self.members(kind, members, depth)
        return value_of(kind)

    def elements(self, kind, depth):
        """One of each kind that an element may be of."""
        kind = bare(kind)
        kinds = [one for one in typing.get_args(kind) if one is not type(None)] if is_union(kind) else [kind]
        made = [self.make(one, depth + 1) for one in kinds]
        return [one for one in made if one is not None]

    def members(self, kind, members, depth):
        if self.above.count(kind) > 1:
            return None
        self.above.append(kind)
        made = {name: self.make(inner, depth + 1) for name, inner in members.items() if name not in LEFT_OUT}
        self.above.pop()
        return {name: value for name, value in made.items() if value is not None}


def bare(kind):
    """Without what says nothing of the shape."""
    while True:
        origin = typing.get_origin(kind)
        if getattr(origin, "__name__", str(origin)) in {"Annotated"} or str(origin).endswith(("Required", "NotRequired")):
            kind = typing.get_args(kind)[0]
        elif isinstance(kind, typing.NewType):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        elif type(origin).__name__ == "TypeAliasType":
            kind = origin.__value__[typing.get_args(kind)]
        elif hasattr(kind, "__metadata__"):
            kind = kind.__origin__
        else:
            return kind


def is_union(kind):
    return typing.get_origin(kind) is typing.Union or type(kind).__name__ == "UnionType"


def is_list(kind):
    return getattr(kind, "__name__", "") in {"list", "List", "Iterable", "Sequence", "SequenceNotStr", "set", "tuple"}


def members_of(kind):
    """The members of a typed object."""
    if hasattr(kind, "model_fields"):
        fields = kind.model_fields.items()
        return {field.serialization_alias or field.alias or name: field.annotation for name, field in fields}
    if isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__annotations__"):
        try:
            return typing.get_type_hints(kind, include_extras=False)
        except Exception:
            return None
    return None


def value_of(kind):
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind)).value
    if kind in (int, float, bool):
        return {int: 1, float: 0.5, bool: True}[kind]
    return {"any": TEXT} if kind in (object, typing.Any, dict) else TEXT


# --- JSON descriptions: of AWS and of Google

class Described(Maker):
    def __init__(self, turn, shapes, lead):
        super().__init__(turn)
        self.shapes, self.lead = shapes, lead

    def make(self, kind, depth=0):
        self.nodes += 1
        if depth > DEPTH_MAX or self.nodes > NODES_MAX:
            return None
        shape = self.shapes[kind] if isinstance(kind, str) else kind
        if "$ref" in shape:
            return self.make(shape["$ref"], depth)
        members = shape.get("members", shape.get("properties"))
        if members is not None:
            inside = {name: one["shape"] if "shape" in one else one for name, one in members.items() if "location" not in one}
            if shape.get("union"):
                inside = dict([list(inside.items())[self.turn % len(inside)]])
            return self.members(kind if isinstance(kind, str) else "", inside, depth)
        if shape.get("type") in {"list", "array"}:
            inner = shape["member"]["shape"] if "member" in shape else shape["items"]
            return self.each_of(inner, depth)
        if shape.get("type") in {"map", "object"}:
            inner = shape["value"]["shape"] if "value" in shape else shape.get("additionalProperties", {"type": "string"})
            return {"a_key": self.make(inner, depth + 1)}
        if "enum" in shape:
            return shape["enum"][self.turn % len(shape["enum"])]
        return {"integer": 1, "long": 1, "float": 0.5, "double": 0.5, "number": 0.5, "boolean": True, "any": {"any": TEXT}}.get(shape.get("type"), TEXT)

    def each_of(self, inner, depth):
        shape = self.shapes[inner] if isinstance(inner, str) else inner
        count = len(shape.get("members", {})) if shape.get("union") else 1
        made = []
        for turn in range(count):
            whole, self.turn = self.turn, self.turn if count == 1 else turn
            made.append(self.make(inner, depth + 1))
            self.turn = whole
        return [one for one in made if one is not None]


# --- calls and what their bodies are

def of_resources(package, name, prefix):
    """SDKs whose resources name path and type of a body in one call."""
    root = pathlib.Path(importlib.import_module(name).__file__).parent
    for file in sorted((root / "resources").rglob("*.py")):
        text = file.read_text()
        for match in re.finditer(r'_post\(\s*"(/[^"]*)",\s*body=(?:await async_|)?maybe_transform\((.*?)\n\s*options=', text, re.S):
            kinds = re.findall(r"\b(\w+_params)\.(\w+)", match.group(2))
            module = importlib.import_module(".".join([name, *file.relative_to(root).with_suffix("").parts]))
            for holder, kind in dict.fromkeys(kinds):
                yield package, prefix + match.group(1).split("?")[0], getattr(getattr(module, holder), kind)


def of_anthropic(package):
    """Whose resources make bodies without naming their type."""
    for module, kind, path in [
        ("message_create_params", "MessageCreateParamsNonStreaming", "/v1/messages"), ("message_count_tokens_params", "MessageCountTokensParams", "/v1/messages/count_tokens"),
        ("messages.batch_create_params", "BatchCreateParams", "/v1/messages/batches"), 
        ("beta.message_create_params", "MessageCreateParamsNonStreaming", "/v1/messages"), ("beta.messages.batch_create_params", "BatchCreateParams", "/v1/messages/batches"),
        ("beta.message_count_tokens_params", "MessageCountTokensParams", "/v1/messages/count_tokens"), ("beta.agent_create_params", "AgentCreateParams", "/v1/agents"),
    ]:
        yield package, path, getattr(importlib.import_module(f"anthropic.types.{module}"), kind)


def of_speakeasy(package, name, prefix):
    """SDKs whose methods make a request of a type and say their path in one call."""
    root = pathlib.Path(importlib.import_module(name).__file__).parent
    for file in sorted(root.rglob("*.py")):
        text = file.read_text()
        for match in re.finditer(r'request = (\w+)\.(\w+)\(.*?path="(/[^"{]*)"', text, re.S):
            module = importlib.import_module(".".join([name, *file.relative_to(root).with_suffix("").parts]))
            kind = getattr(getattr(module, match.group(1), None), match.group(2) + "TypedDict", None)
            if kind is not None:
                yield package, prefix + match.group(3).split("#")[0], kind


def of_cohere(package):
    import cohere
    for client, method, path in [(cohere.ClientV2, "chat", "/v2/chat"), (cohere.ClientV2, "embed", "/v2/embed"), (cohere.ClientV2, "rerank", "/v2/rerank"),
                                 (cohere.Client, "chat", "/v1/chat"), (cohere.Client, "generate", "/v1/generate"), (cohere.Client, "classify", "/v1/classify"),
                                 (cohere.Client, "summarize", "/v1/summarize"), (cohere.Client, "embed", "/v1/embed")]:
        function = next(getattr(base, method) for base in client.__mro__ if base.__module__.endswith(("v2.client", "base_client")) and hasattr(base, method))
        hints = typing.get_type_hints(function)
        wanted = inspect.signature(function).parameters
        kind = typing.TypedDict("Body", {key: hint for key, hint in hints.items() if key in wanted and key != "request_options"})
        yield package, path, kind


def of_ollama(package):
    from ollama import _types
    for kind, path in [("ChatRequest", "/api/chat"), ("GenerateRequest", "/api/generate"), ("EmbedRequest", "/api/embed"), ("ShowRequest", "/api/show")]:
        yield package, path, getattr(_types, kind)


def typed():
    yield from of_resources(PACKAGES[0], "openai", "/v1")
    yield from of_anthropic(PACKAGES[1])
    yield from of_resources(PACKAGES[2], "groq", "")
    yield from of_resources(PACKAGES[3], "cerebras.cloud.sdk", "")
    yield from of_speakeasy(PACKAGES[4], "mistralai.client", "")
    yield from of_speakeasy(PACKAGES[5], "openrouter", "/api/v1")
    yield from of_cohere(PACKAGES[6])
    yield from of_ollama(PACKAGES[7])


def of_aws(package):
    import botocore
    root = pathlib.Path(botocore.__file__).parent / "data/bedrock-runtime"
    described = json.loads(gzip.decompress(next(root.rglob("service-2.json.gz")).read_bytes()))
    shapes = described["shapes"]
    for call in described["operations"].values():
        body = shapes[call.get("input", {}).get("shape", "")] if "input" in call else {}
        if call["http"]["method"] == "POST" and "payload" not in body:
            yield package, re.sub(r"\{modelId\}", MODEL, call["http"]["requestUri"]), lambda turn, kind=call["input"]["shape"]: Described(turn, shapes, "shape").make(kind)


def of_google(package, archive):
    described = json.loads(zipfile.ZipFile(archive).read("googleapiclient/discovery_cache/documents/aiplatform.v1beta1.json"))
    shapes, calls = described["schemas"], {}

    def walk(resource):
        for call in resource.get("methods", {}).values():
            path = "/" + re.sub(r"\{[^}]*\}", MODEL, call.get("flatPath", call["path"]))
            if call["httpMethod"] == "POST" and "request" in call and CALLS_OF_VERTEX.search(path):
                calls[path.replace(f"publishers/{MODEL}", "publishers/google")] = call["request"]["$ref"]
        for inner in resource.get("resources", {}).values():
            walk(inner)

    walk(described)
    for path, kind in calls.items():
        yield package, path, lambda turn, kind=kind: Described(turn, shapes, "$ref").make(kind)


# --- requests

def named_at(value, steps):
    """Puts the model where a place says that one is named."""
    if isinstance(value, list):
        if steps and steps[0] == "*":
            for index, inner in enumerate(value):
                if len(steps) == 1 and isinstance(inner, str):
                    value[index] = MODEL
                else:
                    named_at(inner, steps[1:])
    elif isinstance(value, dict) and steps and steps[0] in value:
        if len(steps) == 1:
            value[steps[0]] = MODEL if isinstance(value[steps[0]], str) else value[steps[0]]
        else:
            named_at(value[steps[0]], steps[1:])


def bodies(make, known):
    """The bodies of a call: the first one, and those with a member that the package has had nowhere."""
    for turn in range(TURNS):
        body = make(turn)
        # Some types hold the headers, too, and the body as one member.
        whole = [value for key, value in (body or {}).items() if key.endswith(("_request", "request_body")) and isinstance(value, dict)]
        body = whole[0] if whole else body
        if not isinstance(body, dict):
            continue
        for place in collect.READS:
            named_at(body, place.strip("/").split("/"))
        members = collect.shape_of(body)
        if turn == 0 or not members <= known:
            known |= members
            yield body


def requests(work):
    calls = [(package, path, lambda turn, kind=kind: Maker(turn).make(kind)) for package, path, kind in typed()]
    calls += of_aws(PACKAGES[8])
    calls += of_google(DISCOVERY, next((work / "wheels").glob("google_api*")))
    known = {}
    for package, path, make in calls:
        if RUNS.search(path):
            for body in bodies(make, known.setdefault(package, set())):
                yield package, path, body


if __name__ == "__main__":
    work = pathlib.Path(sys.argv[1]).resolve()
    python = collect.python_in(work, "shapes", [*PACKAGES, "pyyaml"])
    if pathlib.Path(sys.prefix) != python.parent.parent:
        wheels = work / "wheels"
        if not list(wheels.glob("google_api*")):
            subprocess.run([python, "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, DISCOVERY], check=True)
        sys.exit(subprocess.run([python, *sys.argv]).returncode)
    collect.write(pathlib.Path(sys.argv[2]), requests(work))
