"""Searches text for planted values: raw, base64 (at any offset), hexadecimal, URL-, JSON- and Python-escaped.

The constant that opaque values show in place of themselves counts too: whoever logs an item has not leaked it yet, and is found out.
"""

import base64
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from onepassword_operator.model import confidential

SHORTEST = 8  # shorter values occur by chance


def find(seed: Mapping[str, Any], spoken: Mapping[str, str], *, token: str = "") -> list[str]:
    """Where which form of which planted value was found; values are named by their place in the seed."""
    planted = dict(planted_values(seed)) | ({"token": token} if token else {})
    shown = [f"an opaque value in {place}" for place, text in spoken.items() if confidential.SHOWN in text]
    return shown + [
        f"{name} as {form} in {place}"
        for name, value in planted.items()
        for form, needle in forms(value)
        for place, text in spoken.items()
        if needle in text or needle.lower() in text
    ]


def planted_values(seed: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every field value and file content of a seed that is long enough to be told from chance."""
    for vault in seed.get("vaults", ()):
        for item in vault.get("items", ()):
            where = f"{vault['name']}/{item['title']}"
            for label, value in _fields(item):
                if len(str(value)) >= SHORTEST:
                    yield f"{where}.{label}", str(value)
            for file in item.get("files", ()):
                if len(file.get("content", "")) >= SHORTEST:
                    yield f"{where}/{file['name']}", file["content"]


def _fields(item: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    fields = item.get("fields") or {}
    if isinstance(fields, dict):
        yield from fields.items()
    else:
        yield from ((field.get("label", ""), field.get("value", "")) for field in fields)


def forms(value: str) -> Iterator[tuple[str, str]]:
    """The disguises a value may leave in."""
    raw = value.encode()
    yield "raw", value[:200]
    yield "hexadecimal", raw.hex()[:200]
    yield "URL-escaped", urllib.parse.quote(value, safe="")[:200]
    yield "Python-escaped", repr(raw)[2:-1][:200]
    yield "JSON-escaped", json.dumps(value)[1:-1][:200]
    for offset in range(3):
        # What stands before shifts base64 by up to two bytes; the middle is the same whatever stands around.
        encoded = base64.b64encode(b"x" * offset + raw).decode()
        yield f"base64 at offset {offset}", encoded[(4 if offset else 0) : len(encoded) // 4 * 4 - 4][:200]
