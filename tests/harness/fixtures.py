"""Fixtures of the cluster tests: the installed CRD and role, and worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.paths import REPOSITORY
from harness.world import World


class MakeWorld(Protocol):
    """Makes a world from a seed; what follows are options of the Connect server's command line, such as `"--replicas", "2"`."""

    def __call__(self, seed: Mapping[str, Any], /, *connect: str) -> World: ...


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with our CRD and role, as a user applies them."""
    control_plane.kubectl("apply", "-f", str(REPOSITORY / "deploy" / "rbac.yaml"))
    return control_plane


@pytest.fixture
def make_world(installed: ControlPlane, observer: Observer, namespace: str, tmp_path: Path) -> Iterator[MakeWorld]:
    """Makes the test's world from a seed; it is searched for leaks when the test ends."""
    made: list[World] = []

    def make(seed: Mapping[str, Any], /, *connect: str) -> World:
        made.append(World(plane=installed, observer=observer, namespace=namespace, directory=tmp_path, seed=seed, connect=connect))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def make_namespace(observer: Observer, namespace: str) -> Iterator[Callable[[], str]]:
    """Makes further namespaces for the test."""
    made: list[str] = []

    def make() -> str:
        made.append(f"{namespace[:50]}-{len(made) + 2}")
        observer.core.create_namespace({"metadata": {"name": made[-1]}})
        return made[-1]

    yield make
    for name in made:
        observer.core.delete_namespace(name)
