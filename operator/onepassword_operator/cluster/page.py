"""A page of a LIST whose objects are decoded one by one, and only if the caller wants them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from onepassword_operator.model.errors import ClusterUnavailableError

Undecodable: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""Errors of decoding: the bytes are not JSON, or JSON of another shape."""


class Metadata(msgspec.Struct, rename="camel"):
    """The metadata that identify an object."""

    namespace: str = ""
    name: str = ""
    resource_version: str = ""


class Header(msgspec.Struct):
    """An object's metadata without its content."""

    metadata: Metadata


class _PageMetadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    token: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct):
    """Some objects of a collection.

    Iterating empties the page, so that no page stays in memory while the next one is read.
    """

    metadata: _PageMetadata | None = None
    items: list[msgspec.Raw] | None = None

    @property
    def token(self) -> str:
        """The `continue` token of the next page; empty on the last page."""
        return self.metadata.token if self.metadata else ""

    @property
    def resource_version(self) -> str:
        """The resourceVersion of the whole collection."""
        return self.metadata.resource_version if self.metadata else ""

    def __len__(self) -> int:
        """The number of objects not yet iterated over."""
        return len(self.items or ())

    def size_bytes(self) -> int:
        """The size of these objects as JSON, in bytes."""
        return sum(map(len, self.items or ()))

    def raw(self) -> Iterator[msgspec.Raw]:
        """Yield the objects undecoded.

        Raises:
            ClusterUnavailableError: something in the page is no object; `__iter__`, `whole` and
                `header` raise it too.
        """
        left, self.items = self.items or [], None
        left.reverse()
        while left:
            yield left.pop()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the objects, decoded in full."""
        return map(whole, self.raw())


def whole(raw: msgspec.Raw) -> dict[str, Any]:
    """Decode an object in full."""
    try:
        return OBJECTS.decode(raw)
    except Undecodable:
        raise _broken() from None


def header(raw: msgspec.Raw) -> Metadata:
    """Decode an object's identifying metadata only."""
    try:
        return _HEADER.decode(raw).metadata
    except Undecodable:
        raise _broken() from None


def _broken() -> ClusterUnavailableError:
    return ClusterUnavailableError(
        "the API server listed something that is no object; trying again"
    )


OBJECTS: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])
"""Decodes an object of any kind."""
_HEADER: Final = msgspec.json.Decoder(Header)
PAGES: Final = msgspec.json.Decoder(Page)
"""Decodes a page."""
