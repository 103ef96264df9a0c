"""Limits of the texts that are kept of each object, because users decide about their length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onepassword_operator.model.text import one_line

ITEM_PATH_CHARACTERS: Final = 4096
"""The CRD's limit; a title in 1Password is far shorter."""
TYPE_CHARACTERS: Final = 317
"""The CRD's limit: a qualified name, 253 characters for the domain and 63 for the name."""
COPIED_CHARACTERS: Final = 64 * 1024
"""Limit of the labels and annotations that are copied to a Secret, names and values together."""
REFRESH_CHARACTERS: Final = 253
ITEMS_OF_A_WORKLOAD: Final = 32
"""Limit of the Secrets that one annotation asks for."""
ITEMS_CHARACTERS: Final = 16 * 1024
"""Limit of that annotation; whoever needs more has resources."""
SECRETS_OF_A_WORKLOAD: Final = 256
"""Limit of the names that are kept; a pod template may have 50,000."""


MESSAGE_CHARACTERS: Final = 1024
"""Limit of a condition's message, and of the detail in a log line."""


def shortened(text: str) -> str:
    """Cut a message, as one line, to the limit, with a sign that it was cut."""
    text, most = one_line(text), MESSAGE_CHARACTERS
    return text if len(text) <= most else text[: most - 1] + "…"


def clipped(text: str, characters: int) -> str:
    """Cut a text to one character more than the limit, so that it still shows as too long."""
    return text if len(text) <= characters else text[: characters + 1]


def characters(*copied: Mapping[str, str]) -> int:
    """Count the characters of these labels or annotations, names and values."""
    return sum(len(name) + len(value) for each in copied for name, value in each.items())
