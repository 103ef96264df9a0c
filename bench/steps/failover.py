"""Failover: how long until the standby writes when the leader is ended, killed or stopped."""

from __future__ import annotations

import datetime
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench import staging
from bench.contender import Running
from bench.gauges import WRITES
from bench.records import Measured
from bench.scene import PATIENCE_SECONDS, Scene, progress

REPLICAS = (0, 1)
EDIT_SECONDS = 0.4
LOOK_SECONDS = 4.0
"""Of writes, to see who leads."""
TAKEOVER_LIMIT_SECONDS = 90.0
STOPPED_ON_SECONDS = 2.0
"""A stopped leader stays so for this long after the other has taken over, so that it wakes up
deposed.
"""
WAKE_SECONDS = 5.0
SIGNALS = {"sigterm": signal.SIGTERM, "sigkill": signal.SIGKILL, "sigstop": signal.SIGSTOP}


class _Editor:
    """Edits one item after the other until told to end."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self.failure: Exception | None = None

    def _work(self) -> None:
        number = 0
        try:
            while not self._end.wait(EDIT_SECONDS):
                self._scene.edit(number % self._scene.setup.items)
                number += 1
        except OSError as error:
            self.failure = error

    def end(self) -> None:
        self._end.set()
        self._thread.join()
        if self.failure:
            raise RuntimeError("the benchmark could not edit items") from self.failure


def measure(
    scene: Scene, *, interval: int, rounds: int, losses: Sequence[str] = tuple(SIGNALS)
) -> Measured:
    """Lose the leader in each way so many times, then count every Secret and every rollout."""
    deployments = [
        staging.deployment(scene.namespace(n), name, name) for n, name in enumerate(scene.names)
    ]
    scene.bulk.send([call] for call in deployments)
    replicas = {number: _launch(scene, interval, number) for number in REPLICAS}
    scene.converge()
    for running in replicas.values():
        running.wait_answering()
    editor = _Editor(scene)
    lost: dict[str, list[_Loss]] = {name: [] for name in losses}
    with progress(rounds * len(losses), "failovers") as show:
        for done in range(rounds * len(losses)):
            name = losses[done % len(losses)]
            lost[name].append(_lose(scene, replicas, name=name, interval=interval))
            show(done + 1)
    editor.end()
    current = [(name, str(scene.versions[number])) for number, name in enumerate(scene.names)]
    behind = len(current) - len(scene.secrets.wait_some(current, timeout=PATIENCE_SECONDS / 10))
    time.sleep(3.0 * interval)
    return Measured(
        figures=_figures(lost)
        | {
            "secrets_behind": behind,
            "wrong_secrets": scene.wrong(),
            "double_restarts": _doubled(scene),
        },
        series={name: [loss.seconds for loss in losses] for name, losses in lost.items()},
    )


class _Loss:
    """One loss of the leader."""

    def __init__(self, seconds: float, *, late_writes: int, writers: int) -> None:
        self.seconds, self.late_writes, self.writers = seconds, late_writes, writers


def _figures(lost: dict[str, list[_Loss]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, losses in lost.items():
        seconds = [loss.seconds for loss in losses]
        figures |= {
            f"{name}_median_seconds": statistics.median(seconds),
            f"{name}_max_seconds": max(seconds),
        }
        figures[f"{name}_late_writes"] = max(loss.late_writes for loss in losses)
    return figures | {
        "writers_before": max(loss.writers for losses in lost.values() for loss in losses)
    }


def _launch(scene: Scene, interval: int, number: int) -> Running:
    return scene.launch(interval, "--leader-elect", replica=number)


def _lose(scene: Scene, replicas: dict[int, Running], *, name: str, interval: int) -> _Loss:
    mark = scene.audit.now()
    time.sleep(LOOK_SECONDS)
    before = {number: len(_writes(scene, number, since=mark)) for number in replicas}
    leader = max(before, key=lambda number: before[number])
    [other] = set(replicas) - {leader}
    mark = scene.audit.now()
    moment = time.time()
    replicas[leader].signal(SIGNALS[name])
    taken = _first_write(scene, other, mark=mark, after=moment)
    late = 0
    if name == "sigstop":
        time.sleep(STOPPED_ON_SECONDS)
        mark = scene.audit.now()
        replicas[leader].signal(signal.SIGCONT)
        time.sleep(WAKE_SECONDS)
        late = len(_writes(scene, leader, since=mark))
    replicas[leader].stop()
    replicas[leader] = _launch(scene, interval, leader)
    replicas[leader].wait_answering()
    return _Loss(
        taken - moment, late_writes=late, writers=sum(count > 0 for count in before.values())
    )


def _first_write(scene: Scene, number: int, *, mark: int, after: float) -> float:
    deadline = time.monotonic() + TAKEOVER_LIMIT_SECONDS
    while time.monotonic() < deadline:
        if found := [at for at in _writes(scene, number, since=mark) if at > after]:
            return found[0]
        time.sleep(0.2)
    raise RuntimeError(f"nobody took over within {TAKEOVER_LIMIT_SECONDS:.0f} s")


def _writes(scene: Scene, number: int, *, since: int) -> list[float]:
    """When a replica wrote anything but its lease."""
    entries = scene.audit.entries(scene.user(number), since, scene.audit.now())
    return [
        _time(entry)
        for entry in entries
        if entry["verb"] in WRITES and (entry.get("objectRef") or {}).get("resource") != "leases"
    ]


def _time(entry: dict[str, Any]) -> float:
    return datetime.datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp()


def _doubled(scene: Scene) -> int:
    """Rollouts of a Deployment for a revision that it had been rolled out for already."""
    rollouts: Counter[tuple[str, str]] = Counter()
    for namespace in scene.namespaces:
        for found in scene.observer.apps.list_namespaced_replica_set(
            namespace, label_selector="bench=yes"
        ).items:
            annotations = found.spec.template.metadata.annotations or {}
            revision = next(
                (value for key, value in annotations.items() if key.endswith("/restarted-for")), ""
            )
            rollouts[found.metadata.labels["app"], revision] += 1
    return sum(count - 1 for count in rollouts.values())
