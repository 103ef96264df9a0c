"""Item paths, as users spell them: `vaults/<vault name or ID>/items/<item title or ID>`."""

from __future__ import annotations

import dataclasses
import re

from onepassword_operator.model import bounds
from onepassword_operator.model.errors import ItemPathError

_ID = re.compile(r"[a-z0-9]{26}\Z")
_PARTS = 4
_FORM = "vaults/<vault name or ID>/items/<item title or ID>"


def looks_like_id(text: str) -> bool:
    """Whether a name has the shape of a 1Password ID: 26 lower-case letters and digits."""
    return _ID.match(text) is not None


@dataclasses.dataclass(frozen=True, slots=True)
class ItemPath:
    """A parsed path; the parts are names or IDs, as the user wrote them."""

    vault: str
    item: str

    def __str__(self) -> str:
        return f"vaults/{self.vault}/items/{self.item}"

    @classmethod
    def parse(cls, text: str) -> ItemPath:
        """Split a path, without trimming or unescaping, as 1Password's own operator does.

        Raises:
            ItemPathError: the text is empty or too long, has another number of parts, or an empty
                vault or item.
        """
        if not text:
            raise ItemPathError(f"spec.itemPath is empty; set it to {_FORM}")
        if len(text) > bounds.ITEM_PATH_CHARACTERS:
            raise ItemPathError(
                f"itemPath is longer than {bounds.ITEM_PATH_CHARACTERS} characters; "
                "name vault and item by their IDs"
            )
        parts = text.split("/")
        if (
            len(parts) != _PARTS
            or parts[0] != "vaults"
            or parts[2] != "items"
            or not parts[1]
            or not parts[3]
        ):
            raise ItemPathError(f'itemPath "{text[:200]}" must have the form {_FORM}{_hint(parts)}')
        return cls(parts[1], parts[3])


def _hint(parts: list[str]) -> str:
    if parts[0] == "op:" and len(parts) > _PARTS - 1:
        instead = f"vaults/{parts[2]}/items/{parts[3]}"
    elif len(parts) > _PARTS:
        instead = "/".join(parts[:_PARTS]) if (parts[0], parts[2]) == ("vaults", "items") else ""
    else:
        return ""
    whole = f"for all fields of an item write {instead[:200]}; " if instead else ""
    return f"; {whole}if a title contains a slash, use the item's ID (`op item list` shows it)"
