"""Kinds of workloads that were refused are asked for until they are served."""

import pytest

from fakes.world import World
from onepassword_operator.model.errors import ClusterAbsentError, ClusterDeniedError, ClusterError
from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS
from onepassword_operator.service.index.served_kinds import ServedKinds
from onepassword_operator.service.watch.find_kinds import FindKinds
from onepassword_operator.service.watch.namespaces import Namespaces


@pytest.mark.parametrize("error", [ClusterDeniedError("no"), ClusterAbsentError("none")])
async def test_a_resync_is_due_once_a_refused_kind_is_served_and_nothing_is_asked_while_all_are(error: ClusterError) -> None:
    world, kinds, namespaces = World(), ServedKinds([DEPLOYMENT, KINDS["DaemonSet"]]), Namespaces([])
    find = FindKinds(world.workloads, kinds=kinds, namespaces=namespaces, clock=world.clock)
    state = namespaces._states[""]
    kinds.refuse("", KINDS["DaemonSet"], error=error)
    world.workloads.unlisted["DaemonSet"] = error
    await find.ask("")
    assert (kinds.refused(""), state.due.is_set()) == ([KINDS["DaemonSet"]], False)
    world.workloads.unlisted.clear()
    await find.ask("")
    assert (kinds.refused(""), state.due.is_set()) == ([], True)
    asked = len(world.workloads.requests)
    await find.ask("")
    assert len(world.workloads.requests) == asked
