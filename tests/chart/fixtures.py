"""A control plane without our CRD and roles, for the tests that install the chart, and helm against it."""

import subprocess
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from chart.rendering import CHART, helm
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}


class Cluster:
    """What a user has: helm and kubectl, and a namespace where only restricted pods run."""

    def __init__(self, plane: ControlPlane, observer: Observer) -> None:
        self.plane, self.observer = plane, observer
        self._made: list[str] = []
        self._releases: list[tuple[str, str]] = []

    def namespace(self, prefix: str) -> str:
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        self.observer.core.create_namespace({"metadata": {"name": name, "labels": RESTRICTED}})
        self._made.append(name)
        return name

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self.plane.binaries / "kubectl"), f"--kubeconfig={self.plane.admin_kubeconfig}", *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def helm(
        self, verb: str, release: str, namespace: str, *options: str, values: Mapping[str, Any] | None = None
    ) -> subprocess.CompletedProcess[str]:
        access = ["--namespace", namespace, "--kubeconfig", str(self.plane.admin_kubeconfig), *options]
        if verb == "uninstall":
            command = [str(self.plane.binaries / "helm"), verb, release, *access]
            return subprocess.run(command, capture_output=True, text=True, check=False)
        return helm(verb, release, str(CHART), *access, values=values)

    def install(self, release: str, namespace: str, values: Mapping[str, Any] | None = None) -> str:
        self._releases.append((release, namespace))
        return self._done("install", release, namespace, values)

    def upgrade(self, release: str, namespace: str, values: Mapping[str, Any] | None = None) -> str:
        return self._done("upgrade", release, namespace, values)

    def uninstall(self, release: str, namespace: str) -> None:
        self._done("uninstall", release, namespace, None)

    def _done(self, verb: str, release: str, namespace: str, values: Mapping[str, Any] | None) -> str:
        """Returns the notes."""
        done = self.helm(verb, release, namespace, values=values)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def left_of(self, release: str) -> list[str]:
        """`kind/name` of every object that carries the release's label, whatever its kind."""
        listed = self.kubectl("api-resources", "--verbs=list,delete", "-o", "name").stdout.split()
        kinds = ",".join(kind for kind in listed if not kind.startswith(("events", "onepassworditems")))
        found = self.kubectl("get", kinds, "-A", "-o", "name", "-l", f"app.kubernetes.io/instance={release}").stdout.split()
        return sorted(found)

    def close(self) -> None:
        for release, namespace in self._releases:
            self.helm("uninstall", release, namespace, "--ignore-not-found")
        for name in self._made:
            self.observer.core.delete_namespace(name)


@pytest.fixture(scope="session")
def bare_plane() -> Iterator[ControlPlane]:
    with ControlPlane.start() as started:
        yield started


@pytest.fixture
def cluster(bare_plane: ControlPlane) -> Iterator[Cluster]:
    """The cluster; no CRD of ours is left in it."""
    with Observer.connect(bare_plane.admin_kubeconfig) as observer:
        made = Cluster(bare_plane, observer)
        yield made
        made.close()
        made.kubectl("delete", "crd", "onepassworditems.onepassword.com", "--ignore-not-found", "--wait=true", "--timeout=60s")
