"""Lists vaults side by side for the poll, which waits for the quick ones only: a vault that hangs holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from onepassword_operator.model.errors import OperatorError

PATIENCE_SECONDS: Final = 0.5
"""How long a poll waits for lists that it has begun; most take a few milliseconds. What comes later is looked at by the next poll."""


class ListVaults:
    """Lists under way. A vault is listed once at a time; a poll that meets its list still under way doesn't wait for it."""

    def __init__(self, list_vault: Callable[[str], Awaitable[object]], *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._list_vault = list_vault
        self._patience_seconds = patience_seconds
        self._under_way: dict[str, asyncio.Task[object]] = {}

    async def run(self, due: Iterable[str]) -> dict[str, OperatorError | None]:
        """List these vaults; what has ended by now, each with its error if there was one.

        Raises:
            Exception: what is no error of 1Password's.
        """
        due = list(due)
        # What failed since the last poll is told now and tried again at the next; what came since then counts, and is due again.
        outcomes = self._ended()
        begun = [self._begin(vault_id) for vault_id in due if not outcomes.get(vault_id) and vault_id not in self._under_way]
        if begun:
            await asyncio.wait(begun, timeout=self._patience_seconds)
        outcomes |= self._ended()
        return {vault_id: outcomes[vault_id] for vault_id in due if vault_id in outcomes}

    def _ended(self) -> dict[str, OperatorError | None]:
        tasks = {vault_id: task for vault_id, task in self._under_way.items() if task.done()}
        for vault_id in tasks:
            del self._under_way[vault_id]
        return {vault_id: _outcome(task) for vault_id, task in tasks.items()}

    def _begin(self, vault_id: str) -> asyncio.Task[object]:
        task = self._under_way[vault_id] = asyncio.ensure_future(self._list_vault(vault_id))
        return task


def _outcome(task: asyncio.Task[object]) -> OperatorError | None:
    error = task.exception()
    if error is None or isinstance(error, OperatorError):
        return error
    raise error
