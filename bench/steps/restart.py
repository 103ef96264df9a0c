"""Restart with everything in place: requests, writes, and how soon a new resource is served."""

from __future__ import annotations

from bench import staging
from bench.gauges import Counts, writes
from bench.records import Measured
from bench.scene import Scene

QUIET_SECONDS = 3.0
LIMIT_SECONDS = 300.0


def measure(scene: Scene, *, interval: int) -> Measured:
    """Restart once for the counts, and once with a resource created while no operator ran."""
    scene.operator(interval).stop()
    end = scene.window()
    operator = scene.launch(interval)
    ready = operator.wait_answering()
    scene.settle(operator)
    if not scene.quiet(limit=LIMIT_SECONDS, seconds=min(QUIET_SECONDS, interval / 2)):
        raise RuntimeError(f"the operator is still at it {LIMIT_SECONDS:.0f} s after its start")
    spent, peak = end(operator), operator.peak_rss_mib()
    stopped = operator.stop()
    new = _new_resource(scene)
    operator = scene.launch(interval)
    seen = scene.secrets.wait([new], "1", timeout=LIMIT_SECONDS)[new]
    return Measured(
        figures={
            "stop_seconds": stopped,
            "ready_seconds": ready,
            "new_secret_seconds": seen - operator.started,
            "cpu_seconds": spent.cpu_seconds,
            "peak_rss_mib": peak,
            "connect_requests": sum(spent.connect.values()),
            "kubernetes_requests": sum(spent.kubernetes.values()),
            "kubernetes_lists": _lists(spent.kubernetes),
            "kubernetes_writes": writes(spent.kubernetes),
        },
        requests={"connect": spent.connect, "kubernetes": spent.kubernetes},
    )


def _lists(requests: Counts) -> float:
    return float(sum(count for name, count in requests.items() if name.startswith("list ")))


def _new_resource(scene: Scene) -> str:
    # Its item is the first one's, so nothing has to be made for it in 1Password.
    name = f"b{scene.id}-new-{len(scene.extra)}"
    scene.extra.append(name)
    vault, title = scene.place(len(scene.names) - 1)
    scene.bulk.send([[staging.item(scene.namespaces[0], name, f"vaults/{vault}/items/{title}")]])
    return name
