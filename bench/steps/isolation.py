"""Isolation: how late other items get while a vault is in trouble, or a namespace is broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench import staging
from bench.records import Measured
from bench.scene import Scene, progress
from bench.steps.rotation import rotate, spread

SICK = 0
"""The vault that has the trouble. The others are those whose Secrets are timed."""

UNRESOLVED = 5
"""While the vault has a trouble, resources ask for items of it that nobody has read yet: a fifth as
many as are broken later.
"""

TOLD_SECONDS = 120.0
"""How long resources that are broken may take until they say so."""

FAULTS: dict[str, dict[str, Any]] = {
    "denied": {"action": "status", "status": 401},
    "slow": {"action": "slow", "delay_seconds": 10},
    "hung": {"action": "hang"},
}


def measure(
    scene: Scene, *, interval: int, edits: int, seconds: int, broken: int, patience: int = 50
) -> Measured:
    """Measure with nothing wrong, then with each trouble in turn.

    The operator is started anew if the trouble before has stopped it.
    """
    figures: dict[str, float] = {"edits": edits}
    series: dict[str, list[float]] = {}
    names: list[str] = []
    healthy = [
        number for number in range(scene.setup.items) if number % scene.setup.vaults != SICK
    ][:edits]
    vault = f"vault-{SICK}"
    path = f"/v1/vaults/{scene.connect.ids(vault, 'item-00000')[0]}"
    for name in ("nothing_wrong", *FAULTS, "breaking", "broken"):
        scene.operator(interval)
        if name in FAULTS:
            scene.connect.faults(FAULTS[name] | {"path": path})
            scene.edit_unfollowed(SICK)
            scene.edit(SICK)  # so that there is something to be read
            # Nobody can resolve these for as long as the fault lasts.
            _ask(scene, f"unresolved-{name}", broken // UNRESOLVED)
        elif name == "breaking":
            names = _ask(scene, "broken", broken)
        elif name == "broken":
            scene.items.wait_some(
                [(broken_one, "False") for broken_one in names], timeout=TOLD_SECONDS
            )
        took, missing = rotate(scene, healthy, seconds=seconds, patience=patience)
        scene.connect.heal()
        _note(figures, series, name=name, took=took, missing=missing)
        if missing:
            scene.operator(interval).stop()
    return Measured(figures=figures, series=series)


def _note(
    figures: dict[str, float],
    series: dict[str, list[float]],
    *,
    name: str,
    took: Sequence[float],
    missing: int,
) -> None:
    figures |= spread(took, f"{name}_") | {f"{name}_missing": missing}
    series[name] = sorted(took)


def _ask(scene: Scene, what: str, number: int) -> list[str]:
    names = [f"{what}-{scene.id}-{n:04}" for n in range(number)]
    with progress(number, f"{what} resources") as show:
        calls = (
            [
                staging.item(
                    scene.broken_namespace, name, f"vaults/vault-{SICK}/items/nothing-{name}"
                )
            ]
            for name in names
        )
        scene.bulk.send(calls, report=show)
    return names
