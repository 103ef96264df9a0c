"""Which of the watched namespaces can be listed and watched.

Each has its own resyncs and watches, and its trouble is told once, by the one who notices first. An
empty name stands for all namespaces, which are then one.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import enum
import logging
from collections.abc import Mapping, Sequence

from onepassword_operator.model.errors import ClusterDeniedError, ClusterError

_log = logging.getLogger(__name__)


class Access(enum.Enum):
    """What the operator does in a namespace, and may be refused."""

    LISTS = enum.auto()
    WATCHES = enum.auto()
    SECRET_WATCH = enum.auto()


@dataclasses.dataclass(slots=True)
class _State:
    refused: dict[Access, ClusterError] = dataclasses.field(default_factory=dict)
    reported: set[str] = dataclasses.field(default_factory=set)
    listed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    due: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    due_seconds: float = 0.0


class Namespaces:
    """The watched namespaces, what is refused in each, and when its next resync is due."""

    def __init__(self, names: Sequence[str]) -> None:
        """Keep the names; none means all namespaces."""
        self._states = {name: _State() for name in names or ("",)}
        self._untried = set(self._states)
        self.any_listed = asyncio.Event()
        """Set once a namespace is listed."""
        self.all_tried = asyncio.Event()
        """Set once each namespace is listed or refused."""

    @property
    def names(self) -> Sequence[str]:
        """Return the watched namespaces."""
        return tuple(self._states)

    def untried(self) -> list[str]:
        """Return the namespaces whose first LISTs go on."""
        return sorted(self._untried)

    def refused(self) -> Mapping[str, int]:
        """Count the namespaces that can't be listed or watched, by reason."""
        return collections.Counter(
            next(iter(state.refused.values())).reason
            for state in self._states.values()
            if state.refused
        )

    def allow(self, namespace: str, access: Access) -> None:
        """Note that this access works."""
        state = self._states[namespace]
        if state.refused.pop(access, None) and not state.refused:
            state.reported.clear()
            _log.info("namespace is served again", extra={"namespace": namespace or "all"})
        if access is Access.LISTS:
            state.listed.set()
            self.any_listed.set()
            self._note_tried(namespace)

    def refuse(self, namespace: str, access: Access, *, error: ClusterError) -> None:
        """Note that this access fails; warned of once while it lasts, and for each reason.

        The first refusal makes a resync due, which shows what else is refused.
        """
        state = self._states[namespace]
        news = access not in state.refused
        state.refused[access] = error
        fields = {"namespace": namespace or "all", "reason": error.reason}
        fields["detail"] = f"{error}{_remedy(namespace, error)}"
        if error.reason in state.reported:
            _log.debug("namespace is still not served", extra=fields)
        else:
            state.reported.add(error.reason)
            _log.warning("namespace is not served", extra=fields)
        if access is Access.LISTS:
            state.listed.clear()
            self._note_tried(namespace)
        elif news:
            self.doubt(namespace)

    def doubt(self, namespace: str) -> None:
        """Start no watch before the next resync, which is due now, has succeeded."""
        self._states[namespace].listed.clear()
        self.resync_in(namespace, seconds=0.0)

    def resync_in(self, namespace: str, *, seconds: float) -> None:
        """Make a resync due, unless one is due earlier."""
        state = self._states[namespace]
        state.due_seconds = min(seconds, state.due_seconds) if state.due.is_set() else seconds
        state.due.set()

    async def until_due(self, namespace: str, *, interval_seconds: float) -> None:
        """Wait for the next resync: an interval, unless one is due earlier."""
        state, loop = self._states[namespace], asyncio.get_running_loop()
        # not wait_for, which in Python 3.11 may swallow the cancellation by a stop
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval_seconds) as limit:
                while when := limit.when():
                    await state.due.wait()
                    state.due.clear()
                    limit.reschedule(min(when, loop.time() + state.due_seconds))

    async def until_listed(self, namespace: str) -> None:
        """Wait until the namespace can be listed."""
        await self._states[namespace].listed.wait()

    def _note_tried(self, namespace: str) -> None:
        self._untried.discard(namespace)
        if not self._untried:
            self.all_tried.set()


def _remedy(namespace: str, error: ClusterError) -> str:
    if namespace and isinstance(error, ClusterDeniedError):
        return (
            f"; if there is no namespace {namespace}, create it or take it out of WATCH_NAMESPACE"
        )
    return ""
