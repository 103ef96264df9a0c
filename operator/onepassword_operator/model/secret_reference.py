"""Secret references, as 1Password's programs write them: `op://<vault>/<item>/[<section>/]<field>`.

As in its SDKs a segment has ASCII letters, digits, white space, `.`, `_` and `-` only, and is never
unescaped: whatever has another character is named by its ID.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from onepassword_operator.model.recipe import Format

SCHEME: Final = "op://"
_SEGMENT: Final = re.compile(r"[A-Za-z0-9 ._-]+\Z")
_FORM: Final = "op://<vault>/<item>/[<section>/]<field>"
_OF_AN_ITEM: Final = 2
_OPENSSH: Final = "ssh-format=openssh"


class SecretReference(NamedTuple):
    """A field or file of an item; all names are names or IDs, as the user wrote them."""

    path: str
    """The item path."""
    section: str
    """Empty: the field's section does not matter."""
    field: str
    format: Format = Format.NONE

    @classmethod
    def parse(cls, text: str) -> SecretReference:
        """Read a reference to a field.

        Raises:
            ValueError: it is none, or asks for what no Secret can keep.
        """
        address, _, query = text.partition("?")
        segments = _segments(address)
        if len(segments) not in {3, 4}:
            raise ValueError(f"a secret reference to a field is {_FORM}")
        section = segments[2] if segments[3:] else ""
        return cls(_path(segments), section, segments[-1], _format(query) if query else Format.NONE)


def item_path(text: str) -> str:
    """Return the item path that `op://<vault>/<item>` stands for.

    Raises:
        ValueError: the text is not of this form.
    """
    segments = _segments(text)
    if len(segments) > _OF_AN_ITEM:
        raise ValueError(
            "itemPath names a field; an item's path is op://<vault>/<item>, and a single field is "
            "copied by ref in data"
        )
    if len(segments) < _OF_AN_ITEM:
        raise ValueError("itemPath is no op://<vault>/<item>")
    return _path(segments)


def _segments(address: str) -> list[str]:
    if not address.startswith(SCHEME):
        raise ValueError(f"a secret reference is {_FORM}")
    segments = address.removeprefix(SCHEME).split("/")
    for segment in segments:
        if not _SEGMENT.match(segment):
            raise ValueError(
                f'"{segment[:100]}" can\'t stand in op://…, where names have letters of ASCII, '
                "digits, spaces, '.', '_' and '-' only, and nothing is decoded; write its ID, or "
                "of an item vaults/<vault>/items/<item>"
                if segment
                else f"{address[:200]} has an empty segment"
            )
    return segments


def _path(segments: list[str]) -> str:
    return f"vaults/{segments[0]}/items/{segments[1]}"


def _format(query: str) -> Format:
    if query == _OPENSSH:
        return Format.OPENSSH
    if query in {"attribute=otp", "attribute=totp"}:
        raise ValueError(
            "the code of a one-time password is out of date before anybody reads it; the seed can "
            "be had as a key of its own, by ref without the attribute and format: OTPSecret"
        )
    raise ValueError(f"?{query[:100]} is not known here; ?{_OPENSSH} is")
