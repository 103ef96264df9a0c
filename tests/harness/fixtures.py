"""Fixtures of the cluster tests: the installed CRD and role, and worlds."""

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.paths import REPOSITORY
from harness.world import World

W = TypeVar("W", bound=World)


class MakeWorld(Protocol):
    """Makes a world from a seed; what follows are options of the Connect server's command line, such as `"--replicas", "2"`."""

    def __call__(self, seed: Mapping[str, Any], /, *connect: str) -> World: ...


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with our CRD and role, as a user applies them."""
    control_plane.kubectl("apply", "-f", str(REPOSITORY / "deploy" / "rbac.yaml"))
    return control_plane


@contextlib.contextmanager
def worlds(
    plane: ControlPlane, observer: Observer, namespace: str, directory: Path, *, kind: Callable[..., W]
) -> Iterator[Callable[..., W]]:
    """Makes worlds from seeds; each is searched for leaks at the end."""
    with contextlib.ExitStack() as closing:

        def make(seed: Mapping[str, Any], /, *connect: str) -> W:
            made = kind(plane=plane, observer=observer, namespace=namespace, directory=directory, seed=seed, connect=connect)
            closing.callback(made.close)
            return made

        yield make


@pytest.fixture
def make_world(installed: ControlPlane, observer: Observer, namespace: str, tmp_path: Path) -> Iterator[MakeWorld]:
    with worlds(installed, observer, namespace, tmp_path, kind=World) as make:
        yield make


@pytest.fixture(scope="module")
def make_shared_world(installed: ControlPlane, observer: Observer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWorld]:
    """Makes a world for all tests of a file, each of which has names of its own in it."""
    namespace = f"shared-{uuid.uuid4().hex[:8]}"
    observer.core.create_namespace({"metadata": {"name": namespace}})
    with worlds(installed, observer, namespace, tmp_path_factory.mktemp("shared"), kind=World) as make:
        yield make
    observer.core.delete_namespace(namespace)


@pytest.fixture
def make_namespace(observer: Observer, namespace: str) -> Iterator[Callable[[], str]]:
    made: list[str] = []

    def make() -> str:
        made.append(f"{namespace[:50]}-{len(made) + 2}")
        observer.core.create_namespace({"metadata": {"name": made[-1]}})
        return made[-1]

    yield make
    for name in made:
        observer.core.delete_namespace(name)
