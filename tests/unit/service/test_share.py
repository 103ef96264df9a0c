"""The seam for several leaders: what is not owned is neither queued nor restarted for, and yet known."""

import asyncio

from fakes.clock import FakeClock
from onepassword_operator.model.item import Revision
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.service.follow_index import FollowIndex
from onepassword_operator.service.share import owns
from onepassword_operator.service.work_queue import Priority, WorkQueue

MINE, OTHERS = SecretKey("app", "mine"), SecretKey("app", "others")


def is_mine(key: SecretKey) -> bool:
    return key == MINE


def test_everything_is_owned_today() -> None:
    assert owns(MINE)
    assert owns(OTHERS)


async def test_the_queue_takes_only_what_is_owned() -> None:
    queue = WorkQueue[SecretKey](admits=is_mine)
    for key in (OTHERS, MINE):
        queue.add(key, Priority.NEW)
        queue.add_later(key, Priority.NEW, delay_seconds=0)
    assert queue.depth() == 1
    queue.done(await queue.take())
    while queue.delayed():  # noqa: ASYNC110  timers that are due
        await asyncio.sleep(0)
    assert queue.depth() == 0


def test_only_what_is_owned_has_restarts_due_and_all_is_known() -> None:
    index = FollowIndex(FakeClock(), owned=is_mine)
    mark = RestartMark(Revision("v", "i", 2), "2024-05-01T12:00:00Z")
    for key in (MINE, OTHERS):
        index.record(key).mark = mark
    assert index.pending("app") == {MINE: mark}
    index.record(MINE).mark = None
    assert index.pending_namespaces() == set()
    assert set(index.followed) == {MINE, OTHERS}
