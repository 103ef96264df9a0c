"""What kopf is told to do, and to leave alone."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import aiohttp
import kopf
import pytest

from fakes.calls import given_up
from fakes.world import World
from onepassword_operator.handlers.registry import NO_FINALIZER, NoDiffBase, NoProgress, build_registry, build_settings
from onepassword_operator.handlers.watches import run_kopf
from onepassword_operator.model import names
from onepassword_operator.model.target import Rendering
from onepassword_operator.model.workload_kind import DEPLOYMENT

LARGEST_OBJECT = 3 * 2**19
"""The most bytes that etcd takes, by default."""


@pytest.fixture
def registry() -> kopf.OperatorRegistry:
    def no_session() -> aiohttp.ClientSession:
        raise AssertionError("not asked for")

    return build(no_session)


def build(new_session: Callable[[], aiohttp.ClientSession]) -> kopf.OperatorRegistry:
    process = World().process
    return build_registry(
        observe=process.observe,
        observe_workloads=process.observe_workloads,
        rendering=Rendering(),
        server="http://api",
        new_session=new_session,
        kinds=[DEPLOYMENT],
    )


def test_there_are_two_watches_and_no_handler_that_writes_to_objects(registry: kopf.OperatorRegistry) -> None:
    watched = {(h.selector.group, h.selector.version, h.selector.any_name, h.fn.__name__) for h in handlers(registry._watching)}
    assert watched == {("onepassword.com", "v1", "onepassworditems", "item_event"), ("apps", "v1", "deployments", "workload_event")}
    for kind in (registry._changing, registry._spawning, registry._indexing, registry._webhooks):
        assert handlers(kind) == []


def handlers(part: Any) -> list[Any]:
    return list(part.get_all_handlers())


async def test_kopf_shares_our_connection_pool() -> None:
    async with aiohttp.ClientSession() as session:
        (login,) = handlers(build(lambda: session)._activities)
        shared = await login.fn(logger=None)
        assert (shared.server, shared.aiohttp_session) == ("http://api", session)


def test_kopf_does_nothing_but_carry_watches() -> None:
    settings = build_settings()
    assert settings.peering.standalone
    assert settings.scanning.disabled
    assert not settings.posting.enabled
    assert settings.persistence.finalizer == NO_FINALIZER != names.OFFICIAL_FINALIZER
    assert (settings.watching.chunk_size or 1000) * LARGEST_OBJECT <= 12 * 2**20  # decoded, a page is several times as large


async def test_kopf_kills_nothing_when_it_ends() -> None:
    """By default it has the process killed ten minutes later, so one watch that failed would end them all."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def never(**_: Any) -> None:
        await asyncio.Event().wait()

    running = asyncio.create_task(run_kopf(registry=registry, settings=build_settings(), clusterwide=True, identity="x"))
    for _ in range(10):
        await asyncio.sleep(0)
    await given_up(running)
    scheduled: Any = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    assert not [timer for timer in scheduled if timer._callback is signal.pthread_kill]


def test_nothing_is_kept_on_objects() -> None:
    body, patch = kopf.Body({"metadata": {"annotations": {"a": "b"}}, "spec": {"x": "canary"}}), kopf.Patch()
    diffs, progress = NoDiffBase(), NoProgress()
    essence = diffs.build(body=body)
    assert not essence
    diffs.store(body=body, patch=patch, essence=essence)
    assert diffs.fetch(body=body) is None  # type: ignore[func-returns-value]
    key = kopf.HandlerId("x")
    progress.store(key=key, record={}, body=body, patch=patch)
    progress.purge(key=key, body=body, patch=patch)
    progress.touch(body=body, patch=patch, value="x")
    assert progress.fetch(key=key, body=body) is None  # type: ignore[func-returns-value]
    assert progress.clear(essence=essence) is essence
    assert not patch
