"""Fixtures of the drop-in tests: worlds in which the official operator runs too."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from dropin.meeting import Meeting
from harness.fixtures import worlds

MakeMeeting = Callable[[Mapping[str, Any]], Meeting]


@pytest.fixture
def make_meeting(installed: ControlPlane, observer: Observer, namespace: str, tmp_path: Path) -> Iterator[MakeMeeting]:
    with worlds(installed, observer, namespace, tmp_path, kind=Meeting) as make:
        yield make
