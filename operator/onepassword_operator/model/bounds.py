"""How much of what people write is kept: whoever may create a resource decides about its size, and one is kept for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ITEM_PATH_CHARACTERS: Final = 4096
"""As the CRD says; a title in 1Password is far shorter."""
TYPE_CHARACTERS: Final = 317
"""As the CRD says: a qualified name, 253 characters for the domain and 63 for the name."""
COPIED_CHARACTERS: Final = 64 * 1024
"""Of the labels and annotations that are copied to a Secret, names and values together."""
REFRESH_CHARACTERS: Final = 253


def clipped(text: str, characters: int) -> str:
    """The text, or so much of one that is too long that it shows."""
    return text if len(text) <= characters else text[: characters + 1]


def characters(*copied: Mapping[str, str]) -> int:
    """How much there is to be copied."""
    return sum(len(name) + len(value) for each in copied for name, value in each.items())
