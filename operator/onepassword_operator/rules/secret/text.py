"""Text with fields in it: `$(name)` is a field, `$$` a dollar sign, as in a container's `env`.

Unlike there, a name that means nothing is an error. What a field holds is never looked at again.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NotTextError
from onepassword_operator.model.recipe import Entry, Escape


class Span(NamedTuple):
    """A stretch of a text: as it stands, or the name of a field."""

    text: str
    is_name: bool = False


def spans(text: str) -> Iterator[Span]:
    """Split a text at its names; what is no complete `$(name)` stands for itself."""
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        yield Span(text[position:dollar])
        following = text[dollar + 1 : dollar + 2]
        end = text.find(")", dollar) if following == "(" else -1
        if end > 0:
            yield Span(text[dollar + 2 : end], is_name=True)
            position = end + 1
        elif following == "(":  # never closed, nor is any after it
            yield Span(text[dollar:])
            return
        else:
            yield Span("$" if following == "$" else "$" + following)
            position = dollar + 1 + len(following)
    yield Span(text[position:])


def written(entry: Entry, fields: Mapping[str, Confidential], *, room: int) -> Confidential | None:
    """Return an entry's text with fields written into it; None if it exceeds the room, in bytes.

    Raises:
        NotTextError: a field is not UTF-8.
    """
    parts: list[bytes] = []
    for span in spans(entry.value or ""):
        if span.is_name:
            value = fields[span.text]
            part = _escaped(value, entry, name=span.text) if len(value) <= room else value.reveal()
        else:
            part = Confidential.of_text(span.text).reveal()
        room -= len(part)
        if room < 0:
            return None
        parts.append(part)
    return Confidential(b"".join(parts))


def _escaped(value: Confidential, entry: Entry, *, name: str) -> bytes:
    raw = value.reveal()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = None  # the error holds the bytes
    if text is None:
        raise NotTextError(
            f'"{name[:100]}" in the text of key "{entry.key}" is no UTF-8 text; give it a key of '
            "its own, with field"
        )
    match entry.escape:
        case Escape.URL:
            return urllib.parse.quote(raw, safe="").encode()
        case Escape.JSON:
            return json.dumps(text, ensure_ascii=False)[1:-1].encode()
        case Escape.NONE:  # pragma: no branch  mypy proves that none is left
            return raw
