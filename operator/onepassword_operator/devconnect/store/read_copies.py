"""Read copies of the data: decides when a change is visible in vaults, item lists and items.

A real Connect server writes to 1Password and reads from a local database that a sync updates, so
these three can disagree for a while.
"""

from __future__ import annotations

import math
from collections import deque

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.items import rendering
from onepassword_operator.devconnect.store.contents import Change, Contents


class ReadCopy:
    """A copy of the data with a lag in seconds.

    Changes arrive in the order in which they were made. Items are shared, not copied.
    """

    def __init__(self) -> None:
        self._contents = Contents()
        self._pending: deque[tuple[float, Change]] = deque()
        self._listings: dict[tuple[str, bool], bytes] = {}
        self._lag_seconds = 0.0
        self._held_until = 0.0

    def set_lag(self, seconds: float, *, now: float) -> None:
        """Delay later changes by this lag.

        Pending changes arrive after it at the latest, or never if it is endless.
        """
        self._lag_seconds = seconds
        self._pending = deque((_moved(due, now + seconds), change) for due, change in self._pending)

    def hold(self, until: float) -> None:
        """Let nothing arrive before this moment, as if 1Password could not be reached."""
        self._held_until = until

    def push(self, change: Change, *, now: float) -> None:
        """Take note of a change made now."""
        if self._lag_seconds or self._pending or now < self._held_until:
            self._pending.append((now + self._lag_seconds, change))
        else:
            self._apply(change)

    def at(self, now: float) -> Contents:
        """Return the contents that are visible at this moment."""
        if now >= self._held_until:
            while self._pending and self._pending[0][0] <= now:
                self._apply(self._pending.popleft()[1])
        return self._contents

    def listing(self, vault_id: str, *, now: float, with_archived: bool) -> bytes | None:
        """Return the serialised list of a vault's items, None if the vault is not there.

        A list is serialised once per change.
        """
        items = self.at(now).items.get(vault_id)
        if items is None:
            return None
        key = (vault_id, with_archived)
        if key not in self._listings:
            shown = [
                rendering.summary(item)
                for item in items.values()
                if item.is_listed(with_archived=with_archived)
            ]
            self._listings[key] = json_codec.encode(shown)
        return self._listings[key]

    def _apply(self, change: Change) -> None:
        for with_archived in (True, False):
            self._listings.pop((change.vault_id, with_archived), None)
        self._contents.apply(change)


def _moved(due: float, latest: float) -> float:
    # A stuck sync brings no change, not even those that are pending.
    return latest if math.isinf(latest) else min(due, latest)
