"""Pytest fixtures: one control plane per test run, a namespace per test, and an observer that is independent of the operator.

A root conftest loads them with `pytest_plugins = ["controlplane.fixtures"]`. The observer talks to the API server with the official
`kubernetes` client as the admin.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from controlplane.launcher import ControlPlane


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """The official client's APIs, all over one connection pool; the client has no types, hence Any."""

    api: Any
    core: Any
    apps: Any
    custom: Any
    rbac: Any
    extensions: Any

    @classmethod
    @contextlib.contextmanager
    def connect(cls, kubeconfig: Path) -> Iterator[Observer]:
        """An observer with the rights of the kubeconfig."""
        configuration = kubernetes.client.Configuration()
        loader: Any = kubernetes.config
        loader.load_kube_config(str(kubeconfig), client_configuration=configuration)
        configuration.proxy = None  # the client would take HTTPS_PROXY for loopback too
        api: Any = kubernetes.client.ApiClient(configuration)
        try:
            yield cls(
                api=api,
                core=kubernetes.client.CoreV1Api(api),
                apps=kubernetes.client.AppsV1Api(api),
                custom=kubernetes.client.CustomObjectsApi(api),
                rbac=kubernetes.client.RbacAuthorizationV1Api(api),
                extensions=kubernetes.client.ApiextensionsV1Api(api),
            )
        finally:
            api.close()
            api.rest_client.pool_manager.clear()  # the client leaves pooled connections to the garbage collector and its warnings


@pytest.fixture(scope="session")
def crds() -> Sequence[Path]:
    """The CustomResourceDefinitions that the control plane starts with; a conftest overrides this."""
    return ()


@pytest.fixture(scope="session")
def control_plane(crds: Sequence[Path]) -> Iterator[ControlPlane]:
    with ControlPlane.start(crds=crds) as plane:
        yield plane


@pytest.fixture(scope="session")
def observer(control_plane: ControlPlane) -> Iterator[Observer]:
    with Observer.connect(control_plane.admin_kubeconfig) as connected:
        yield connected


@pytest.fixture
def namespace(observer: Observer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own; it is deleted at the end, and nobody waits for that."""
    readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    name = f"{readable}-{uuid.uuid4().hex[:8]}"
    observer.core.create_namespace({"metadata": {"name": name}})
    yield name
    observer.core.delete_namespace(name)
