"""Records of measurements, one per scenario, contender, case and run; a file per scenario."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, Self

from bench.gauges import Counts

Case = dict[str, int]
"""What tells one setting of a scenario from another."""
_NUMBERS = re.compile(r"\[\s+([-\d.e,\s]+?)\s+\]")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a step found."""

    figures: dict[str, float]
    """One number each; the name ends with the unit."""
    series: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    """Many numbers: every rotation's seconds, memory over time."""
    requests: dict[str, Counts] = dataclasses.field(default_factory=dict)
    """By route or by verb and resource, under the name of who counted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a step found, of whom, in which case, when and beside what."""

    contender: str
    case: Case
    run: int
    date: str
    measured: Measured
    surroundings: dict[str, float]


@dataclasses.dataclass(slots=True, kw_only=True)
class Report:
    """A scenario's records."""

    scenario: str
    machine: dict[str, str]
    contenders: dict[str, str]
    """What each of them was."""
    records: list[Record] = dataclasses.field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one."""
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        records = [
            Record(**{**entry, "measured": Measured(**entry["measured"])})
            for entry in raw.pop("records")
        ]
        return cls(**raw, records=records)

    def save(self, folder: Path) -> None:
        """Write it, under the scenario's name."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_rounded(dataclasses.asdict(self)), indent=1)
        # A series is one line, not a screen.
        text = _NUMBERS.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text)
        (folder / f"{self.scenario}.json").write_text(text + "\n", encoding="utf-8")


def load_all(folder: Path) -> dict[str, Report]:
    """Every scenario that has a file."""
    return {path.stem: Report.load(path) for path in sorted(folder.glob("*.json"))}


def _rounded(value: Any) -> Any:
    # A tenth of a millisecond: more digits are noise, and make every diff of the file unreadable.
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
