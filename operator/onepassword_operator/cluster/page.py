"""A page of a LIST as it came: objects are decoded one after the other, and what is not asked for is not decoded at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from onepassword_operator.model.errors import ClusterUnavailableError

Undecodable: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding raises: not JSON, or JSON of another shape."""


class Metadata(msgspec.Struct, rename="camel"):
    """An object's metadata, as far as it says which object this is."""

    namespace: str = ""
    name: str = ""
    resource_version: str = ""


class Header(msgspec.Struct):
    """An object without what it holds."""

    metadata: Metadata


class _PageMetadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    token: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct):
    """Some objects of a collection. Going through it uses it up, so that no page is kept while the next one is read."""

    metadata: _PageMetadata | None = None
    items: list[msgspec.Raw] | None = None

    @property
    def token(self) -> str:
        """Where the next page begins; empty if there is none."""
        return self.metadata.token if self.metadata else ""

    @property
    def resource_version(self) -> str:
        """The state that the whole collection is shown in."""
        return self.metadata.resource_version if self.metadata else ""

    def __len__(self) -> int:
        """Objects that are left."""
        return len(self.items or ())

    def size_bytes(self) -> int:
        """What they weigh."""
        return sum(map(len, self.items or ()))

    def raw(self) -> Iterator[msgspec.Raw]:
        """The objects as they came.

        Raises:
            ClusterUnavailableError: this, like the others, if something in the page is no object.
        """
        left, self.items = self.items or [], None
        left.reverse()
        while left:
            yield left.pop()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The objects, whole."""
        return map(whole, self.raw())


def whole(raw: msgspec.Raw) -> dict[str, Any]:
    """All of an object."""
    try:
        return OBJECTS.decode(raw)
    except Undecodable:
        raise _broken() from None


def header(raw: msgspec.Raw) -> Metadata:
    """Which object it is."""
    try:
        return _HEADER.decode(raw).metadata
    except Undecodable:
        raise _broken() from None


def _broken() -> ClusterUnavailableError:
    return ClusterUnavailableError("the API server listed what is no object")


OBJECTS: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])
"""Decodes an object of whatever kind."""
_HEADER: Final = msgspec.json.Decoder(Header)
PAGES: Final = msgspec.json.Decoder(Page)
"""Decodes a page."""
