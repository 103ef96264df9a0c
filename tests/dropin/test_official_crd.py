"""The image is exchanged and the CRD is not, because Helm never upgrades one: everything that ours adds to the schema is pruned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.fixtures import REPOSITORY, kubectl
from cluster.world import eventually
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from dropin import recorded
from dropin.meeting import Meeting
from dropin.restore import restore
from dropin.scenes import ITEM

pytestmark = pytest.mark.cluster

ADDED_TO_CONDITIONS = ("reason", "observedGeneration")
NAMESPACE = "with-the-official-crd"


def official_crd() -> dict[str, Any]:
    """Ours without what the official chart's does not have."""
    [path] = (REPOSITORY / "crds").glob("*.yaml")
    crd: dict[str, Any] = yaml.safe_load(path.read_text())
    del crd["spec"]["names"]["shortNames"]
    [version] = crd["spec"]["versions"]
    del version["additionalPrinterColumns"]
    conditions = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["conditions"]
    for name in ADDED_TO_CONDITIONS:
        del conditions["items"]["properties"][name]
    return crd


@pytest.fixture
def meeting(tmp_path: Path) -> Iterator[Meeting]:
    """A world on a control plane of its own, with the state 01-synced in it."""
    file = tmp_path / "crd.yaml"
    file.write_text(yaml.safe_dump(official_crd()))
    objects = recorded.state("01-synced")
    with ControlPlane.start(crds=[file]) as plane, Observer.connect(plane.admin_kubeconfig) as observer:
        kubectl(plane, "apply", "-f", str(REPOSITORY / "deploy"))
        observer.core.create_namespace({"metadata": {"name": NAMESPACE}})
        seed = recorded.seed_of(objects)
        made = Meeting(plane=plane, observer=observer, namespace=NAMESPACE, directory=tmp_path, seed=seed)
        restore(made, objects)
        yield made
        made.close()


def test_a_resource_is_taken_over_kept_in_sync_and_told_without_end_of_writes(meeting: Meeting) -> None:
    first = meeting.operator()
    eventually(lambda: meeting.finalized(ITEM, "by-title"), lambda held: not held, what="the finalizer to go")
    meeting.connect.edit("vault-0", "item-00000", fields={"password": "canary-pw-0-2"})
    eventually(lambda: (meeting.data("by-title") or {})["password"], lambda now: now == b"canary-pw-0-2", what="the new password")
    eventually(lambda: meeting.condition("by-title").get("message", ""), lambda said: "version 2" in said, what="a word about it")
    assert meeting.condition("by-title")["status"] == "True"
    assert not set(ADDED_TO_CONDITIONS) & set(meeting.condition("by-title"))
    meeting.connect.wait_polls(2)
    so_far = meeting.writes()
    meeting.connect.wait_polls(3)
    first.stop()
    meeting.operator()
    meeting.connect.wait_polls(3)
    assert meeting.writes() == so_far
