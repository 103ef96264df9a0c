"""Text with fields in it: `$(name)` is a field, `$$` a dollar sign, as in a container's `env`.

Unlike there, a name that means nothing is an error. What a field holds is never looked at again.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NotTextError
from onepassword_operator.model.recipe import Escape


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


def names(texts: Iterable[str]) -> list[str]:
    """Return the names of the fields in these texts, each once, sorted."""
    return sorted({span.text for each in texts for span in spans(each) if span.is_name})


def written(
    text: str, fields: Mapping[str, Confidential], *, escape: Escape, key: str, room: int
) -> Confidential | None:
    """Return the text of a key with fields written into it; None if it exceeds the room, in bytes.

    Raises:
        NotTextError: a field is not UTF-8.
    """
    parts: list[bytes] = []
    for span in spans(text):
        if span.is_name:
            value = fields[span.text]
            if len(value) > room:
                return None
            part = _escaped(value, escape, name=span.text, key=key)
        else:
            part = Confidential.of_text(span.text).reveal()
        room -= len(part)
        if room < 0:
            return None
        parts.append(part)
    return Confidential(b"".join(parts))


def decoded(value: Confidential, *, name: str, key: str) -> str:
    """Return the text of a field that stands in the text of a key.

    Raises:
        NotTextError: it is not UTF-8.
    """
    try:
        return value.reveal().decode()
    except UnicodeDecodeError:
        pass  # the error holds the bytes
    raise NotTextError(
        f'"{name[:200]}" in the text of key "{key}" is no UTF-8 text; give it a key of its own, '
        "with field"
    )


def _escaped(value: Confidential, escape: Escape, *, name: str, key: str) -> bytes:
    text = decoded(value, name=name, key=key)
    match escape:
        case Escape.URL:
            return urllib.parse.quote(text, safe="").encode()
        case Escape.JSON:
            return json.dumps(text, ensure_ascii=False)[1:-1].encode()
        case Escape.NONE:  # pragma: no branch  mypy proves that none is left
            return text.encode()
