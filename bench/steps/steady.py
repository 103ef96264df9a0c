"""Steady state: what is written, and whether memory grows, while nothing changes for long."""

from __future__ import annotations

import statistics
import time

from bench.gauges import writes
from bench.records import Measured
from bench.scene import Scene, progress

SAMPLES_PER_MINUTE = 6


def measure(scene: Scene, *, interval: int, minutes: float) -> Measured:
    """Watch it for so long."""
    operator = scene.operator(interval)
    end = scene.window(operator)
    started, at, rss = time.monotonic(), [0.0], [operator.rss_mib()]
    with progress(round(60 * minutes), "steady") as show:
        while (elapsed := time.monotonic() - started) < 60 * minutes:
            time.sleep(min(60 / SAMPLES_PER_MINUTE, 60 * minutes - elapsed))
            at.append(time.monotonic() - started)
            rss.append(operator.rss_mib())
            show(round(at[-1]))
    spent = end(operator)
    return Measured(
        figures={
            "minutes": minutes,
            "kubernetes_writes": writes(spent.kubernetes),
            "connect_requests": sum(spent.connect.values()),
            "cpu_percent": 100 * spent.cpu_seconds / spent.seconds,
            "rss_first_mib": rss[0],
            "rss_last_mib": rss[-1],
            "rss_slope_mib_per_hour": 3600 * statistics.linear_regression(at, rss).slope,
            "wrong_secrets": scene.wrong(),
        },
        series={"at_seconds": at, "rss_mib": rss},
        requests={"connect": spent.connect, "kubernetes": spent.kubernetes},
    )
