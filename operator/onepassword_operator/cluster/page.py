"""A page of a LIST whose objects are decoded one by one, and only if the caller wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import msgspec

from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.wire.metadata import Undecodable

Read = TypeVar("Read")


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

    Reading them empties the page, so that it does not stay in memory while the next one is read.
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
        """Count the objects that were not read yet."""
        return len(self.items or ())

    def size_bytes(self) -> int:
        """Return the size of these objects as JSON, in bytes."""
        return sum(map(len, self.items or ()))

    def raw(self) -> Iterator[msgspec.Raw]:
        """Yield the objects undecoded."""
        left, self.items = self.items or [], None
        left.reverse()
        while left:
            yield left.pop()

    def decoded(self, read: Callable[[bytes], Read]) -> Iterator[Read]:
        """Yield the objects, each decoded when its turn comes."""
        return (decoded(raw, read) for raw in self.raw())


def decoded(raw: msgspec.Raw, read: Callable[[bytes], Read]) -> Read:
    """Decode an object of a page.

    Raises:
        ClusterUnavailableError: it is no object, or none of this kind.
    """
    try:
        return read(raw)
    except Undecodable:
        raise ClusterUnavailableError(
            "the API server listed something that is no object; trying again"
        ) from None


class _AnyObject(msgspec.Struct):
    pass


def ignored(raw: bytes | bytearray) -> None:
    """Check that an answer is an object, and keep nothing of it."""
    _ANY_OBJECT.decode(raw)


def header(raw: msgspec.Raw) -> Metadata:
    """Decode an object's identifying metadata only."""
    return decoded(raw, _HEADER.decode).metadata


_ANY_OBJECT: Final = msgspec.json.Decoder(_AnyObject)
_HEADER: Final = msgspec.json.Decoder(Header)
PAGES: Final = msgspec.json.Decoder(Page)
"""Decodes a page."""
