"""Reference routers: what the routers of Python servers, and two that are written as those of other
languages are, take for the model in a path.

Argument: a file with one request target a line, hexadecimal. Prints for each a list of
`[router, name]`; null where no route matches.
"""

import json
import posixpath
import re
import sys
from urllib.parse import unquote

from starlette.routing import compile_path
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

ROUTES = [
    "/v1/models/{model}",
    "/v1/models/{model:path}",
    "/v1beta/models/{model}:generateContent",
    "/v1beta/models/{model:path}:generateContent",
    "/openai/deployments/{model}/chat/completions",
    "/model/{model}/invoke",
]
STARLETTE = [compile_path(route) for route in ROUTES]
WERKZEUG = Map([
    Rule(re.sub(r"\{model(:path)?\}", lambda m: "<path:model>" if m[1] else "<model>", route))
    for route in ROUTES
]).bind("gate")
PLAIN = [
    re.compile(re.sub(r"\{model(:path)?\}", lambda m: "(.+)" if m[1] else "([^/]+)", route) + "/?")
    for route in ROUTES
]


def starlette(path):
    """As uvicorn hands it over: decoded once."""
    decoded = unquote(path)
    for regex, _, convertors in STARLETTE:
        if match := regex.match(decoded):
            return convertors["model"].convert(match["model"])
    return None


def werkzeug(path):
    try:
        return WERKZEUG.match(unquote(path))[1]["model"]
    except HTTPException:
        return None


def plain(path, flags=0):
    for regex in PLAIN:
        if match := re.fullmatch(regex.pattern, path, flags):
            return unquote(match[1])
    return None


ROUTERS = {
    "starlette": starlette,
    "werkzeug": werkzeug,
    # Matches first, decodes then: axum.
    "raw": plain,
    # Without regard to case: Express.
    "any case": lambda path: plain(path, re.IGNORECASE),
    # Decodes first, then resolves dots and slashes: Go's mux.
    "clean": lambda path: plain(posixpath.normpath(unquote(path))),
    # Parameters after a semicolon do not count: servlets.
    "servlet": lambda path: plain(posixpath.normpath(unquote(re.sub(";[^/]*", "", path)))),
    "backslash": lambda path: plain(posixpath.normpath(unquote(path).replace("\\", "/"))),
}


for line in open(sys.argv[1], encoding="ascii"):
    path = bytes.fromhex(line).decode("latin-1").split("?")[0]
    print(json.dumps([[name, router(path)] for name, router in ROUTERS.items()]))
