"""The plan: which scenes are set, who is measured in them, and what, in three sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.contender import OURS, PEER
from bench.records import Measured
from bench.scene import Setup
from bench.steps import cold, failover, fanout, idle, isolation, memory, restart, rotation, steady

SCENARIOS: Mapping[str, Callable[..., Measured]] = {
    "cold": cold.measure,
    "idle": idle.measure,
    "changed": idle.measure_changed,
    "memory": memory.measure,
    "rotation": rotation.measure,
    "restart": restart.measure,
    "fanout": fanout.measure,
    "isolation": isolation.measure,
    "failover": failover.measure,
    "steady": steady.measure,
}
BOTH = (OURS, PEER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One measurement in a scene."""

    scenario: str
    interval: int
    """The operator's polling interval; another one than that of the step before means another
    process.
    """
    sizes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A scene, and the steps in it, in their order."""

    setup: Setup
    contenders: tuple[str, ...]
    steps: tuple[Step, ...]
    minutes: float
    """About what one contender takes."""


def step(scenario: str, interval: int, **sizes: Any) -> Step:
    """A step in one line."""
    return Step(scenario=scenario, interval=interval, sizes=sizes)


def chosen(stages: list[Stage], only: set[str], contenders: set[str]) -> list[Stage]:
    """What is left of a plan: scenarios and contenders that were asked for."""
    kept = [
        Stage(
            setup=stage.setup,
            contenders=tuple(name for name in stage.contenders if name in contenders),
            steps=tuple(step for step in stage.steps if step.scenario in only),
            minutes=stage.minutes,
        )
        for stage in stages
    ]
    return [stage for stage in kept if stage.steps and stage.contenders]


LONG = 60
"""An interval in which no poll falls into what is measured, for cold starts and restarts; our
default.
"""


def full(minutes: float) -> list[Stage]:
    """Everything that the page shows."""
    thousand = Setup(items=1000, vaults=10)
    return [
        Stage(
            setup=thousand,
            contenders=BOTH,
            minutes=3.0,
            steps=(
                step("cold", LONG),
                step("memory", LONG),
                step("idle", 15, polls=3),
                step("rotation", 15, edits=200, seconds=30),
                step("restart", LONG),
            ),
        ),
        Stage(
            setup=Setup(items=1000, vaults=10, latency_ms=20),
            contenders=BOTH,
            minutes=1.5,
            steps=(step("cold", LONG),),
        ),
        # Its poll takes longer than two minutes here: only a longer interval shows what one costs.
        Stage(
            setup=Setup(items=5000, vaults=10, latency_ms=5),
            contenders=(PEER,),
            minutes=6.5,
            steps=(step("cold", 240), step("memory", 240), step("idle", 240, polls=1)),
        ),
        Stage(
            setup=Setup(items=5000, vaults=10, latency_ms=5),
            contenders=(OURS,),
            minutes=3.5 + minutes,
            steps=(
                step("cold", LONG),
                step("memory", LONG),
                step("idle", 5, polls=4),
                step("steady", 5, minutes=minutes),
                step("rotation", 1, edits=200, seconds=40),
                step("restart", LONG),
            ),
        ),
        Stage(
            setup=Setup(items=5000, vaults=10, latency_ms=100),
            contenders=(OURS,),
            minutes=1.8,
            steps=(step("cold", LONG),),
        ),
        Stage(
            setup=Setup(items=20000, vaults=50, latency_ms=5),
            contenders=(OURS,),
            minutes=4.5,
            steps=(step("cold", LONG), step("memory", LONG), step("idle", 5, polls=4)),
        ),
        *_grid(),
        Stage(
            setup=Setup(items=1000, vaults=10, foreign=10000),
            contenders=BOTH,
            minutes=0.8,
            steps=(step("memory", LONG),),
        ),
        Stage(
            setup=Setup(items=200, vaults=4, latency_ms=5),
            contenders=BOTH,
            minutes=2.6,
            steps=(step("isolation", 2, edits=100, seconds=12, broken=1000),),
        ),
        Stage(
            setup=Setup(items=10, vaults=2),
            contenders=BOTH,
            minutes=0.9,
            steps=(step("fanout", 5, deployments=200),),
        ),
        Stage(
            setup=Setup(items=20, vaults=4),
            contenders=(OURS,),
            minutes=2.7,
            steps=(step("failover", 1, rounds=2),),
        ),
    ]


def _grid() -> list[Stage]:
    # With the stages above: V = 1, 10 and 50, N from 100 to 20,000. What matters is that neither
    # moves anything.
    polls = step("idle", 5, polls=4)
    return [
        Stage(
            setup=Setup(items=100, vaults=50),
            contenders=BOTH,
            minutes=0.8,
            steps=(step("memory", 5), polls),
        ),
        Stage(
            setup=Setup(items=5000, vaults=1),
            contenders=(OURS,),
            minutes=1.8,
            steps=(polls, step("changed", 5, polls=4)),
        ),
    ]


def quick(minutes: float) -> list[Stage]:
    """Every scenario once, at sizes that take seconds."""
    small = Setup(items=200, vaults=10)
    first = (
        step("cold", LONG),
        step("memory", LONG),
        step("idle", 3, polls=3),
        step("changed", 3, polls=3),
        step("rotation", 3, edits=30, seconds=9),
        step("restart", LONG),
    )
    return [
        Stage(setup=small, contenders=BOTH, minutes=1.5, steps=first),
        Stage(
            setup=Setup(items=200, vaults=10, latency_ms=20),
            contenders=BOTH,
            minutes=0.6,
            steps=(step("cold", LONG),),
        ),
        Stage(
            setup=Setup(items=200, vaults=10, foreign=1000),
            contenders=BOTH,
            minutes=0.6,
            steps=(step("memory", LONG),),
        ),
        Stage(
            setup=Setup(items=40, vaults=4),
            contenders=BOTH,
            minutes=1.0,
            steps=(step("isolation", 1, edits=20, seconds=4, broken=100),),
        ),
        Stage(
            setup=Setup(items=4, vaults=2),
            contenders=BOTH,
            minutes=0.6,
            steps=(step("fanout", 2, deployments=20),),
        ),
        Stage(
            setup=Setup(items=10, vaults=2),
            contenders=(OURS,),
            minutes=1.2,
            steps=(step("failover", 1, rounds=1),),
        ),
        Stage(
            setup=small,
            contenders=(OURS,),
            minutes=minutes + 0.4,
            steps=(step("steady", 5, minutes=minutes),),
        ),
    ]
