"""Writes values.schema.json and the chart's README from the comments of values.yaml.

A comment `# -- text` says what the next key means; `# @schema {...}` adds to what its default says
of its type. Keys that are not in values.yaml are refused by the schema.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[1] / "charts" / "onepassword-operator"
TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
TEXT_MAPS = ("labels", "annotations", "nodeselector")
"""Endings of keys whose values are text in Kubernetes."""


class ChartValuesError(Exception):
    """A key without a comment, or a comment without a key."""


@dataclass
class Key:
    """A key of values.yaml with what its comment says."""

    path: tuple[str, ...]
    default: Any
    text: str
    schema: dict[str, Any] = field(default_factory=dict)

    @property
    def is_section(self) -> bool:
        """Whether it only groups keys, which have comments of their own."""
        return not self.text


def read(path: Path = CHART / "values.yaml") -> list[Key]:
    """The keys in the file's order."""
    root = yaml.compose(path.read_text())
    assert isinstance(root, yaml.MappingNode)
    return list(_keys(root, (), path.read_text().splitlines()))


def _keys(node: yaml.MappingNode, path: tuple[str, ...], lines: list[str]) -> Iterator[Key]:
    for name, value in node.value:
        here = (*path, str(name.value))
        text, schema = _comment(lines, name.start_mark.line)
        default = yaml.safe_load(yaml.serialize(value))
        if not text and not (isinstance(value, yaml.MappingNode) and value.value):
            raise ChartValuesError(
                f"values.yaml: {'.'.join(here)} has no comment that starts with `# -- `"
            )
        yield Key(here, default, text, schema)
        if not text:
            yield from _keys(value, here, lines)


def _comment(lines: list[str], line: int) -> tuple[str, dict[str, Any]]:
    text, schema = "", {}
    while line > 0 and (above := lines[line - 1].strip()).startswith("# "):
        line -= 1
        if above.startswith("# @schema "):
            schema = json.loads(above.removeprefix("# @schema "))
        elif above.startswith("# -- "):
            text = above.removeprefix("# -- ")
    return text, schema


def schema(keys: list[Key]) -> dict[str, Any]:
    """The JSON schema that Helm holds values against."""
    root: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
    }
    for key in keys:
        parent = root
        for part in key.path[:-1]:
            parent = parent["properties"][part]
        parent.setdefault("properties", {})[key.path[-1]] = _of(key)
    return root


def _of(key: Key) -> dict[str, Any]:
    if key.is_section:
        return {"type": "object", "additionalProperties": False}
    kind = {"type": TYPES[type(key.default)]}
    if key.schema.get("enum"):
        kind = {}
    text_map = (
        {"additionalProperties": {"type": "string"}}
        if key.path[-1].lower().endswith(TEXT_MAPS)
        else {}
    )
    return {"description": key.text, **kind, **text_map, **key.schema}


def table(keys: list[Key]) -> str:
    """The rows of the README's table."""
    shown = [
        f"| `{'.'.join(key.path)}` | {key.text.replace('|', '/')} | `{_short(key.default)}` |"
        for key in keys
        if not key.is_section
    ]
    return "\n".join(["| value | meaning | default |", "|---|---|---|", *shown])


def _short(default: object) -> str:
    return json.dumps(default)


def page(keys: list[Key]) -> str:
    """The chart's README."""
    return f"{HEAD}\n{table(keys)}\n"


HEAD = """\
# The chart onepassword-operator

Written by `make manifests` from `values.yaml`. How to install, upgrade and remove it is in
`docs/install.md`.

A key that is not listed here is refused, so that a misspelt one is noticed. Under `operator` and
`connect` the keys of 1Password's chart `connect` keep their names and meaning.
`operator.watchNamespace` takes templates.
"""


def main() -> int:
    """Write both files."""
    keys = read()
    (CHART / "values.schema.json").write_text(json.dumps(schema(keys), indent=2) + "\n")
    (CHART / "README.md").write_text(page(keys))
    return 0


if __name__ == "__main__":
    sys.exit(main())
