"""The one type that holds secret values, built so that they can't be shown by accident."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, Protocol

SHOWN: Final = "[confidential]"


class Absorbs(Protocol):
    """A running digest or MAC, as `hashlib` and `hmac` make them."""

    def update(self, data: bytes, /) -> None:
        """Absorb more bytes."""


class Confidential:
    """Secret bytes.

    `str`, `repr` and `format` show a constant; pickling and JSON fail; comparing takes constant
    time.

    `reveal` is the only way to the bytes, and an architecture test names the files that may call
    it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    @classmethod
    def of_text(cls, text: str) -> Confidential:
        """Encode a text as UTF-8; lone surrogates become U+FFFD, as in Go's JSON decoder."""
        try:
            return cls(text.encode())
        except UnicodeEncodeError:
            whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return cls(whole.encode())

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._value

    def feed(self, mac: Absorbs) -> None:
        """Let a digest or MAC absorb the value, framed by its length; the bytes stay inside."""
        mac.update(len(self._value).to_bytes(8, "big"))
        mac.update(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Confidential) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash could be brute-forced for short values

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return SHOWN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return SHOWN

    def __reduce__(self) -> NoReturn:
        raise TypeError("confidential values are not serialised")
