"""Listed versions × followed revisions → which items changed, which are gone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from onepassword_operator.model.item import ItemSummary, Revision


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What a complete item list says about the items that are followed in its vault, by item ID."""

    changed: frozenset[str]
    missing: frozenset[str]


def compare(followed: Iterable[Revision], listed: Mapping[str, ItemSummary]) -> Drift:
    """Compare versions with `!=`: a lagging or restored server may show a lower one."""
    changed, missing = set(), set()
    for revision in followed:
        summary = listed.get(revision.item_id)
        if summary is None or not summary.active:
            missing.add(revision.item_id)
        elif summary.version != revision.version:
            changed.add(revision.item_id)
    return Drift(changed=frozenset(changed), missing=frozenset(missing))


def count_changes(before: Mapping[str, ItemSummary], after: Mapping[str, ItemSummary]) -> int:
    """How many items of a vault differ between two lists in anything that a Secret can depend on."""
    return sum(_facts(before.get(item_id)) != _facts(after.get(item_id)) for item_id in before.keys() | after.keys())


def _facts(item: ItemSummary | None) -> tuple[object, ...] | None:
    return (item.title, item.version, item.active, frozenset(item.tags)) if item else None
