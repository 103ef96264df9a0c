"""Workloads of every kind: each asks for a Secret, uses another, and restarts once; a kind that is not served is nobody else's trouble."""

import json
from collections.abc import Iterable

import pytest

from cluster.rights import deployed_role_without, granted_kinds
from controlplane.access import SPARES
from controlplane.fixtures import Observer
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.workloads import Workloads, served_rollouts
from harness.world import seed
from onepassword_operator.model import names
from onepassword_operator.model.workload_kind import KINDS

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-password-1", own="canary-password-2")
OWN = {"password": b"canary-password-2"}
EVERY = f"--workload-kinds={','.join(KINDS)}"
RESTARTING = [kind for kind, row in KINDS.items() if row.restarts]


def asking(secret: str) -> dict[str, str]:
    return {names.ITEM_PATH: "vaults/v/items/own", names.ITEM_NAME: secret}


def generations(workloads: Workloads, named: Iterable[tuple[str, str]]) -> list[int]:
    """How often the API server saw each change, its creation included."""
    return [workloads.read(kind, name)["metadata"]["generation"] for kind, name in named]


def test_each_kind_asks_for_a_secret_and_restarts_once_for_another(make_world: MakeWorld, observer: Observer) -> None:
    user = SPARES[6]
    with (
        served_rollouts(observer),
        deployed_role_without(observer, resource="none", verbs=set(), user=user),
        granted_kinds(observer, KINDS.values(), user=user),
    ):
        world = make_world(SEED)
        world.user = user
        workloads = Workloads(observer, world.namespace)
        world.operator(EVERY)
        world.item("db", "vaults/v/items/db")
        world.wait_ready("db")
        for kind in KINDS:
            workloads.apply(kind, "uses", "db")
            workloads.apply(kind, "says", annotations={names.USES_SECRETS: "other, db"})
            workloads.apply(kind, "asks", annotations=asking(f"of-{kind.lower()}"))
        workloads.apply("StatefulSet", "several", annotations={names.ITEMS: "one=vaults/v/items/own\ntwo=vaults/v/items/db"})
        workloads.apply("Deployment", "lends", "db")
        workloads.apply_rollout_of("lends", "borrows")
        for kind in KINDS:
            world.wait_data(f"of-{kind.lower()}", OWN)
            assert [o.kind for o in world.secret(f"of-{kind.lower()}").metadata.owner_references] == [kind]
        world.wait_data("one", OWN)
        world.wait_data("two", {"password": b"canary-password-1"})
        template = workloads.read("Rollout", "uses")["spec"]["template"]
        world.connect.edit("v", "db", fields={"password": "canary-password-3"})
        world.wait_data("db", {"password": b"canary-password-3"})
        restarting = [
            *((kind, name) for kind in RESTARTING for name in ("uses", "says")),
            ("Rollout", "borrows"),
            ("StatefulSet", "several"),
        ]
        eventually(lambda: generations(workloads, restarting), lambda seen: set(seen) == {2}, what="one change of each that restarts")
        world.no_marks()
        vault, item = world.connect.ids("v", "db")
        for kind in RESTARTING:
            assert json.loads(workloads.restarted_for(kind, "uses") or "") == {"db": f"{vault}/{item}@2"}
        rollout = workloads.read("Rollout", "uses")["spec"]
        assert (rollout["template"], rollout["restartAt"][-1]) == (template, "Z")
        world.restart(EVERY)
        world.connect.wait_polls(2)
        world.restart("--workload-kinds=Deployment")
        world.connect.wait_polls(2)
        assert set(generations(workloads, restarting)) == {2}
        assert set(generations(workloads, [("Deployment", "lends"), ("CronJob", "uses"), ("Job", "uses")])) == {1}
        assert world.data("of-statefulset") == OWN


def test_kinds_that_are_absent_or_forbidden_are_told_once_and_served_when_they_may(make_world: MakeWorld, observer: Observer) -> None:
    user = SPARES[7]
    with deployed_role_without(observer, resource="none", verbs=set(), user=user):
        world = make_world(SEED)
        world.user = user
        workloads = Workloads(observer, world.namespace)
        workloads.apply("StatefulSet", "asks", annotations=asking("late"))
        workloads.apply("Deployment", "asks", annotations=asking("early"))
        world.operator("--workload-kinds=Deployment,StatefulSet,Rollout")
        world.item("db", "vaults/v/items/db")
        world.wait_ready("db")
        world.wait_data("early", OWN)
        told = [line for line in world.log.read_text().splitlines() if "workloads are not served" in line]
        assert [("StatefulSet" in line, "Rollout" in line) for line in told] == [(True, False), (False, True)]
        with granted_kinds(observer, [KINDS["StatefulSet"], KINDS["Rollout"]], user=user), served_rollouts(observer):
            world.wait_data("late", OWN, timeout=60)
            eventually(lambda: world.log.read_text().count("workloads are served again"), lambda count: count == 2, timeout=60)
            workloads.apply("Rollout", "asks", annotations=asking("of-rollout"))
            world.wait_data("of-rollout", OWN, timeout=60)
            workloads.apply("StatefulSet", "watched", annotations=asking("watched"))
            world.wait_data("watched", OWN)


def test_a_kind_that_may_be_listed_and_not_watched_ends_no_other_watch(make_world: MakeWorld, observer: Observer) -> None:
    user = SPARES[7]
    with (
        deployed_role_without(observer, resource="none", verbs=set(), user=user),
        granted_kinds(observer, [KINDS["StatefulSet"]], user=user, without="watch"),
    ):
        world = make_world(SEED)
        world.user = user
        workloads = Workloads(observer, world.namespace)
        world.operator("--workload-kinds=Deployment,StatefulSet")
        told = eventually(lambda: [line for line in world.log.read_text().splitlines() if "not served" in line])
        assert [("workloads are not served" in line, "watch statefulsets" in line) for line in told] == [(True, True)]
        for number in range(2):
            workloads.apply("Deployment", f"asks-{number}", annotations=asking(f"early-{number}"))
            world.wait_data(f"early-{number}", OWN)
        world.connect.wait_polls(2)
        assert world.log.read_text().count("not served") == 1
