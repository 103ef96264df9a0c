"""Fixtures of the end-to-end tests. `make e2e` runs them; in the ordinary run of all tests they are left out by their marker."""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator

import pytest

from e2e import engine, images, node_image
from e2e.kind_cluster import KindCluster
from e2e.steps import StepError
from e2e.world import Connect, Home

MakeHome = Callable[[str], Home]


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """What can't be prepared ends the run with its message: one cause must not be told once per test."""
    try:
        yield
    except StepError as error:
        pytest.exit(f"e2e: {error}", returncode=1)


@pytest.fixture(scope="session")
def kind_cluster() -> Iterator[KindCluster]:
    """A cluster with the image loaded; KEEP=1 leaves it running, and a running one is used again.

    No test's timeout holds for it (`func_only`): on a new machine, making the node takes longer than any test.
    """
    made = KindCluster(os.environ.get("E2E_CLUSTER", "opo-e2e"))
    with prepared():
        engine.ensure()
        images.build()
        made.create(node_image.ensure())
        made.load_docker_image(images.OPERATOR)
    yield made
    if not os.environ.get("KEEP"):
        made.delete()


@pytest.fixture(scope="session")
def connect(kind_cluster: KindCluster) -> Connect:
    """The embedded Connect server, as a pod."""
    server = Connect(kind_cluster)
    with prepared():
        server.start()
    return server


@pytest.fixture
def make_home(kind_cluster: KindCluster, connect: Connect) -> Iterator[MakeHome]:
    """Makes namespaces; each must go away in time when the test ends."""
    made: list[Home] = []

    def make(prefix: str) -> Home:
        made.append(Home(kind_cluster, connect, f"{prefix}-{uuid.uuid4().hex[:6]}"))
        made[-1].create()
        return made[-1]

    yield make
    for home in made:
        if kind_cluster.exists("namespace", home.namespace):
            home.delete()
