"""Text with fields in it: `$(name)` is a field, `$$` a dollar sign, as in a container's `env`.

Unlike there, a name that means nothing is an error. What a field holds is never looked at again.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NotTextError
from onepassword_operator.model.recipe import Entry, Escape
from onepassword_operator.model.secret_reference import SCHEME

_NAME_OR_DOLLAR: Final = re.compile(r"\$(?:\$|\(([^)]*)\))")


class Span(NamedTuple):
    """A stretch of a text: as it stands, or the name of a field."""

    text: str
    is_name: bool = False


def spans(text: str) -> Iterator[Span]:
    """Split a text at its names; what is no complete `$(name)` stands for itself."""
    position, closed = 0, text.rfind(")") + 1
    # Not beyond the last parenthesis: each unclosed name would be searched to the end.
    for found in _NAME_OR_DOLLAR.finditer(text, 0, closed):
        if found.start() > position:
            yield Span(text[position : found.start()])
        yield Span("$") if found[1] is None else Span(found[1], is_name=True)
        position = found.end()
    if position < len(text):
        yield Span(text[position:].replace("$$", "$"))


def is_unclosed(text: str) -> bool:
    """Whether a `$(` has no end."""
    return "$(" in text and "$(" in text[text.rfind(")") + 1 :].replace("$$", "")


def names(texts: Iterable[str]) -> list[str]:
    """Return the names of the fields in these texts, each once, sorted."""
    return sorted({span.text for each in texts for span in spans(each) if span.is_name})


def references(entry: Entry) -> list[str]:
    """Return the secret references that a key is made of, in `field` and in texts."""
    # Nearly no text has one, and splitting thousands takes a while.
    texts = [each for each in entry.texts if SCHEME in each]
    return [name for name in (entry.field or "", *names(texts)) if name.startswith(SCHEME)]


def written(
    text: str, fields: Mapping[str, Confidential], *, escape: Escape, key: str, room: int
) -> Confidential | None:
    """Return the text of a key with fields written into it; None if it exceeds the room, in bytes.

    Raises:
        NotTextError: a field is not UTF-8.
    """
    parts: list[bytes] = []
    escaped: dict[str, bytes] = {}
    for span in spans(text):
        if not span.is_name:
            part = Confidential.of_text(span.text).reveal()
        elif span.text in escaped:
            part = escaped[span.text]
        elif len(fields[span.text]) > room:
            return None
        else:
            part = _escaped(fields[span.text], escape, name=span.text, key=key)
            escaped[span.text] = part
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
        f'"{name[:200]}" in the text of key "{key}" is no UTF-8 text; leave it out there, and give '
        "it a key of its own, with field"
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
