"""What is refused in one namespace is told once, and is no other's business."""

import asyncio
import logging

import pytest

from onepassword_operator.model.errors import ClusterDeniedError, ClusterError, ClusterUnavailableError
from onepassword_operator.service.watch.namespaces import Access, Namespaces

DENIED = ClusterDeniedError("list onepassworditems: RBAC does not allow it")


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.__dict__["namespace"]) for record in caplog.records]


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_refusal_is_told_once_with_its_remedy_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    namespaces = Namespaces(["a", "b"])
    for access in (*Access, *Access):
        namespaces.refuse("a", access, error=DENIED)
    namespaces.allow("b", Access.LISTS)
    assert told(caplog) == [(logging.WARNING, "a")]
    assert "no namespace a, create it or take it out of WATCH_NAMESPACE" in caplog.records[0].__dict__["detail"]
    assert namespaces.refused() == {"ClusterAccessDenied": 1}
    for access in Access:
        assert len(caplog.records) == 1
        namespaces.allow("a", access)
    assert told(caplog)[1:] == [(logging.INFO, "a")]
    assert namespaces.refused() == {}
    namespaces.refuse("a", Access.LISTS, error=DENIED)
    assert told(caplog)[2:] == [(logging.WARNING, "a")]


def test_another_reason_is_told_too_and_each_once(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[ClusterError] = [DENIED, ClusterUnavailableError("no answer")] * 3
    namespaces = Namespaces([])
    for error in errors:
        namespaces.refuse("", Access.LISTS, error=error)
    assert told(caplog) == [(logging.WARNING, "all")] * 2
    assert not any("WATCH_NAMESPACE" in record.__dict__["detail"] for record in caplog.records)


async def test_no_watch_starts_while_lists_fail_or_before_the_resync_after_a_refused_watch() -> None:
    namespaces = Namespaces(["a", "b"])
    namespaces.allow("b", Access.LISTS)
    await asyncio.wait_for(namespaces.until_listed("b"), 5)
    waiting = asyncio.create_task(namespaces.until_listed("a"))
    namespaces.refuse("a", Access.LISTS, error=DENIED)
    await asyncio.sleep(0)
    assert not waiting.done()
    namespaces.allow("a", Access.LISTS)
    await asyncio.wait_for(waiting, 5)
    namespaces.refuse("a", Access.WATCHES, error=DENIED)
    again = asyncio.create_task(namespaces.until_listed("a"))
    await asyncio.wait_for(namespaces.until_due("a", interval_seconds=600), 5)
    assert not again.done()
    namespaces.allow("a", Access.LISTS)
    await asyncio.wait_for(again, 5)


async def test_a_watch_that_goes_on_being_refused_makes_one_resync_due() -> None:
    namespaces = Namespaces(["a"])
    namespaces.refuse("a", Access.SECRET_WATCH, error=DENIED)
    await asyncio.wait_for(namespaces.until_due("a", interval_seconds=600.0), 5)
    namespaces.refuse("a", Access.SECRET_WATCH, error=DENIED)
    assert not namespaces._states["a"].due.is_set()


async def test_a_doubt_waits_for_no_resync_that_is_due_later() -> None:
    namespaces = Namespaces(["a"])
    waiting = asyncio.create_task(namespaces.until_due("a", interval_seconds=600.0))
    for seconds in (10.0, 300.0):
        namespaces.resync_in("a", seconds=seconds)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not waiting.done()
    namespaces.doubt("a")
    namespaces.resync_in("a", seconds=10.0)
    await asyncio.wait_for(waiting, 5)


async def test_starts_of_watches_do_not_put_off_the_resync_that_follows_the_first() -> None:
    namespaces = Namespaces(["a"])
    waiting = asyncio.create_task(namespaces.until_due("a", interval_seconds=600.0))
    for seconds in (0.01, 300.0):
        namespaces.resync_in("a", seconds=seconds)
        await asyncio.sleep(0)
    await asyncio.wait_for(waiting, 5)


def test_a_start_knows_when_one_is_listed_and_when_each_was_tried() -> None:
    namespaces = Namespaces(["a", "b", "b"])
    assert namespaces.names == ("a", "b")
    namespaces.refuse("a", Access.LISTS, error=DENIED)
    assert (namespaces.any_listed.is_set(), namespaces.all_tried.is_set(), namespaces.untried()) == (False, False, ["b"])
    namespaces.allow("b", Access.LISTS)
    assert (namespaces.any_listed.is_set(), namespaces.all_tried.is_set(), namespaces.untried()) == (True, True, [])
