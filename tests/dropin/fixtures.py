"""Fixtures of the drop-in tests: worlds in which the official operator runs too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from dropin.meeting import Meeting

MakeMeeting = Callable[[Mapping[str, Any]], Meeting]


@pytest.fixture
def make_meeting(installed: ControlPlane, observer: Observer, namespace: str, tmp_path: Path) -> Iterator[MakeMeeting]:
    """Makes the test's world from a seed; what left our operator is searched for leaks when the test ends."""
    made: list[Meeting] = []

    def make(seed: Mapping[str, Any]) -> Meeting:
        made.append(Meeting(plane=installed, observer=observer, namespace=namespace, directory=tmp_path, seed=seed))
        return made[-1]

    yield make
    for meeting in made:
        meeting.close()
