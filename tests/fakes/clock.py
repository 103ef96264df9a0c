"""A clock that moves only when a test says so, and dice that always show the middle."""


class FakeClock:
    """`Clock` in memory."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    __call__ = monotonic

    def jitter(self) -> float:
        return 0.5

    def advance(self, seconds: float) -> None:
        self.now += seconds
