"""Counts, as plain attributes."""

from collections import Counter


class FakeMeter:
    """`Meter` in memory."""

    def __init__(self) -> None:
        self.passes: Counter[str] = Counter()
        self.repairs = 0
        self.restored_count = 0
        self.restarts = 0
        self.internal_errors = 0
        self.polls: list[bool] = []
        self.found = 0

    def synced(self, outcome: str) -> None:
        self.passes[outcome] += 1

    def drift_repaired(self) -> None:
        self.repairs += 1

    def version_restored(self) -> None:
        self.restored_count += 1

    def restarted(self) -> None:
        self.restarts += 1

    def internal_error(self) -> None:
        self.internal_errors += 1

    def polled(self, *, ok: bool) -> None:
        self.polls.append(ok)

    def resync_found(self, count: int) -> None:
        self.found += count
