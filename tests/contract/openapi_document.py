"""docs/connect-openapi.yaml as something that replies are compared with."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from onepassword_operator.devconnect.rest import routing

PAGE = Path(__file__).resolve().parents[2] / "docs" / "connect-openapi.yaml"
CONTENT: dict[str, Any] = yaml.safe_load(PAGE.read_text())
_ROOT = "urn:connect"
_REGISTRY: Registry[Any] = Registry().with_resource(_ROOT, DRAFT202012.create_resource(CONTENT))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and content of every operation."""
    for path, entry in CONTENT["paths"].items():
        for method, operation in entry.items():
            if method != "parameters":
                yield method.upper(), path, operation


def template(path: str) -> str:
    """A path of the document in the server's own words."""
    return "/".join(":uuid" if part.startswith("{") else part for part in path.split("/"))


BY_ROUTE = {(method, template(path)): (path, operation) for method, path, operation in operations()}


def check(method: str, path: str, *, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Hold a reply to the document; one to a request that is no operation is a 404 or a 405."""
    route = (method, routing.resolve(path).template)
    if route not in BY_ROUTE:
        assert status == (405 if any(known == route[1] for _, known in BY_ROUTE) else 404), f"{route} is not in the document"
        assert not schema_errors(f"{_ROOT}#/components/schemas/Failure", json.loads(body))
        return
    where, operation = BY_ROUTE[route]
    assert str(status) in operation["responses"], f"{method} {where} answered {status}, which is not in the document"
    pointer = f"/paths/{_escaped(where)}/{method.lower()}/responses/{status}"
    check_response(pointer, headers=headers, body=body)


def check_response(pointer: str, *, headers: Mapping[str, str], body: bytes) -> None:
    """Hold a reply to one response of the document."""
    pointer, response = _found(pointer)
    for name, header in response.get("headers", {}).items():
        required = _found("/" + header["$ref"][2:])[1] if "$ref" in header else header
        assert name in headers, f"no header {name}"
        assert not schema_errors(required["schema"], headers[name]), f"header {name}"
    content = response.get("content")
    if content is None:
        assert not body
        return
    (kind,) = content
    assert headers["Content-Type"].partition(";")[0] == kind
    if "schema" in content[kind]:
        value = json.loads(body) if kind == "application/json" else body.decode()
        errors = schema_errors(f"{_ROOT}#{pointer}/content/{_escaped(kind)}/schema", value)
        assert not errors, errors


def schema_errors(schema: str | dict[str, Any], value: object) -> list[str]:
    """Where a value breaks a schema, which is given itself or by its place in the document."""
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.validator}" for error in _validator(json.dumps(schema)).iter_errors(value)]


@cache
def _validator(schema: str) -> Draft202012Validator:
    read = json.loads(schema)
    formats = FormatChecker(["date-time", "uuid"])
    return Draft202012Validator({"$ref": read} if isinstance(read, str) else read, registry=_REGISTRY, format_checker=formats)


def _found(pointer: str) -> tuple[str, dict[str, Any]]:
    node: Any = CONTENT
    for part in pointer.split("/")[1:]:
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return _found(node["$ref"][1:]) if "$ref" in node else (pointer, node)


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
