"""Calls as a test starts them, ends them, or watches them fail."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest

_E = TypeVar("_E", bound=Exception)
_T = TypeVar("_T")
LIMIT_SECONDS = 10


async def failing(kind: type[_E], call: Awaitable[object]) -> _E:
    """Await the call, which ends with exactly this kind of error; returns the error."""
    with pytest.raises(kind) as caught:
        await call
    assert type(caught.value) is kind
    return caught.value


async def begun(*calls: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Start the calls; returns them once they are as far as they get by themselves in memory."""
    tasks = [asyncio.create_task(call) for call in calls]
    await turns(5)
    return tasks


async def turns(count: int = 10) -> None:
    """Let everybody else go on as far as they can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def soon(happens: Awaitable[_T]) -> _T:
    return await asyncio.wait_for(happens, LIMIT_SECONDS)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nothing tells of."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110  it is spread over servers, fakes and logs
            await asyncio.sleep(0)


async def given_up(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
