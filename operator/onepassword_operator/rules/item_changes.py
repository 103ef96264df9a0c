"""Listed versions × revisions in Secrets → changed items, missing items."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from onepassword_operator.model.item import ItemSummary, Revision
from onepassword_operator.rules.older_answers import Known


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ItemChanges:
    """The difference between a vault's complete item list and the revisions in Secrets.

    `changed` and `missing` hold item IDs.
    """

    changed: frozenset[str]
    missing: frozenset[str]
    older: tuple[Revision, ...] = ()
    """Revisions in Secrets that are newer than the list, which is therefore not believed yet."""


def compare(followed: Iterable[Revision], known: Known) -> ItemChanges:
    """Compare versions: a higher one is a change.

    A lower one is a change only once it is believed that the item was restored.
    """
    changed, missing, older = set(), set(), []
    for revision in followed:
        summary = known.items.get(revision.item_id)
        if summary is None or not summary.active:
            missing.add(revision.item_id)
        elif summary.version < revision.version and not known.is_restored(
            revision.item_id, summary.version, held=revision.version
        ):
            older.append(revision)
        elif summary.version != revision.version:
            changed.add(revision.item_id)
    return ItemChanges(changed=frozenset(changed), missing=frozenset(missing), older=tuple(older))


def count_changes(before: Known, after: Known) -> int:
    """Count the items that differ between two lists in a member that a Secret depends on."""
    changed = sum(
        _facts(before.items.get(i)) != _facts(after.items.get(i))
        for i in before.items.keys() | after.items.keys()
    )
    vanished = sum(
        doubt.is_of_an_absence and item_id in after.items
        for item_id, doubt in after.doubts.items()
        if doubt.polls == 1
    )
    return changed + vanished


def _facts(item: ItemSummary | None) -> tuple[object, ...] | None:
    return (item.title, item.version, item.active, frozenset(item.tags)) if item else None
