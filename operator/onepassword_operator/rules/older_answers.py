"""Decides when an older answer is believed: a lower version of an item, or its absence.

Two Connect pods behind one Service may be out of step for hours, and each request may reach either
of them. So an item that is listed at a lower version than before, or not listed any more, stays as
known until several polls in a row agree. A lower version is believed after three polls and ten
minutes: then the item was restored, for example from a backup. An absence is believed
after three polls if nothing else points to a server that lags behind, else after the same ten
minutes. Each time the known state shows up again, the next doubt has to last twice as long.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from onepassword_operator.model.item import ItemSummary, Revision
from onepassword_operator.rules.pick_item import ItemNames

POLLS: Final = 3
SECONDS: Final = 600.0
REMEMBERED_SECONDS: Final = 3600.0
"""Seconds for which a refuted doubt makes the next one last longer."""
_MOST_DOUBLINGS: Final = 6
_MOST_DOUBTS: Final = 10_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """The older state that lists show of one item or vault, while it is not believed.

    A doubt is open while polls show that state. A closed one remembers how often the known state
    showed up again, so that the next doubt lasts longer.
    """

    shown: int | None
    """The lower version; None for an absence."""
    since: float
    """Start of the doubt, or end of a closed one, on the monotonic clock."""
    polls: int
    """Number of polls in a row that showed the same; 0 if the doubt is closed."""
    refuted: int = 0
    """Number of times that the known state showed up again."""
    believed: bool = False
    first: float | None = None
    """When a list, of a poll or not, first lacked the known state; None if the doubt is closed."""

    @classmethod
    def closed(cls, *, now: float, refuted: int = 0) -> Doubt:
        """Make a closed doubt that remembers the number of refutations."""
        return cls(shown=None, since=now, polls=0, refuted=refuted)

    @property
    def is_open(self) -> bool:
        """Whether polls show the older state."""
        return self.polls > 0

    @property
    def is_of_an_absence(self) -> bool:
        """Whether polls show the item absent or archived, or the vault absent."""
        return self.shown is None and self.is_open

    def again(self, shown: int | None, *, now: float, polled: bool) -> Doubt:
        """Return the doubt after one more list that does not show the known state."""
        if self.believed:
            return self
        if not self.is_open or not self._agrees(shown):
            first = now if self.first is None else self.first
            return Doubt(
                shown=shown, since=now, polls=int(polled), refuted=self.refuted, first=first
            )
        return dataclasses.replace(self, shown=shown, polls=self.polls + polled)

    def _agrees(self, shown: int | None) -> bool:
        # A restored item may have been edited since.
        return shown == self.shown if shown is None or self.shown is None else shown >= self.shown

    def ended(self, *, now: float) -> Doubt:
        """Return the doubt after the known state has shown up again."""
        return Doubt.closed(now=now, refuted=self.refuted + 1)


def believe(doubt: Doubt, *, now: float, in_step: bool) -> Doubt:
    """Return the doubt, marked as believed if it has lasted long enough.

    Args:
        doubt: the doubt after the latest poll.
        now: seconds on the monotonic clock.
        in_step: whether nothing has pointed to a lagging server within the last ten minutes.
    """
    factor = 2 ** min(doubt.refuted, _MOST_DOUBLINGS)
    quick = doubt.shown is None and in_step and not doubt.refuted
    long_enough = quick or now - doubt.since >= SECONDS * factor
    return dataclasses.replace(doubt, believed=doubt.polls >= POLLS * factor and long_enough)


class Restored(NamedTuple):
    """A lower version that is believed, and the version known before."""

    version: int
    former: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """A vault's items at their newest known versions, and the doubts about them, by item ID."""

    items: dict[str, ItemSummary] = dataclasses.field(default_factory=dict)
    doubts: Mapping[str, Doubt] = dataclasses.field(default_factory=dict)
    restored: Mapping[str, Restored] = dataclasses.field(default_factory=dict)
    """Items that are believed to be restored to an older version."""
    redone: frozenset[str] = frozenset()
    """Restored items that have the former version again, possibly with another content."""

    @functools.cached_property
    def names(self) -> ItemNames:
        """The items by what a path may call them."""
        return ItemNames(self.items)

    def is_restored(self, item_id: str, version: int, *, held: int) -> bool:
        """Whether an item was held before it was restored, and has this version since then.

        It may have been edited since. But what is no newer than known was held after the restore,
        and then the lower version comes from a server that lags behind.
        """
        restored = self.restored.get(item_id)
        return (
            restored is not None
            and restored.version <= version
            and self.items[item_id].version < held
        )

    def is_missed(self, item_id: str) -> bool:
        """Whether the item is missing from the newest lists."""
        return item_id in self.doubts and self.doubts[item_id].is_of_an_absence

    def count_doubts(self) -> int:
        """Count the items that are listed at an older version than known, and not believed yet."""
        return sum(doubt.is_open and not doubt.believed for doubt in self.doubts.values())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The circumstances of a complete item list; times are on the monotonic clock."""

    now: float
    polled: bool
    moved: bool
    """Whether the vault list showed a change of the vault since its last item list."""
    in_step: bool
    """Whether nothing has pointed to a lagging server within the last ten minutes."""


def merge(known: Known, listed: dict[str, ItemSummary], *, reading: Reading) -> tuple[Known, bool]:
    """Return the knowledge after a list, and whether the list contradicts an earlier one.

    Lists contradict each other only if they come from servers that are out of step.
    """
    if not known.doubts and listed == known.items:
        # Replacing the old objects by equal ones would fragment memory.
        return known, False
    changed = _changed(known, listed)
    older = _all_older(known, listed, changed=changed)
    doubts = _ended(known, older, listed=listed, now=reading.now)
    contradicted = _is_contradiction(known, older, moved=reading.moved) or any(
        doubts[item_id].refuted > doubt.refuted
        for item_id, doubt in known.doubts.items()
        if item_id in doubts
    )
    reading = dataclasses.replace(reading, in_step=reading.in_step and not contradicted)
    for item_id, version in older.items():
        doubts[item_id] = _doubted(known.doubts.get(item_id), version, reading=reading)
    redone = _redone(known, older, changed=changed)
    concluded = _concluded(known, listed, older=older, doubts=doubts, now=reading.now)
    return dataclasses.replace(concluded, redone=known.redone | redone), contradicted


class _Changed(NamedTuple):
    item_id: str
    held: ItemSummary
    listed: ItemSummary | None


def _changed(known: Known, listed: Mapping[str, ItemSummary]) -> list[_Changed]:
    # Nearly all of thousands of items are equal, and comparing tuples is faster than a call for
    # each.
    return [
        _Changed(item_id, held, new)
        for item_id, held in known.items.items()
        if (new := listed.get(item_id)) != held
    ]


def _all_older(
    known: Known, listed: dict[str, ItemSummary], *, changed: Iterable[_Changed]
) -> dict[str, int | None]:
    older = {
        item_id: version
        for item_id, held, new in changed
        if (version := _older(held, new)) is not _NEWEST
    }
    missed = [
        item_id
        for item_id in known.doubts
        if _is_missed(known, item_id) and not _is_there(listed.get(item_id))
    ]
    return older | dict.fromkeys(missed)


def _doubted(doubt: Doubt | None, version: int | None, *, reading: Reading) -> Doubt:
    doubt = doubt or Doubt.closed(now=reading.now)
    doubt = doubt.again(version, now=reading.now, polled=reading.polled)
    if not reading.polled or doubt.believed:
        return doubt
    return believe(doubt, now=reading.now, in_step=reading.in_step)


def _concluded(
    known: Known,
    listed: dict[str, ItemSummary],
    *,
    older: Mapping[str, int | None],
    doubts: dict[str, Doubt],
    now: float,
) -> Known:
    items = dict(listed)
    restored = {item_id: each for item_id, each in known.restored.items() if item_id in listed}
    for item_id, version in older.items():
        doubt = doubts[item_id]
        if not doubt.believed and item_id in known.items:
            items[item_id] = known.items[item_id]
        elif doubt.believed and version is not None:
            restored[item_id] = Restored(version, known.items[item_id].version)
            doubts[item_id] = Doubt.closed(now=now, refuted=doubt.refuted)
    return Known(
        items=known.items if items == known.items else items,
        doubts=_bounded(doubts),
        restored={k: each for k, each in restored.items() if items[k].version < each.former},
    )


def raise_to(known: Known, revisions: Iterable[Revision], *, now: float) -> Known:
    """Return the knowledge after a read has shown these items at these revisions or newer ones."""
    items, doubts, restored = dict(known.items), dict(known.doubts), dict(known.restored)
    for revision in revisions:
        item_id = revision.item_id
        held, doubt = items.get(item_id), doubts.get(item_id)
        if held is not None and held.version < revision.version:
            # The time of this version is unknown.
            items[item_id] = held._replace(version=revision.version, updated_at="")
        # Not one in between: the restored item was edited.
        back = item_id in restored and restored[item_id].former <= revision.version
        if doubt is not None and (doubt.believed or back):
            doubts[item_id] = doubt.ended(now=now)
        if back:
            del restored[item_id]
    return Known(items=items, doubts=doubts, restored=restored, redone=known.redone)


_NEWEST: Final = -1


def _older(held: ItemSummary, listed: ItemSummary | None) -> int | None:
    # The lower version; None for an absence; _NEWEST if the list is not older than the known state.
    if listed is None or (held.active and not listed.active):
        return None
    return listed.version if listed.version < held.version else _NEWEST


def _is_contradiction(known: Known, older: Mapping[str, int | None], *, moved: bool) -> bool:
    # Another version or a missing item in an unchanged vault: these lists are not from one server.
    return any(
        version is not None or (not moved and item_id not in known.doubts)
        for item_id, version in older.items()
    )


def _is_there(listed: ItemSummary | None) -> bool:
    return listed is not None and listed.active


def _is_missed(known: Known, item_id: str) -> bool:
    # No list has the item, though a read may have shown it; or its absence is in doubt.
    return known.is_missed(item_id) or item_id not in known.items


def _ended(
    known: Known, older: Mapping[str, int | None], *, listed: Mapping[str, ItemSummary], now: float
) -> dict[str, Doubt]:
    kept = {item_id: doubt for item_id, doubt in known.doubts.items() if item_id not in older}
    # An item believed to be restored shows its former version: it was edited, or two servers are
    # out of step.
    back = {
        item_id
        for item_id, each in known.restored.items()
        if item_id in listed and listed[item_id].version >= each.former
    }
    ended = {
        item_id: doubt.ended(now=now) if doubt.is_open or item_id in back else doubt
        for item_id, doubt in kept.items()
    }
    return {
        item_id: doubt for item_id, doubt in ended.items() if now - doubt.since < REMEMBERED_SECONDS
    }


def _redone(
    known: Known, older: Mapping[str, int | None], *, changed: Iterable[_Changed]
) -> frozenset[str]:
    return frozenset(
        each.item_id
        for each in changed
        if each.item_id not in older
        and not known.is_missed(each.item_id)
        and _is_another(each.held, each.listed)
    )


def _is_another(held: ItemSummary, listed: ItemSummary | None) -> bool:
    # At the same version: the item was restored, and edited since.
    if listed is None or not (held.updated_at and listed.updated_at):
        return False
    return held.version == listed.version and held.updated_at != listed.updated_at


def _bounded(doubts: dict[str, Doubt]) -> dict[str, Doubt]:
    # Believed doubts are dropped first: the users of the item start a new doubt, and their Secrets
    # report the same meanwhile.
    if (excess := len(doubts) - _MOST_DOUBTS) > 0:
        for item_id in sorted(doubts, key=lambda item_id: not doubts[item_id].believed)[:excess]:
            del doubts[item_id]
    return doubts
