"""Listed versions × followed revisions → which items changed, which are gone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from onepassword_operator.model.item import ItemSummary, Revision
from onepassword_operator.rules.older_answers import Known


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ItemChanges:
    """What a complete item list says about the items that are followed in its vault; `changed` and `missing` by item ID."""

    changed: frozenset[str]
    missing: frozenset[str]
    older: tuple[Revision, ...] = ()
    """Followed revisions that are newer than what is listed, which nobody believes yet."""


def compare(followed: Iterable[Revision], known: Known) -> ItemChanges:
    """Compare versions: a higher one is a change, a lower one only where it is believed that the item was set back."""
    changed, missing, older = set(), set(), []
    for revision in followed:
        summary = known.items.get(revision.item_id)
        if summary is None or not summary.active:
            missing.add(revision.item_id)
        elif summary.version < revision.version and not known.is_set_back(revision.item_id, summary.version):
            older.append(revision)
        elif summary.version != revision.version:
            changed.add(revision.item_id)
    return ItemChanges(changed=frozenset(changed), missing=frozenset(missing), older=tuple(older))


def count_changes(before: Known, after: Known) -> int:
    """How many items of a vault differ between two lists in anything that a Secret can depend on."""
    changed = sum(_facts(before.items.get(i)) != _facts(after.items.get(i)) for i in before.items.keys() | after.items.keys())
    vanished = sum(doubt.is_of_an_absence and item_id in after.items for item_id, doubt in after.doubts.items() if doubt.polls == 1)
    return changed + vanished


def _facts(item: ItemSummary | None) -> tuple[object, ...] | None:
    return (item.title, item.version, item.active, frozenset(item.tags)) if item else None
