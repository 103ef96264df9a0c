"""What a bug costs."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.meter import FakeMeter
from fakes.world import World
from onepassword_operator.model.errors import InternalError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.runtime import internal_errors
from onepassword_operator.service.runtime.internal_errors import EVERYWHERE, InternalErrors
from onepassword_operator.service.watch.secret_news import SecretNews
from onepassword_operator.telemetry.log import JsonFormatter

HOUR = 3600.0
PLANTED = "canary"


class Bench:
    """Keys to try, some of them with a bug."""

    def __init__(self, *, subjects: bool = False, namespaces: int = 1) -> None:
        self.clock, self.meter = FakeClock(), FakeMeter()
        self.errors: InternalErrors[SecretKey] = InternalErrors(
            self.clock, self.meter, subject=lambda key: "one" if subjects else key, namespaces=lambda: namespaces
        )

    async def attempt(self, name: str, *, bug: bool, namespace: str = "app") -> float | None:
        async def work(key: SecretKey) -> None:
            if bug:
                raise KeyError(key, PLANTED)

        return await self.errors.run(SecretKey(namespace, name), work)


async def test_a_key_is_tried_again_after_minutes_that_grow_until_it_succeeds() -> None:
    bench = Bench()
    delays = []
    for bug in (True, True, True, False, True):
        delays.append(await bench.attempt("poison", bug=bug))
        bench.clock.advance(HOUR)
    first, second, third, none, again = delays
    assert (first or 0) >= 60
    assert (first or 0) < (second or 0) < (third or 0)
    assert none is None
    assert again == first
    assert bench.meter.internal_errors == 4


async def test_whatever_asks_for_it_meanwhile_waits_for_the_rest_of_a_minute() -> None:
    bench = Bench()
    await bench.attempt("poison", bug=True)
    bench.clock.advance(20)
    assert await bench.attempt("poison", bug=True) == pytest.approx(40)
    assert bench.meter.internal_errors == 1


async def test_the_same_keys_never_end_the_process_nor_do_keys_of_one_subject() -> None:
    bench, shared = Bench(), Bench(subjects=True)
    for turn in range(3 * EVERYWHERE):
        await bench.attempt(f"{turn % (EVERYWHERE - 1)}", bug=True)
        await shared.attempt(f"{turn}", bug=True)
        bench.clock.advance(HOUR)


@pytest.mark.parametrize("everywhere", [False, True])
async def test_those_of_one_namespace_do_not_if_there_are_others(*, everywhere: bool) -> None:
    """Whoever may write there may have found out how to cause them."""
    bench = Bench(namespaces=2)
    for number in range(3 * EVERYWHERE):
        await bench.attempt(f"{number}", bug=True)
    if everywhere:
        with pytest.raises(InternalError):
            await bench.attempt("another", bug=True, namespace="other")


@pytest.mark.parametrize("saved", [False, True])
async def test_several_in_a_row_end_it_if_none_succeeds(*, saved: bool) -> None:
    bench = Bench()
    for number in range(EVERYWHERE - 1):
        await bench.attempt(f"{number}", bug=True)
    if saved:
        await bench.attempt("healthy", bug=False)
        await bench.attempt("last", bug=True)
    else:
        with pytest.raises(InternalError) as ended:
            await bench.attempt("last", bug=True)
        assert PLANTED not in "".join(traceback.format_exception(ended.value))


async def test_no_more_keys_are_remembered_than_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internal_errors, "_REMEMBERED", 2)
    bench = Bench()
    for name in "abc":
        await bench.attempt(name, bug=True)
    assert [key.name for key in bench.errors._failures] == ["b", "c"]


@pytest.mark.parametrize("report_fails", [False, True])
async def test_a_bug_shows_in_the_status_and_with_its_traceback_but_no_value_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, *, report_fails: bool
) -> None:
    world.source.put(world.vault, "db", password=PLANTED)
    poison, healthy = world.claim("poison"), world.claim("healthy")
    reconcile, report = world.process.reconcile.run, world.process.controller._reporter.report

    async def buggy(key: SecretKey) -> object:
        if key == poison:
            raise ValueError(PLANTED)
        return await reconcile(key)

    async def fails(*_: object, **__: object) -> None:
        raise KeyError(PLANTED)

    monkeypatch.setattr(world.process.reconcile, "run", buggy)
    if report_fails:
        monkeypatch.setattr(world.process.controller._reporter, "report", fails)
    world.watch()
    errors = world.process.errors
    await errors.run(poison, world.process.controller.run)
    monkeypatch.setattr(world.process.controller._reporter, "report", report)
    await errors.run(healthy, world.process.controller.run)
    assert world.claims.ready(healthy).reason == "Synced"
    lines = [JsonFormatter(time_encoding="iso8601", stacktrace_level=logging.ERROR).format(r) for r in caplog.records]
    (line,) = [line for line in lines if '"msg": "internal error"' in line]
    assert "in buggy" in line
    assert str(poison) in line
    assert PLANTED not in "".join(lines)
    if report_fails:
        assert "internal error not reported" in caplog.messages
    else:
        assert world.claims.ready(poison).reason == "InternalError"
        assert "ValueError in buggy" in world.claims.ready(poison).message


async def test_a_bug_over_objects_of_one_namespace_ends_no_loop(world: World) -> None:
    """The loops of a process as it is wired; each would end it."""
    for namespace in ("app", "other"):
        world.claims.apply(SecretKey(namespace, "db"), "vaults/Prod/items/db")
    world.watch()
    process = world.process
    news = SecretNews(world.secrets, observe=process.observe, index=process.index, clock=world.clock, meter=world.meter)

    async def buggy(_: object) -> None:
        raise ValueError

    loops: tuple[Any, ...] = (process.restart_loop, process.finalizer_loop, news._reads)
    for loop in loops:
        for number in range(EVERYWHERE + 1):
            await loop._errors.run(SecretKey("other", f"{number}"), buggy)
    assert world.meter.internal_errors == 3 * (EVERYWHERE + 1)
