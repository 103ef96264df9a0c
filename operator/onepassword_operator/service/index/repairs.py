"""Edits of Secrets by others, and how often in a row they were put right. In memory only."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Final

from onepassword_operator.model.item import Revisions
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.ports import Clock

AT_ONCE: Final = 5
"""Repairs in a row that are made at once; more of them are made with growing pauses."""
MEMORY_SECONDS: Final = 60.0
"""Repairs of the same revisions that follow each other this closely are in a row."""


@dataclasses.dataclass(slots=True)
class _Repair:
    edited: bool = False
    under_way: bool = False
    in_a_row: int = 0
    revisions: Revisions | None = None
    at: float = float("-inf")


class Repairs:
    """Writes and edits of the last minute, by Secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._repairs: OrderedDict[SecretKey, _Repair] = OrderedDict()

    def note_edit(self, key: SecretKey) -> int:
        """Note an edit or deletion by somebody else; return the repairs in a row so far."""
        repair = self._repairs.setdefault(key, _Repair())
        repair.edited = True
        return repair.in_a_row

    def begin(self, key: SecretKey) -> None:
        """Begin a reconcile, which answers the edits that were seen so far."""
        if repair := self._repairs.get(key):
            repair.under_way, repair.edited = repair.edited, False
            if not self._is_recent(repair):
                repair.in_a_row = 0

    def note_write(self, key: SecretKey, revisions: Revisions) -> None:
        """Count a write of the Secret: a repair after an edit, else an owner's change."""
        repair = self._repairs.setdefault(key, _Repair())
        again = repair.revisions == revisions and self._is_recent(repair)
        repair.in_a_row = repair.in_a_row + repair.under_way if again else 0
        repair.revisions, repair.at = revisions, self._clock.monotonic()
        self._repairs.move_to_end(key)
        self._drop_old()

    def is_too_often(self, key: SecretKey) -> bool:
        """Whether the last repair was the first one too many of those in a row."""
        return self.in_a_row(key) == AT_ONCE + 1

    def in_a_row(self, key: SecretKey) -> int:
        """Count the writes in a row of the same revisions that answered an edit."""
        return self._repairs[key].in_a_row if key in self._repairs else 0

    def forget(self, key: SecretKey) -> None:
        """Drop a Secret that nobody asks for any more."""
        self._repairs.pop(key, None)

    def _is_recent(self, repair: _Repair) -> bool:
        return self._clock.monotonic() - repair.at < MEMORY_SECONDS

    def _drop_old(self) -> None:
        while (
            not self._is_recent(oldest := next(iter(self._repairs.values()))) and not oldest.edited
        ):
            self._repairs.popitem(last=False)
