"""Lists vaults side by side for the poll, which waits for the quick ones only: a vault that hangs holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from onepassword_operator.model.errors import OperatorError

PATIENCE_SECONDS: Final = 0.5
"""How long a poll waits for lists that it has begun; most take a few milliseconds."""

Late = Callable[[str, OperatorError | None], None]
"""Told of a vault whose list ended when its poll waited no more, with its error if there was one."""


class VaultLister:
    """Lists under way. A vault is listed once at a time; a poll that meets its list still under way doesn't wait for it."""

    def __init__(self, list_vault: Callable[[str], Awaitable[object]], *, late: Late, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._list_vault = list_vault
        self._late = late
        self._patience_seconds = patience_seconds
        self._under_way: dict[str, asyncio.Task[object]] = {}
        self._mistake: BaseException | None = None

    async def run(self, due: Iterable[str]) -> dict[str, OperatorError | None]:
        """List these vaults; those that have ended by now, each with its error if there was one. Of the others `late` is told.

        Raises:
            Exception: what is no error of 1Password's.
        """
        if self._mistake:
            raise self._mistake
        begun = {vault_id: self._begin(vault_id) for vault_id in due if vault_id not in self._under_way}
        if begun:
            await asyncio.wait(begun.values(), timeout=self._patience_seconds)
        outcomes = {vault_id: self._outcome(vault_id) for vault_id, task in begun.items() if task.done()}
        for vault_id in begun.keys() - outcomes.keys():
            begun[vault_id].add_done_callback(lambda _, vault_id=vault_id: self._report(vault_id))  # type: ignore[misc]
        return outcomes

    def close(self) -> None:
        """Let go of the lists under way; nobody is told of them."""
        for task in self._under_way.values():
            task.cancel()

    def under_way(self) -> set[str]:
        """The vaults whose lists have not ended."""
        return set(self._under_way)

    def _begin(self, vault_id: str) -> asyncio.Task[object]:
        task = self._under_way[vault_id] = asyncio.ensure_future(self._list_vault(vault_id))
        return task

    def _outcome(self, vault_id: str) -> OperatorError | None:
        error = self._under_way.pop(vault_id).exception()
        if error is None or isinstance(error, OperatorError):
            return error
        self._mistake = error
        raise error

    def _report(self, vault_id: str) -> None:
        if self._under_way[vault_id].cancelled():
            del self._under_way[vault_id]
            return
        self._late(vault_id, self._outcome(vault_id))  # a mistake of ours is raised again by the next poll, where it ends the process
