"""Rotation: the time from each of evenly spread edits until its Secret has the new version."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence

from bench.records import Measured
from bench.scene import Scene, progress


def measure(scene: Scene, *, interval: int, edits: int, seconds: int) -> Measured:
    """Edit so many items within so many seconds, each once."""
    operator = scene.operator(interval)
    end = scene.window(operator)
    took, missing = rotate(
        scene,
        range(min(edits, scene.setup.items)),
        seconds=seconds,
        patience=6.0 * interval + 120.0,
    )
    spent = end(operator)
    return Measured(
        figures=spread(took)
        | {"edits": len(took), "missing": missing, "cpu_seconds": spent.cpu_seconds},
        series={"seconds": sorted(took)},
        requests={"connect": spent.connect, "kubernetes": spent.kubernetes},
    )


def rotate(
    scene: Scene, numbers: Sequence[int], *, seconds: float, patience: float
) -> tuple[list[float], int]:
    """Return the seconds that each edit took to reach its Secret, and how many edits never did.

    Those count with the time that we waited.
    """
    edited: dict[tuple[str, str], float] = {}
    started = time.monotonic()
    with progress(len(numbers), "rotation") as show:
        for place, number in enumerate(numbers):
            time.sleep(max(started + seconds * place / len(numbers) - time.monotonic(), 0.0))
            moment = time.monotonic()
            edited[scene.edit(number)] = moment
            show(place)
        seen = scene.secrets.wait_some(edited, timeout=patience)
    gave_up = time.monotonic()
    return [seen.get(key, gave_up) - moment for key, moment in edited.items()], len(edited) - len(
        seen
    )


def spread(took: Sequence[float], prefix: str = "") -> dict[str, float]:
    """Median, the 99th of a hundred, and the longest."""
    ordered = sorted(took)
    return {
        f"{prefix}p50_seconds": statistics.median(ordered),
        f"{prefix}p99_seconds": ordered[math.ceil(0.99 * len(ordered)) - 1],
        f"{prefix}max_seconds": ordered[-1],
    }
