"""Fan-out: how fast the many Deployments that use one Secret are rolled out, once each."""

from __future__ import annotations

import bisect
import statistics
import time
from collections import Counter
from collections.abc import Sequence

from bench import staging
from bench.records import Measured
from bench.scene import Scene, progress
from bench.watching import deployment_sightings
from harness.waiting import eventually

CREATED, ROLLED_OUT = "1", "2"
CONTROLLERS_SECONDS = 120.0


def measure(scene: Scene, *, interval: int, deployments: int) -> Measured:
    """Edit the item once; the time runs from the edit.

    A rollout is a ReplicaSet, and the controllers of Kubernetes make those.
    """
    operator = scene.operator(interval)
    namespace = scene.namespace(0)
    names = [f"app-{scene.id}-{number:04}" for number in range(deployments)]
    with progress(deployments, "creating Deployments") as show:
        scene.bulk.send(
            ([staging.deployment(namespace, name, scene.names[0])] for name in names), report=show
        )
    eventually(
        lambda: sum(_rollouts(scene, namespace).values()),
        lambda made: made == deployments,
        timeout=CONTROLLERS_SECONDS,
        what="ReplicaSets",
    )
    sightings = scene.keep(deployment_sightings(scene.observer, namespace))
    sightings.wait(names, CREATED, timeout=30)
    scene.settle(operator)
    end = scene.window(operator)
    edited = time.monotonic()
    scene.edit(0)
    with progress(deployments, "rollouts") as show:
        moments = sorted(
            sightings.wait(names, ROLLED_OUT, timeout=120.0 + deployments, report=show).values()
        )
    # The controllers take their time to make ReplicaSets; then two more polls, in which a restart
    # too many would show.
    deadline = time.monotonic() + CONTROLLERS_SECONDS
    while (
        sum(_rollouts(scene, namespace).values()) < 2 * deployments and time.monotonic() < deadline
    ):
        time.sleep(0.5)
    scene.quiet(limit=2.0 * interval + 5.0, least=time.monotonic() + 2.0 * interval)
    spent, rollouts = end(operator), _rollouts(scene, namespace)
    took = [moment - edited for moment in moments]
    return Measured(
        figures={
            "deployments": deployments,
            "rolled_out_once": sum(rollouts[name] == 2 for name in names),
            "rolled_out_more": sum(rollouts[name] > 2 for name in names),
            "first_seconds": took[0],
            "last_seconds": took[-1],
            "median_seconds": statistics.median(took),
            "busiest_second": _busiest_second(moments),
            "cpu_seconds": spent.cpu_seconds,
        },
        series={"seconds": took},
        requests={"connect": spent.connect, "kubernetes": spent.kubernetes},
    )


def _rollouts(scene: Scene, namespace: str) -> Counter[str]:
    listed = scene.observer.apps.list_namespaced_replica_set(
        namespace, label_selector="bench=yes"
    ).items
    return Counter(found.metadata.labels["app"] for found in listed)


def _busiest_second(moments: Sequence[float]) -> float:
    return float(
        max(
            bisect.bisect_left(moments, moment + 1.0) - place
            for place, moment in enumerate(moments)
        )
    )
