"""Cold start, from no Secret at all until the last resource is Ready."""

from __future__ import annotations

from bench import staging
from bench.gauges import writes
from bench.records import Measured
from bench.scene import PATIENCE_SECONDS, Scene, progress
from bench.watching import READY

FIRST_VERSION = "1"


def measure(scene: Scene, *, interval: int) -> Measured:
    """Measure the floor first: the time for the same writes if nobody else does anything."""
    floor = staging.floor(scene)
    end = scene.window()
    operator = scene.launch(interval)
    with progress(len(scene.names), "cold start") as show:
        ready = scene.items.wait(scene.names, READY, timeout=PATIENCE_SECONDS, report=show)
    # It goes on working, so what tells this moment from the next one comes first.
    spent, peak = end(operator), operator.peak_rss_mib()
    secrets = scene.secrets.wait(scene.names, FIRST_VERSION, timeout=PATIENCE_SECONDS)
    return Measured(
        figures={
            "first_secret_seconds": min(secrets.values()) - operator.started,
            "last_secret_seconds": max(secrets.values()) - operator.started,
            "last_ready_seconds": max(ready.values()) - operator.started,
            "floor_writes_per_second": floor,
            "floor_seconds": staging.WRITES_PER_RESOURCE * len(scene.names) / floor,
            "cpu_seconds": spent.cpu_seconds,
            "peak_rss_mib": peak,
            "connect_requests": sum(spent.connect.values()),
            "kubernetes_writes": writes(spent.kubernetes),
            "wrong_secrets": scene.wrong(),
        },
        requests={"connect": spent.connect, "kubernetes": spent.kubernetes},
    )
