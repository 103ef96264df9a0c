"""Decides when an item may take the place of the one that a Secret follows, by its title.

Two servers may be out of step, so a title counts once three polls in a row have shown it. In the
place of an item that is gone only an item is accepted that came later: one that was there before is
a duplicate, and whether it means the same is for a person to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from onepassword_operator.model.item import ItemSummary
from onepassword_operator.rules import pick_item
from onepassword_operator.rules.older_answers import Known

POLLS: Final = 3


class Titled(NamedTuple):
    """Since when lists have shown an item, and shown it with its present title."""

    poll: int
    """The first poll to show the title; polls that list the vault are counted from 1."""
    came: float | None
    """When a list first showed the item, on the monotonic clock; None if the first list had it."""


Titles = Mapping[str, Titled]
"""By item ID, for items that came or were renamed since the vault's first list."""


def note(
    titles: Titles,
    former: Mapping[str, ItemSummary],
    *,
    items: Mapping[str, ItemSummary],
    poll: int,
    now: float,
) -> Titles:
    """Return the titles after a list that differs from the one before."""
    changed = {
        item_id: Titled(poll, _came(titles, item_id) if item_id in former else now)
        for item_id, item in items.items()
        if item_id not in former or _is_retitled(former[item_id], item)
    }
    return {item_id: at for item_id, at in titles.items() if item_id in items} | changed


def _is_retitled(former: ItemSummary, item: ItemSummary) -> bool:
    return former.title != item.title or (item.active and not former.active)


def _came(titles: Titles, item_id: str) -> float | None:
    return titles[item_id].came if item_id in titles else None


def recent(titles: Titles, items: Mapping[str, ItemSummary], *, poll: int) -> set[str]:
    """Return the IDs and titles, without case, that at most three polls up to this one showed."""
    shown = items if poll <= POLLS else [i for i, at in titles.items() if poll - at.poll < POLLS]
    active = [items[item_id] for item_id in shown if items[item_id].active]
    return {name for item in active for name in (item.id, pick_item.folded(item.title))}


def confirmed(titles: Titles, item_id: str, *, poll: int) -> bool:
    """Whether three polls in a row, up to this one, have shown the item with its title."""
    first = titles[item_id].poll if item_id in titles else 1
    return poll - first + 1 >= POLLS


def came_after(titles: Titles, item_id: str, *, moment: float) -> bool:
    """Whether lists have shown the item only since this moment."""
    came = titles[item_id].came if item_id in titles else None
    return came is not None and came >= moment


def successor(text: str, pinned: ItemSummary, *, known: Known) -> ItemSummary | None:
    """Return the one item that a path means now instead of the pinned one, if there is one.

    Of several items with the title the pinned one counts; with none, the pinned one by its ID.
    """
    if pick_item.matching(text, [pinned]):
        return None
    present = [i for i in known.names.near(text) if i.active and not known.is_missed(i.id)]
    matches = pick_item.matching(text, present)
    return matches[0] if len(matches) == 1 else None
