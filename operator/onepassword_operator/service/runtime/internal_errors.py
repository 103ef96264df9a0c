"""What a bug costs: the key over which it shows, or the process if it shows over all of them.

A key whose work ends with an exception that nobody foresaw is tried again after minutes, and the
others go on. The process ends only if several keys in a row fail so, and not in one namespace
alone: whoever may write there can't end it for the others.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, NamedTuple

from onepassword_operator.model.errors import InternalError
from onepassword_operator.ports import Clock, Meter
from onepassword_operator.rules import retry
from onepassword_operator.service.runtime.work_queue import K

EVERYWHERE: Final = 5
"""Subjects in a row that fail, and none that succeeds, until the process ends."""

_REMEMBERED: Final = 10_000

_log = logging.getLogger(__name__)


class _Failure(NamedTuple):
    attempts: int
    at: float


class InternalErrors(Generic[K]):
    """Runs work for keys, and decides what its unforeseen exceptions cost."""

    def __init__(
        self,
        clock: Clock,
        meter: Meter,
        *,
        namespaces: Callable[[], int],
        report: Callable[[K, InternalError], Awaitable[None]] | None = None,
        subject: Callable[[K], Hashable] = lambda key: key,
    ) -> None:
        """Keep the parameters.

        Args:
            clock: the clock.
            meter: counts the exceptions.
            namespaces: counts the namespaces that keys may belong to.
            report: tells the users of a key.
            subject: what a key's work is about: keys of one subject may fail for the same reason,
                so they count once.
        """
        self._clock = clock
        self._meter = meter
        self._report = report
        self._subject = subject
        self._namespaces = namespaces
        self._failures: OrderedDict[K, _Failure] = OrderedDict()
        self._in_a_row: dict[Hashable, str] = {}
        """The namespace of each subject."""

    async def run(self, key: K, work: Callable[[K], Awaitable[float | None]]) -> float | None:
        """Run the work of a key, unless it has just failed; return the seconds until the next try.

        `work` may return them, too; None asks for no further try.

        Raises:
            InternalError: the work of several keys has failed, and none has succeeded in between.
        """
        if pause := self._pause(key):
            return pause
        try:
            delay = await work(key)
        except Exception as error:  # noqa: BLE001  a bug may raise anything
            internal = InternalError.of(error)
        else:
            self._failures.pop(key, None)
            self._in_a_row.clear()
            return delay
        # Raised in the handler above, it would have the exception, and its text, as its context.
        return await self._note(key, internal)

    def _pause(self, key: K) -> float:
        # Whatever the failed work has written may queue the key again at once, for ever.
        failure = self._failures.get(key)
        ends = failure.at + retry.INTERNAL_SECONDS if failure else 0.0
        return max(ends - self._clock.monotonic(), 0.0)

    async def _note(self, key: K, error: InternalError) -> float:
        former = self._failures.pop(key, None)
        attempts = former.attempts + 1 if former else 1
        self._failures[key] = _Failure(attempts, self._clock.monotonic())
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)
        delay = retry.internal_seconds(attempts, jitter=self._clock.jitter())
        self._meter.internal_error()
        _log.error(
            "internal error", exc_info=error, extra={"key": str(key), "retry_in": round(delay)}
        )
        self._in_a_row[self._subject(key)] = key.namespace
        if self._is_everywhere():
            raise error
        await self._tell(key, error)
        return delay

    def _is_everywhere(self) -> bool:
        if len(self._in_a_row) < EVERYWHERE:
            return False
        return len(set(self._in_a_row.values())) > 1 or self._namespaces() == 1

    async def _tell(self, key: K, error: InternalError) -> None:
        if self._report is None:
            return
        try:
            await self._report(key, error)
        except Exception as second:  # noqa: BLE001  the bug may be in the report
            _log.error(
                "internal error not reported",
                exc_info=InternalError.of(second),
                extra={"key": str(key)},
            )
