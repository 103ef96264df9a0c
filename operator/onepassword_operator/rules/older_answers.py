"""Older answers of 1Password: which are believed, and when.

Two Connect pods behind one Service may be out of step for hours, and every request may meet the other one. So an item that is listed at a
lower version than before, or not at all, stays as it was known until several polls in a row agree that it is so. A lower version is
believed after three polls and ten minutes: then the item was set back, say from a backup. An absence is believed after three polls where
nothing else points to a server that lags behind, else after the same ten minutes. Whenever what was known shows itself again, the next
doubt has to last twice as long.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from onepassword_operator.model.item import ItemSummary, Revision

POLLS: Final = 3
SECONDS: Final = 600.0
REMEMBERED_SECONDS: Final = 3600.0
"""How long a doubt that came to nothing still makes the next one last longer."""
_MOST_DOUBLINGS: Final = 6
_MOST_DOUBTS: Final = 10_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What lists have shown of one item, or of one vault, instead of what was known."""

    shown: int | None
    """The lower version; None for an absence."""
    since: float
    """When that began, on the monotonic clock; of a doubt without polls, when it ended."""
    polls: int
    """How many polls in a row showed the same."""
    refuted: int = 0
    """How often what was known showed itself again."""
    believed: bool = False

    @property
    def is_of_an_absence(self) -> bool:
        """Whether the item, archived perhaps, or the vault is doubted to be there at all."""
        return self.shown is None and self.polls > 0

    def again(self, shown: int | None, *, now: float, polled: bool) -> Doubt:
        """One more list that does not show what was known."""
        if self.believed:
            return self
        if shown != self.shown or not self.polls:
            return Doubt(shown=shown, since=now, polls=int(polled), refuted=self.refuted)
        return dataclasses.replace(self, polls=self.polls + polled)

    def ended(self, *, now: float) -> Doubt:
        """What was known showed itself again."""
        return Doubt(shown=None, since=now, polls=0, refuted=self.refuted + 1)


def believe(doubt: Doubt, *, now: float, in_step: bool) -> Doubt:
    """The doubt as believed, if it has lasted long enough.

    Args:
        doubt: what a poll has just shown once more.
        now: seconds on the monotonic clock.
        in_step: whether nothing has pointed to a server that lags behind for ten minutes.
    """
    patience = 2 ** min(doubt.refuted, _MOST_DOUBLINGS)
    quick = doubt.shown is None and in_step and not doubt.refuted
    long_enough = quick or now - doubt.since >= SECONDS * patience
    return dataclasses.replace(doubt, believed=doubt.polls >= POLLS * patience and long_enough)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A vault's items at their newest, and what is doubted about them; each by item ID."""

    items: dict[str, ItemSummary] = dataclasses.field(default_factory=dict)
    doubts: Mapping[str, Doubt] = dataclasses.field(default_factory=dict)
    set_back: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """The lower versions that were believed."""

    def count_doubts(self) -> int:
        """How many items are listed older than they are known, which is not believed yet."""
        return sum(bool(doubt.polls) and not doubt.believed for doubt in self.doubts.values())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One complete list: when it was read, and whether for a poll."""

    now: float
    polled: bool
    moved: bool
    """Whether the vault list shows another state of the vault than at the list before."""
    in_step: bool
    """Whether nothing has pointed to a server that lags behind for ten minutes."""


def take_in(known: Known, listed: dict[str, ItemSummary], *, look: Look) -> tuple[Known, bool]:
    """What is known after a list, and whether the list contradicts an earlier one as only servers out of step do."""
    if not known.doubts and listed == known.items:
        return known, False  # old objects in the place of equal new ones: no holes in memory
    older = {item_id: version for item_id in known.items if (version := _older(known.items[item_id], listed.get(item_id))) is not _NEWEST}
    older |= {item_id: None for item_id, doubt in known.doubts.items() if doubt.is_of_an_absence and not _is_there(listed.get(item_id))}
    items, doubts, set_back = dict(listed), _ended(known, older, now=look.now), {k: v for k, v in known.set_back.items() if k in listed}
    contradicted = _is_contradiction(known, older, moved=look.moved) or any(
        doubts[item_id].refuted > doubt.refuted for item_id, doubt in known.doubts.items() if item_id in doubts
    )
    in_step = look.in_step and not contradicted
    for item_id, version in older.items():
        doubt = known.doubts.get(item_id, Doubt(shown=version, since=look.now, polls=0))
        doubt = doubt.again(version, now=look.now, polled=look.polled)
        doubt = believe(doubt, now=look.now, in_step=in_step) if look.polled and not doubt.believed else doubt
        if not doubt.believed and item_id in known.items:
            items[item_id] = known.items[item_id]
        elif doubt.believed and version is not None:
            set_back[item_id] = version
            doubt = Doubt(shown=None, since=look.now, polls=0, refuted=doubt.refuted)
        doubts[item_id] = doubt
    set_back = {item_id: version for item_id, version in set_back.items() if items[item_id].version == version}
    for item_id in list(doubts)[: max(len(doubts) - _MOST_DOUBTS, 0)]:
        del doubts[item_id]
    return Known(items=known.items if items == known.items else items, doubts=doubts, set_back=set_back), contradicted


def raise_to(known: Known, revision: Revision, *, now: float) -> Known:
    """What is known after something else than a list has shown this revision: the item is there, and no older than that."""
    held, doubt = known.items.get(revision.item_id), known.doubts.get(revision.item_id)
    items, doubts = known.items, known.doubts
    if held is not None and held.version < revision.version:
        items = {**known.items, revision.item_id: held._replace(version=revision.version)}
    if doubt is not None and (doubt.believed or revision.item_id in known.set_back):
        doubts = {**known.doubts, revision.item_id: doubt.ended(now=now)}
    set_back = {item_id: version for item_id, version in known.set_back.items() if item_id != revision.item_id}
    return Known(items=items, doubts=doubts, set_back=set_back)


_NEWEST: Final = -1


def _older(held: ItemSummary, listed: ItemSummary | None) -> int | None:
    # The lower version, None for an absence, _NEWEST where the list is no older than what is known.
    if listed is None or (held.active and not listed.active):
        return None
    return listed.version if listed.version < held.version else _NEWEST


def _is_contradiction(known: Known, older: Mapping[str, int | None], *, moved: bool) -> bool:
    # Another version, or an item gone from a vault that has not moved: such lists are not of one server.
    return any(version is not None or (not moved and item_id not in known.doubts) for item_id, version in older.items())


def _is_there(listed: ItemSummary | None) -> bool:
    return listed is not None and listed.active


def _ended(known: Known, older: Mapping[str, int | None], *, now: float) -> dict[str, Doubt]:
    fine = {item_id: doubt for item_id, doubt in known.doubts.items() if item_id not in older}
    ended = {item_id: doubt.ended(now=now) if doubt.polls else doubt for item_id, doubt in fine.items()}
    return {item_id: doubt for item_id, doubt in ended.items() if now - doubt.since < REMEMBERED_SECONDS}
