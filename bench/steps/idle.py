"""Idle: nothing changes, or nothing that anybody asked for; what one poll costs."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from bench.contender import Running
from bench.gauges import Counts, writes
from bench.records import Measured
from bench.scene import QUIET_SECONDS, SAMPLE_SECONDS, Scene, Spent, progress

APART_SECONDS = 2.0
"""Two reads of an item that belong to two polls are further apart than this, where polls do not
even fit into their interval.
"""


def measure(scene: Scene, *, interval: int, polls: int) -> Measured:
    """Between the ends of two polls that lie so many polls apart."""
    operator = scene.operator(interval)
    fits = scene.quiet(limit=2.0 * interval)
    end = scene.window(operator)
    if fits:
        seen = _bursts(scene, polls=polls, limit=(polls + 2) * interval + 30.0, each=int)
    else:
        _one_round(scene)
        seen = 1
    spent = end(operator)
    return _measured(spent, seen, operator=operator, more={"fits_the_interval": float(fits)})


def measure_changed(scene: Scene, *, interval: int, polls: int) -> Measured:
    """The same while a vault changes before every poll, in an item that no resource asks for."""
    operator = scene.operator(interval)
    scene.edit_unfollowed(0)
    if not scene.quiet(limit=2.0 * interval):
        raise RuntimeError(
            f"polls take longer than their interval of {interval} s, "
            "so what a change adds cannot be told"
        )
    _bursts(scene, polls=1, limit=2.0 * interval + 30.0, each=int)
    end = scene.window(operator)
    seen = _bursts(
        scene,
        polls=polls,
        limit=(polls + 2) * interval + 30.0,
        each=functools.partial(scene.edit_unfollowed, 0),
    )
    return _measured(end(operator), seen, operator=operator, more={})


def _measured(spent: Spent, polls: int, *, operator: Running, more: dict[str, float]) -> Measured:
    figures = {
        "polls": float(polls),
        "seconds": spent.seconds,
        "connect_requests_per_poll": sum(spent.connect.values()) / polls,
        "kubernetes_requests_per_poll": sum(spent.kubernetes.values()) / polls,
        "kubernetes_writes_per_poll": writes(spent.kubernetes) / polls,
        "cpu_ms_per_poll": 1000 * spent.cpu_seconds / polls,
        "cpu_percent": 100 * spent.cpu_seconds / spent.seconds,
        "rss_mib": operator.rss_mib(),
    }
    requests: dict[str, Counts] = {"connect": spent.connect, "kubernetes": spent.kubernetes}
    return Measured(figures=figures | more, requests=requests)


def _bursts(scene: Scene, *, polls: int, limit: float, each: Callable[[], object]) -> int:
    """Wait for so many bursts of requests with silence between them.

    `each` is called before each of them.
    """
    deadline = time.monotonic() + limit
    with progress(polls, "polls") as show:
        for done in range(1, polls + 1):
            each()
            before = scene.asked()
            while scene.asked() == before:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{done - 1} of {polls} polls came within {limit:.0f} s")
                time.sleep(SAMPLE_SECONDS)
            if not scene.quiet(limit=limit, seconds=QUIET_SECONDS):
                raise RuntimeError(f"a poll did not end within {limit:.0f} s")
            show(done)
    return polls


def _one_round(scene: Scene, limit: float = 600.0) -> None:
    """Measure one round of polls that follow each other without a pause.

    It runs from anywhere in one poll to the same place in the next, by the reads of one item.
    """
    deadline = time.monotonic() + limit
    first: tuple[str, int, float] | None = None
    while time.monotonic() < deadline:
        time.sleep(SAMPLE_SECONDS)
        reads = scene.connect.item_reads()
        if first is None:
            first = next(((item, count, time.monotonic()) for item, count in reads.items()), None)
            if first is not None:
                scene.connect.reset()
                first = (first[0], 0, time.monotonic())
        elif reads.get(first[0], 0) and time.monotonic() - first[2] > APART_SECONDS:
            return
    raise RuntimeError(f"no item was read twice within {limit:.0f} s")
