"""A release that watches the whole cluster: items become Secrets, pods read them, and what changes reaches the pods."""

from collections.abc import Iterator

import pytest

from e2e.conftest import MakeHome
from e2e.kind_cluster import KindCluster
from e2e.steps import StepError
from e2e.world import Connect, Home
from harness.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900, func_only=True)]

RELEASE = "main"
LEASE = "c26807fd.onepassword.com"
OPERATOR_PODS = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component=operator"


@pytest.fixture(scope="module")
def release(kind_cluster: KindCluster, connect: Connect) -> Iterator[Home]:
    home = Home(kind_cluster, connect, "main-release")
    home.create()
    home.token_secret()
    kinds = "operator.workloadKinds={Deployment,StatefulSet,DaemonSet,CronJob}"
    home.install(RELEASE, "--set", f"operator.replicas=2,operator.networkPolicy.enabled=true,{kinds}")
    yield home
    home.uninstall(RELEASE)
    home.delete()


def test_pods_read_the_right_bytes_by_volume_and_by_variable(release: Home, make_home: MakeHome) -> None:
    work = make_home("work")
    work.item("database")
    work.wait_ready("database")
    work.reader("web", "database")
    expected = "database-canary-1 ü"
    eventually(
        lambda: work.what_pods_read("web"), lambda seen: seen == {(expected, expected)}, what="what the pods read", not_yet=StepError
    )


def test_a_rotation_replaces_the_pods_of_each_kind_and_new_ones_read_the_new_value(release: Home, make_home: MakeHome) -> None:
    work = make_home("work")
    work.item("rotated")
    work.wait_ready("rotated")
    kinds = {"web": "Deployment", "base": "StatefulSet", "agent": "DaemonSet"}
    for name, kind in kinds.items():
        work.reader(name, "rotated", kind=kind)
    work.reader("nightly", "rotated", kind="CronJob")
    before = {name: work.pods(f"app={name}").keys() for name in kinds}
    work.connect.edit("rotated", password="rotated-canary-2 €")
    work.wait_password("rotated", "rotated-canary-2 €")
    expected = ("rotated-canary-2 €", "rotated-canary-2 €")

    def others(name: str) -> bool:
        now = work.pods(f"app={name}").keys()
        return len(now) == len(before[name]) > 0 and not now & before[name]

    for name, kind in kinds.items():
        eventually(lambda name=name: others(name), what=f"other pods of {name}", timeout=60, not_yet=StepError)  # type: ignore[misc]
        work.rolled_out(name, kind=kind)
        eventually(lambda name=name: work.what_pods_read(name), lambda seen: seen == {expected}, what="what they read", not_yet=StepError)  # type: ignore[misc]
    work.run_now("nightly", "tonight")
    assert work.what_pods_read("nightly") == {expected}


def test_helms_own_test_passes(release: Home) -> None:
    done = release.cluster.helm("test", RELEASE, "-n", release.namespace, "--timeout=120s")
    assert "Succeeded" in done.stdout


def leader(release: Home) -> str:
    """The pod that holds the Lease; empty while nobody does."""
    if not release.cluster.exists("-n", release.namespace, "lease", LEASE):
        return ""
    holder: str = release.cluster.get("-n", release.namespace, "lease", LEASE)["spec"].get("holderIdentity") or ""
    return holder.partition("_")[0]


def test_when_the_leader_is_killed_the_other_replica_takes_over(release: Home, make_home: MakeHome) -> None:
    work = make_home("work")
    work.item("standby")
    work.wait_ready("standby")
    first = eventually(lambda: leader(release), what="a leader", not_yet=StepError)
    assert first in {each["metadata"]["name"] for each in release.pods(OPERATOR_PODS).values()}
    release.kubectl("delete", "pod", first, "--grace-period=0", "--force")
    work.connect.edit("standby", password="standby-canary-2")
    work.wait_password("standby", "standby-canary-2")
    second = leader(release)
    assert second not in {"", first}
    release.rolled_out(f"{RELEASE}-onepassword-operator")


def test_the_pods_run_as_the_restricted_user_and_have_not_restarted(release: Home) -> None:
    for pod in release.pods(OPERATOR_PODS).values():
        assert pod["spec"]["securityContext"]["runAsUser"] == 65532
        assert [each["restartCount"] for each in pod["status"]["containerStatuses"]] == [0]


def test_no_value_is_in_the_operators_log(release: Home) -> None:
    for pod in release.pods(OPERATOR_PODS).values():
        log = release.kubectl("logs", pod["metadata"]["name"])
        assert "canary" not in log
        assert release.connect.token not in log
