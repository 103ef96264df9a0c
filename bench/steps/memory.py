"""Memory: what is resident once everything is in place and nothing is left to do."""

from __future__ import annotations

import time

from bench.records import Measured
from bench.scene import Scene


def measure(scene: Scene, *, interval: int, rest: float = 5.0) -> Measured:
    """A few seconds after the last thing that it had to do."""
    operator = scene.operator(interval)
    scene.settle(operator)
    time.sleep(rest)
    return Measured(
        figures={"rss_mib": operator.rss_mib(), "peak_rss_mib": operator.peak_rss_mib()}
    )
