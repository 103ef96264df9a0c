"""The local control plane behaves like a cluster, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controlplane import access, launcher, workspace
from controlplane.errors import ControlPlaneError
from controlplane.fixtures import Observer
from controlplane.process import Probe, Program, ReservedPort
from harness.waiting import eventually

pytestmark = pytest.mark.cluster

OWNER_THAT_STARTS_AND_WAITS = """
import signal
from controlplane.launcher import ControlPlane
plane = ControlPlane.start()
print(plane.directory, *(program.pid for program in plane.programs), flush=True)
signal.pause()
"""


CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


def deployment(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "example.invalid/none"}]}}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}


def config_map(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}, "data": {"key": "value"}}


def names_of_config_maps(observer: Observer, namespace: str) -> set[str]:
    return {found.metadata.name for found in observer.core.list_namespaced_config_map(namespace).items}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_two_control_planes_run_at_once_and_know_nothing_of_each_other(control_plane: launcher.ControlPlane, observer: Observer) -> None:
    with launcher.ControlPlane.start() as other, Observer.connect(other.admin_kubeconfig) as second:
        second.core.create_namespaced_config_map("default", config_map("only-here"))
        assert other.url != control_plane.url
        assert "only-here" not in names_of_config_maps(observer, "default")
    assert not other.directory.exists()
    assert not any(alive(program.pid) for program in other.programs)


def test_a_deployment_gets_a_replica_set(observer: Observer, namespace: str) -> None:
    observer.apps.create_namespaced_deployment(namespace, deployment("web"))
    [replica_set] = eventually(lambda: observer.apps.list_namespaced_replica_set(namespace).items, timeout=30, what="the ReplicaSet")
    assert replica_set.metadata.owner_references[0].name == "web"


def test_what_an_object_owns_is_collected_with_it(observer: Observer, namespace: str) -> None:
    owner = observer.core.create_namespaced_config_map(namespace, config_map("owner"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}
    observer.core.create_namespaced_config_map(namespace, config_map("owned", ownerReferences=[reference]))
    observer.core.delete_namespaced_config_map("owner", namespace)
    eventually(lambda: "owned" not in names_of_config_maps(observer, namespace), timeout=30, what="the owned ConfigMap to go")


def test_what_a_custom_resource_owns_is_collected_soon_when_its_kind_is_there_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "things.yaml").write_text(CRD)
    with launcher.ControlPlane.start(crds=[tmp_path / "things.yaml"]) as plane, Observer.connect(plane.admin_kubeconfig) as seen:
        thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "owner"}}
        created = seen.custom.create_namespaced_custom_object("example.com", "v1", "default", "things", thing)
        reference = {"apiVersion": "example.com/v1", "kind": "Thing", "name": "owner", "uid": created["metadata"]["uid"]}
        seen.core.create_namespaced_config_map("default", config_map("owned", ownerReferences=[reference]))
        seen.custom.delete_namespaced_custom_object("example.com", "v1", "default", "things", "owner")
        eventually(lambda: "owned" not in names_of_config_maps(seen, "default"), timeout=15, what="the owned ConfigMap to go")


def test_a_namespace_goes_with_its_contents(observer: Observer) -> None:
    observer.core.create_namespace({"metadata": {"name": "short-lived"}})
    observer.core.create_namespaced_config_map("short-lived", config_map("inside"))
    observer.core.delete_namespace("short-lived")
    eventually(
        lambda: {found.metadata.name for found in observer.core.list_namespace().items},
        lambda names: "short-lived" not in names,
        timeout=30,
        what="the namespace to go",
    )


def test_the_audit_log_names_who_did_what(control_plane: launcher.ControlPlane, namespace: str) -> None:
    kubeconfig = control_plane.kubeconfig_for("someone", ["some-group"])
    with Observer.connect(kubeconfig) as someone, pytest.raises(Exception, match="Forbidden"):
        someone.core.list_namespaced_secret(namespace)
    entries = [json.loads(line) for line in control_plane.audit_log.read_text().splitlines()]
    [entry] = [entry for entry in entries if entry["user"]["username"] == "someone"]
    assert entry["user"]["groups"] == ["some-group", "system:authenticated"]
    assert (entry["verb"], entry["objectRef"]["resource"], entry["objectRef"]["namespace"]) == ("list", "secrets", namespace)
    assert entry["responseStatus"]["code"] == 403
    assert "requestObject" not in entry


def test_a_token_makes_the_same_user_as_a_certificate(control_plane: launcher.ControlPlane) -> None:
    by_certificate = control_plane.kubeconfig_for(access.OPERATOR)
    by_token = control_plane.kubeconfig_for(access.OPERATOR, server=control_plane.url)
    seen = []
    for kubeconfig in (by_certificate, by_token):
        with Observer.connect(kubeconfig) as connected:
            review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
            answer = connected.custom.create_cluster_custom_object("authentication.k8s.io", "v1", "selfsubjectreviews", review)
        seen.append((answer["status"]["userInfo"]["username"], set(answer["status"]["userInfo"]["groups"])))
    groups = {"system:serviceaccounts", "system:serviceaccounts:onepassword-operator", "system:authenticated"}
    assert seen == [(access.OPERATOR, groups)] * 2


def test_only_users_with_a_token_pass_a_proxy(control_plane: launcher.ControlPlane) -> None:
    with pytest.raises(ControlPlaneError, match=f"users with a token: {access.ADMIN}, "):
        control_plane.kubeconfig_for("someone", server="https://127.0.0.1:1")


def test_a_killed_run_leaves_no_process_and_its_directory_is_swept_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tests = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", OWNER_THAT_STARTS_AND_WAITS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(tests)}) as owner:
        assert owner.stdout is not None
        directory, *numbers = owner.stdout.readline().split()
        pids = [int(number) for number in numbers]
        assert len(pids) == 3
        assert all(alive(pid) for pid in pids)
        owner.send_signal(signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in pids), timeout=10, what="the programs to die with their owner")
    assert Path(directory).exists()
    workspace.resync(Path(directory).parent)
    assert not Path(directory).exists()


def test_a_directory_in_use_is_not_swept() -> None:
    space = workspace.create()
    workspace.resync(space.path.parent)
    assert space.path.exists()
    space.remove()
    assert not space.path.exists()


def test_a_given_directory_is_kept(tmp_path: Path) -> None:
    workspace.create(tmp_path / "mine").remove()
    assert (tmp_path / "mine").exists()


def test_a_missing_program_is_named_together_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with pytest.raises(
        ControlPlaneError, match=r"etcd, kube-apiserver, kube-controller-manager, kubectl not found in .*: run `make tools`"
    ):
        launcher.find_binaries(tmp_path)


def test_a_program_that_dies_at_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    port = ReservedPort()
    program = Program("failing", ["/bin/sh", "-c", "seq 1 50; exit 3"], tmp_path / "failing.log")
    with pytest.raises(ControlPlaneError, match=r"failing ended with code 3 at start:\n    31\n(.*\n)+    50\n"):
        program.wait_ready(Probe(port=port.number, path="/", tls=None))
    port.close()
