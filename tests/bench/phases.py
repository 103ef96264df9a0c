"""The phases of a run, in their order: cold start, idle, restart, rotation. Each returns figures; none judges them."""

from __future__ import annotations

import time
from pathlib import Path

from bench import gauges
from bench.figures import Cold, Idle, Restart, Rotation, Run, Settling
from bench.scene import Scene, Setup, progress
from bench.watching import READY
from cluster.operator_process import OperatorProcess
from controlplane.launcher import ControlPlane

CONVERGENCE_SECONDS = 300.0
SETTLING_POLLS = 2
FIRST_VERSION, SECOND_VERSION = "1", "2"
ROTATION_PHASE = 0.26
"""Of an interval, between two edits: ten of them fall on evenly spread moments between two polls."""


def run(plane: ControlPlane, setup: Setup, directory: Path) -> Run:
    """One pass through all phases."""
    with Scene(plane, setup, directory) as scene:
        neighbours = gauges.Neighbours()
        operator, cold = start_cold(scene)
        settling = settle(scene, operator, cold)
        idle = stay_idle(scene, operator)
        operator, restart = start_again(scene, operator)
        rotation = rotate(scene, operator)
        surroundings = neighbours.surroundings()
        operator.stop()
    return Run(cold=cold, settling=settling, idle=idle, restart=restart, rotation=rotation, surroundings=surroundings)


def start_cold(scene: Scene) -> tuple[OperatorProcess, Cold]:
    """Start the operator with nothing in place; until the last resource is Ready."""
    scene.connect.reset()
    asked_from = scene.audit.now()
    started = time.monotonic()
    operator = scene.start_operator()
    with progress(len(scene.names), "cold start") as show:
        ready = scene.items.wait(scene.names, READY, timeout=CONVERGENCE_SECONDS, report=show)
    # It goes on working, so what tells this moment from the next one comes first.
    cpu, asked_until = gauges.cpu_seconds(operator.process.pid), scene.audit.now()
    counted, peak = gauges.kubernetes_requests(operator), gauges.peak_rss_mib(operator.process.pid)
    asked_of_connect = scene.connect.counts()
    secrets = scene.secrets.wait(scene.names, FIRST_VERSION, timeout=CONVERGENCE_SECONDS)
    figures = Cold(
        first_secret_seconds=min(secrets.values()) - started,
        last_secret_seconds=max(secrets.values()) - started,
        last_ready_seconds=max(ready.values()) - started,
        cpu_seconds=cpu,
        peak_rss_mib=peak,
        connect_requests=asked_of_connect,
        kubernetes_requests=counted,
        api_server_requests=scene.audit.counts(asked_from, asked_until),
    )
    return operator, figures


def settle(scene: Scene, operator: OperatorProcess, cold: Cold) -> Settling:
    """Let it finish what the cold start left to do."""
    scene.connect.reset()
    scene.wait_polls(SETTLING_POLLS, what="settling")
    return Settling(
        cpu_seconds=gauges.cpu_seconds(operator.process.pid) - cold.cpu_seconds,
        connect_requests=scene.connect.counts(),
        kubernetes_requests=gauges.since(cold.kubernetes_requests, gauges.kubernetes_requests(operator)),
    )


def stay_idle(scene: Scene, operator: OperatorProcess) -> Idle:
    """Look at some polls in which nothing changes."""
    before, asked_from = gauges.kubernetes_requests(operator), scene.audit.now()
    scene.connect.reset()
    started, cpu = time.monotonic(), gauges.cpu_seconds(operator.process.pid)
    scene.wait_polls(scene.setup.polls, what="idle")
    return Idle(
        polls=scene.setup.polls,
        seconds=time.monotonic() - started,
        cpu_seconds=gauges.cpu_seconds(operator.process.pid) - cpu,
        rss_mib=gauges.rss_mib(operator.process.pid),
        connect_requests=scene.connect.counts(),
        kubernetes_requests=gauges.since(before, gauges.kubernetes_requests(operator)),
        api_server_requests=scene.audit.counts(asked_from, scene.audit.now()),
    )


def start_again(scene: Scene, former: OperatorProcess) -> tuple[OperatorProcess, Restart]:
    """Stop it and start another; until the second poll, when all that the first one led to is done."""
    started = time.monotonic()
    former.stop()
    stopped = time.monotonic() - started
    scene.connect.reset()
    asked_from = scene.audit.now()
    started = time.monotonic()
    operator = scene.start_operator()
    operator.wait_ready(timeout=CONVERGENCE_SECONDS)
    ready = time.monotonic() - started
    scene.wait_polls(2, what="restart")
    return operator, Restart(
        stop_seconds=stopped,
        ready_seconds=ready,
        cpu_seconds=gauges.cpu_seconds(operator.process.pid),
        peak_rss_mib=gauges.peak_rss_mib(operator.process.pid),
        connect_requests=scene.connect.counts(),
        kubernetes_requests=gauges.kubernetes_requests(operator),
        api_server_requests=scene.audit.counts(asked_from, scene.audit.now()),
    )


def rotate(scene: Scene, operator: OperatorProcess) -> Rotation:
    """Edit items, each at another moment between two polls; requests are counted until one poll after the last Secret is there."""
    before = gauges.kubernetes_requests(operator)
    scene.connect.reset()
    edited: dict[str, float] = {}
    with progress(scene.setup.rotations, "rotation") as show:
        for number in range(scene.setup.rotations):
            vault, title = scene.place(number)
            edited[scene.names[number]] = time.monotonic()
            scene.connect.edit(vault, title, fields={"password": f"fake-password-rotated-{number}"})
            time.sleep(scene.setup.interval_seconds * ROTATION_PHASE)
        seen = scene.secrets.wait(edited, SECOND_VERSION, timeout=CONVERGENCE_SECONDS, report=show)
    scene.wait_polls(scene.connect.polls() + 1, what="rotation settles")
    return Rotation(
        seconds=sorted(seen[name] - moment for name, moment in edited.items()),
        connect_requests=scene.connect.counts(),
        kubernetes_requests=gauges.since(before, gauges.kubernetes_requests(operator)),
    )
