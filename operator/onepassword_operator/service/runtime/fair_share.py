"""Limits of workers: a quarter for an unhealthy target, three quarters for all of them together.

The reconcile of a Secret depends on four targets: an item, its vault, its namespace and the
connection to 1Password. A target is unhealthy if the last call for it failed or took over two
seconds, or while a call takes that long. A vault is unhealthy if its list is, or half of the last
calls for its items.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Final

from onepassword_operator.model.errors import BackendError, ClusterUnavailableError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import Clock

SLOW_SECONDS: Final = 2.0
UNHEALTHY_CALLS: Final = 4
"""Failed or slow calls among the last eight for a vault's items that make it unhealthy."""
UNHEALTHY_SECONDS: Final = 600.0
"""Seconds for which a failure counts without a further call."""
_LAST_CALLS: Final = 8
_REMEMBERED: Final = 10_000

Target = tuple[str, ...]
"""The kind of a target of calls, and its name."""

CONNECTION: Final[Target] = ("connection",)
ALL_UNHEALTHY: Final[Target] = ("all unhealthy targets",)


def vault_of(item_path: str) -> Target:
    """Return the target for a path's vault.

    A vault that two paths name differently counts as two targets.
    """
    return ("vault", item_path.casefold().partition("/items/")[0])


def item_of(item_path: str) -> Target:
    """Return the target for a path's item."""
    return ("item", item_path.casefold())


def namespace_of(key: SecretKey) -> Target:
    """Return the target for a Secret's namespace."""
    return ("namespace", key.namespace)


class FairShare:
    """Tracks results of calls and running reconciles, and decides which key may run next."""

    def __init__(
        self, clock: Clock, *, workers: int, winner: Callable[[SecretKey], Claim | None]
    ) -> None:
        self._clock = clock
        self._most = max(workers // 4, 1)
        self._most_unhealthy = max(workers * 3 // 4, 1)
        self._winner = winner
        self._numbers = itertools.count()
        self._under_way: dict[Target, dict[int, float]] = {}
        self._unhealthy: OrderedDict[Target, float] = OrderedDict()
        self._last_calls: OrderedDict[Target, deque[bool]] = OrderedDict()
        """By vault, the last calls for its items: True if the call failed or was slow."""
        self._running: dict[SecretKey, tuple[Target, ...]] = {}

    @contextlib.contextmanager
    def call(self, target: Target) -> Iterator[None]:
        """Track a call, or several in a row, for the target: its time and its error."""
        number, began = next(self._numbers), self._clock.monotonic()
        vault = vault_of(target[1]) if target[0] == "item" else None
        concerned = [target, vault] if vault else [target]
        for each in concerned:
            self._under_way.setdefault(each, {})[number] = began
        failed = False
        try:
            yield
        except (BackendError, ClusterUnavailableError):
            failed = True
            raise
        finally:
            for each in concerned:
                self._end(each, number)
            self._note(
                target, vault, unhealthy=failed or self._clock.monotonic() - began > SLOW_SECONDS
            )

    def _end(self, target: Target, number: int) -> None:
        calls = self._under_way[target]
        del calls[number]
        if not calls:
            del self._under_way[target]

    def _note(self, target: Target, vault: Target | None, *, unhealthy: bool) -> None:
        self._unhealthy.pop(target, None)
        if unhealthy:
            self._unhealthy[target] = self._clock.monotonic()
        if vault:
            self._last_calls.setdefault(vault, deque(maxlen=_LAST_CALLS)).append(unhealthy)
            self._last_calls.move_to_end(vault)
        for each in (self._unhealthy, self._last_calls):
            if len(each) > _REMEMBERED:
                each.popitem(last=False)

    def is_unhealthy(self, target: Target) -> bool:
        """Whether calls for the target fail or are slow."""
        now = self._clock.monotonic()
        if now - self._unhealthy.get(target, -UNHEALTHY_SECONDS) < UNHEALTHY_SECONDS:
            return True
        slow = sum(began < now - SLOW_SECONDS for began in self._under_way.get(target, {}).values())
        if target[0] == "vault":
            return slow + sum(self._last_calls.get(target, ())) >= UNHEALTHY_CALLS
        return slow > 0

    def _targets(self, key: SecretKey) -> tuple[Target, ...]:
        claim = self._winner(key)
        recipe = claim.recipe.parts if claim else ()
        asked = [target for part in recipe for target in (item_of(part.path), vault_of(part.path))]
        return (*asked, namespace_of(key), CONNECTION)

    def blocked_by(self, key: SecretKey) -> Target | None:
        """Return the unhealthy target that holds all workers it may; None if the Secret may run."""
        unhealthy = [target for target in self._targets(key) if self.is_unhealthy(target)]
        return (
            next((target for target in (*unhealthy, ALL_UNHEALTHY) if self.room(target) <= 0), None)
            if unhealthy
            else None
        )

    def room(self, target: Target) -> int:
        """Return how many more reconciles may run for the target."""
        if target == ALL_UNHEALTHY:
            return self._most_unhealthy - sum(
                any(map(self.is_unhealthy, targets)) for targets in self._running.values()
            )
        if not self.is_unhealthy(target):
            return sys.maxsize
        return self._most - sum(target in targets for targets in self._running.values())

    def begin(self, key: SecretKey) -> None:
        """Note that a reconcile of the Secret began."""
        self._running[key] = self._targets(key)

    def end(self, key: SecretKey) -> None:
        """Note that the reconcile of the Secret ended."""
        del self._running[key]
