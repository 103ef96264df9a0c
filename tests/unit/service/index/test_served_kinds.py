"""Kinds of workloads that are refused: told once, counted, and forgotten when they are served."""

import asyncio

import pytest

from onepassword_operator.model.errors import ClusterAbsentError, ClusterDeniedError
from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS
from onepassword_operator.service.index.served_kinds import ServedKinds

ROLLOUT = KINDS["Rollout"]


@pytest.fixture
def kinds() -> ServedKinds:
    return ServedKinds([DEPLOYMENT, ROLLOUT])


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ClusterDeniedError("no"), "no, or take Rollout out"),
        (ClusterAbsentError("none"), "install what serves"),
    ],
)
def test_a_refused_kind_is_told_once_with_the_remedy_and_concerns_its_namespace_alone(
    kinds: ServedKinds, caplog: pytest.LogCaptureFixture, error: ClusterDeniedError | ClusterAbsentError, remedy: str
) -> None:
    caplog.set_level("INFO")
    kinds.refuse("a", ROLLOUT, error=error)
    kinds.refuse("a", ROLLOUT, error=error)
    (told,) = caplog.records
    assert remedy in vars(told)["detail"]
    assert (kinds.of("a"), kinds.refused("a"), kinds.count_refused()) == ([DEPLOYMENT], [ROLLOUT], {"Rollout": 1})
    assert (kinds.of("b"), kinds.refused("b")) == ([DEPLOYMENT, ROLLOUT], [])
    kinds.allow("a", ROLLOUT)
    kinds.allow("a", ROLLOUT)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert (kinds.refused("a"), kinds.count_refused()) == ([], {})


def test_the_users_of_a_secret_are_unknown_for_each_kind_that_is_not_watched_there(kinds: ServedKinds) -> None:
    other = frozenset(KINDS) - {"Deployment", "Rollout"}
    assert kinds.unknown("a") == other
    kinds.refuse("a", ROLLOUT, error=ClusterDeniedError("no"))
    assert (kinds.unknown("a"), kinds.unknown("b")) == (other | {"Rollout"}, other)
    kinds.refuse("", ROLLOUT, error=ClusterDeniedError("no"))
    assert kinds.unknown("b") == other | {"Rollout"}


async def test_whoever_watches_is_told_of_a_change_also_of_one_before_it_began_to_wait(kinds: ServedKinds) -> None:
    watched = kinds.of("a")
    kinds.refuse("a", ROLLOUT, error=ClusterDeniedError("no"))
    async with asyncio.timeout(5):
        await kinds.until_other_than(watched, "a")
    waiting = asyncio.create_task(kinds.until_other_than(kinds.of("a"), "a"))
    await asyncio.sleep(0)
    kinds.refuse("b", ROLLOUT, error=ClusterDeniedError("no"))
    kinds.allow("a", ROLLOUT)
    async with asyncio.timeout(5):
        await waiting
