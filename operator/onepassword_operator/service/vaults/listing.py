"""Lists vaults in parallel for the poll, which waits only for the fast ones, so that a hanging vault delays no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from onepassword_operator.model.errors import OperatorError

PATIENCE_SECONDS: Final = 0.5
"""Seconds that a poll waits for the lists that it has started; most take a few milliseconds."""

Late = Callable[[str, OperatorError | None], None]
"""Called with a vault whose list ended after its poll had stopped waiting, and with the error if
there was one.
"""


class VaultLister:
    """The lists in flight, at most one per vault.

    A poll does not wait for a list that an earlier poll started.
    """

    def __init__(
        self,
        list_vault: Callable[[str], Awaitable[object]],
        *,
        late: Late,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._list_vault = list_vault
        self._late = late
        self._patience_seconds = patience_seconds
        self._under_way: dict[str, asyncio.Task[object]] = {}
        self._mistake: BaseException | None = None

    async def run(self, due: Iterable[str]) -> dict[str, OperatorError | None]:
        """List these vaults; return the vaults whose lists ended in time, with their errors if any.

        `late` is called for the others.

        Raises:
            Exception: a list failed by a bug of ours.
        """
        if self._mistake:
            raise self._mistake
        begun = {
            vault_id: self._begin(vault_id) for vault_id in due if vault_id not in self._under_way
        }
        if begun:
            await asyncio.wait(begun.values(), timeout=self._patience_seconds)
        outcomes = {
            vault_id: self._outcome(vault_id) for vault_id, task in begun.items() if task.done()
        }
        for vault_id in begun.keys() - outcomes.keys():
            begun[vault_id].add_done_callback(lambda _, vault_id=vault_id: self._report(vault_id))  # type: ignore[misc]
        return outcomes

    def close(self) -> None:
        """Cancel the lists in flight; `late` is not called for them."""
        for task in self._under_way.values():
            task.cancel()

    def under_way(self) -> set[str]:
        """Return the vaults whose lists have not ended."""
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
        self._late(
            vault_id, self._outcome(vault_id)
        )  # a bug of ours is raised again by the next poll, where it ends the process
