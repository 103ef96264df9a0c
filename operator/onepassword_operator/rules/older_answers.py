"""Older answers of 1Password: which are believed, and when.

Two Connect pods behind one Service may be out of step for hours, and every request may meet the other one. So an item that is listed at a
lower version than before, or not at all, stays as it was known until several polls in a row agree that it is so. A lower version is
believed after three polls and ten minutes: then the item was set back, say from a backup. An absence is believed after three polls where
nothing else points to a server that lags behind, else after the same ten minutes. Whenever what was known shows itself again, the next
doubt has to last twice as long.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

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
        if not self.polls or not self._agrees(shown):
            return Doubt(shown=shown, since=now, polls=int(polled), refuted=self.refuted)
        return dataclasses.replace(self, shown=shown, polls=self.polls + polled)

    def _agrees(self, shown: int | None) -> bool:
        # An item that was set back may be edited meanwhile.
        return shown == self.shown if shown is None or self.shown is None else shown >= self.shown

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


class SetBack(NamedTuple):
    """A lower version that was believed, and the one that was known before."""

    version: int
    former: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A vault's items at their newest, and what is doubted about them; each by item ID."""

    items: dict[str, ItemSummary] = dataclasses.field(default_factory=dict)
    doubts: Mapping[str, Doubt] = dataclasses.field(default_factory=dict)
    set_back: Mapping[str, SetBack] = dataclasses.field(default_factory=dict)
    """The lower versions that were believed."""
    redone: frozenset[str] = frozenset()
    """Items that were set back for a while and are at the same version again, with another content perhaps."""

    def is_set_back(self, item_id: str, version: int) -> bool:
        """Whether it is believed that the item was set back to this version."""
        return item_id in self.set_back and self.set_back[item_id].version == version

    def is_missed(self, item_id: str) -> bool:
        """Whether the newest lists lack the item."""
        return item_id in self.doubts and self.doubts[item_id].is_of_an_absence

    def count_doubts(self) -> int:
        """How many items are listed older than they are known, which is not believed yet."""
        return sum(bool(doubt.polls) and not doubt.believed for doubt in self.doubts.values())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One complete list: when it was read, and whether for a poll."""

    now: float
    polled: bool
    moved: bool
    """Whether the vault list shows another state of the vault than at the list before."""
    in_step: bool
    """Whether nothing has pointed to a server that lags behind for ten minutes."""


def merge(known: Known, listed: dict[str, ItemSummary], *, reading: Reading) -> tuple[Known, bool]:
    """What is known after a list, and whether the list contradicts an earlier one as only servers out of step do."""
    if not known.doubts and listed == known.items:
        return known, False  # old objects in the place of equal new ones: no holes in memory
    # Nearly all are the same, and comparing tuples is quicker than a call for each of thousands.
    changed = [(item_id, held, new) for item_id, held in known.items.items() if (new := listed.get(item_id)) != held]
    older = {item_id: version for item_id, held, new in changed if (version := _older(held, new)) is not _NEWEST}
    older |= {item_id: None for item_id, doubt in known.doubts.items() if _is_missed(known, item_id) and not _is_there(listed.get(item_id))}
    items, doubts, set_back = (
        dict(listed),
        _ended(known, older, listed=listed, now=reading.now),
        {k: v for k, v in known.set_back.items() if k in listed},
    )
    contradicted = _is_contradiction(known, older, moved=reading.moved) or any(
        doubts[item_id].refuted > doubt.refuted for item_id, doubt in known.doubts.items() if item_id in doubts
    )
    in_step = reading.in_step and not contradicted
    for item_id, version in older.items():
        doubt = known.doubts.get(item_id, Doubt(shown=version, since=reading.now, polls=0))
        doubt = doubt.again(version, now=reading.now, polled=reading.polled)
        doubt = believe(doubt, now=reading.now, in_step=in_step) if reading.polled and not doubt.believed else doubt
        if not doubt.believed and item_id in known.items:
            items[item_id] = known.items[item_id]
        elif doubt.believed and version is not None:
            set_back[item_id] = SetBack(version, known.items[item_id].version)
            doubt = Doubt(shown=None, since=reading.now, polls=0, refuted=doubt.refuted)
        doubts[item_id] = doubt
    after = Known(
        items=known.items if items == known.items else items,
        doubts=_bounded(doubts),
        set_back={item_id: each for item_id, each in set_back.items() if items[item_id].version < each.former},
        redone=known.redone | _redone(known, older, listed=listed),
    )
    return after, contradicted


def raise_to(known: Known, revisions: Iterable[Revision], *, now: float) -> Known:
    """What is known after something else than a list has shown these revisions: the items are there, and no older than that."""
    items, doubts, set_back = dict(known.items), dict(known.doubts), dict(known.set_back)
    for revision in revisions:
        item_id = revision.item_id
        held, doubt = items.get(item_id), doubts.get(item_id)
        if held is not None and held.version < revision.version:
            items[item_id] = held._replace(version=revision.version, updated_at="")  # when that was, nobody has said
        if doubt is not None and (doubt.believed or item_id in set_back):
            doubts[item_id] = doubt.ended(now=now)
        set_back.pop(item_id, None)
    return Known(items=items, doubts=doubts, set_back=set_back, redone=known.redone)


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


def _is_missed(known: Known, item_id: str) -> bool:
    # No list has it, though a read may once have shown it; or lists are in doubt about it.
    return known.is_missed(item_id) or item_id not in known.items


def _ended(known: Known, older: Mapping[str, int | None], *, listed: Mapping[str, ItemSummary], now: float) -> dict[str, Doubt]:
    kept = {item_id: doubt for item_id, doubt in known.doubts.items() if item_id not in older}
    # What was believed to be set back shows the former version: as after an edit, or as one of two servers that are out of step.
    back = {item_id for item_id, each in known.set_back.items() if item_id in listed and listed[item_id].version >= each.former}
    ended = {item_id: doubt.ended(now=now) if doubt.polls or item_id in back else doubt for item_id, doubt in kept.items()}
    return {item_id: doubt for item_id, doubt in ended.items() if now - doubt.since < REMEMBERED_SECONDS}


def _redone(known: Known, older: Mapping[str, int | None], *, listed: Mapping[str, ItemSummary]) -> frozenset[str]:
    ended = [item_id for item_id, doubt in known.doubts.items() if doubt.polls and doubt.shown is not None and item_id not in older]
    return frozenset(item_id for item_id in ended if _is_another(known.items.get(item_id), listed.get(item_id)))


def _is_another(held: ItemSummary | None, listed: ItemSummary | None) -> bool:
    if held is None or listed is None or not (held.updated_at and listed.updated_at):
        return False
    return held.version == listed.version and held.updated_at != listed.updated_at


def _bounded(doubts: dict[str, Doubt]) -> dict[str, Doubt]:
    # What is believed goes first: who follows the item begins a doubt anew, and its Secret says the same meanwhile.
    if (excess := len(doubts) - _MOST_DOUBTS) > 0:
        for item_id in sorted(doubts, key=lambda item_id: not doubts[item_id].believed)[:excess]:
            del doubts[item_id]
    return doubts
