"""1Password in memory: vaults and items that a test edits, and servers whose list and items are out of step."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendError, ItemNotFoundError, OperatorError, VaultNotFoundError
from onepassword_operator.model.item import Field, Item, ItemSummary, Vault


@dataclass
class _VaultState:
    id: str
    name: str
    version: int = 1
    items: dict[str, Item] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)


class FakeItemSource:
    """`ItemSource` in memory. Every request is on record; versions move as Connect moves them."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.outage: BackendError | None = None
        self.refused: dict[str, OperatorError] = {}
        """What a vault's list, an item's GET, or the vault list (`vaults`) answers."""
        self.before: dict[str, Callable[[], object]] = {}
        """What happens at 1Password, once, just before the next request of a kind (`vaults`, `list`, `item`) is answered."""
        self.gate: asyncio.Event | None = None
        self.gates: dict[str, asyncio.Event] = {}
        """What holds back the answers about one subject only."""
        self.in_flight = 0
        self.peak = 0
        self.still_fingerprints: dict[str, Vault] = {}
        self.still_lists: dict[str, list[ItemSummary]] = {}
        self.still_items: dict[str, Item] = {}
        self.updated: dict[str, str] = {}
        """When items were last edited, where that is not told by their versions."""
        self._vaults: dict[str, _VaultState] = {}
        self._made = 0

    def add_vault(self, name: str) -> str:
        state = _VaultState(id=self._identity("vault"), name=name)
        self._vaults[state.id] = state
        return state.id

    def put(self, vault_id: str, title: str, **fields: str) -> str:
        item_id = self._identity("item")
        self._keep(Item(id=item_id, vault_id=vault_id, title=title, version=1, fields=fields_of(fields)))
        return item_id

    def edit(self, item_id: str, **fields: str) -> Item:
        item = self.item(item_id)
        return self._keep(replace(item, version=item.version + 1, fields=fields_of(fields)))

    def rename(self, item_id: str, title: str) -> None:
        item = self.item(item_id)
        self._keep(replace(item, version=item.version + 1, title=title))

    def archive(self, item_id: str) -> None:
        self._keep(replace(self.item(item_id), active=False))

    def delete(self, item_id: str) -> None:
        state = self._vaults[self.item(item_id).vault_id]
        del state.items[item_id]
        state.version += 1

    def delete_vault(self, vault_id: str) -> None:
        del self._vaults[vault_id]

    def rename_vault(self, vault_id: str, name: str, *, moves: bool = True) -> None:
        self._vaults[vault_id].name = name
        self._vaults[vault_id].version += int(moves)

    def hide(self, item_id: str) -> None:
        """Lists lack the item although it is there."""
        state = self._vaults[self.item(item_id).vault_id]
        state.hidden.add(item_id)
        state.version += 1

    def show(self, item_id: str) -> None:
        state = self._vaults[self.item(item_id).vault_id]
        state.hidden.discard(item_id)
        state.version += 1

    def item(self, item_id: str) -> Item:
        return next(state.items[item_id] for state in self._vaults.values() if item_id in state.items)

    def hold_list(self, vault_id: str) -> None:
        """From now on the vault's list stays as it is, while its items move on."""
        self.still_lists[vault_id] = self._summaries(vault_id)

    def hold_item(self, item_id: str) -> None:
        """From now on the item's GET stays as it is, while the list moves on."""
        self.still_items[item_id] = self.item(item_id)

    def hold_fingerprint(self, vault_id: str) -> None:
        """From now on the vault list shows the vault unmoved, whatever happens in it."""
        self.still_fingerprints[vault_id] = self._vault(self._vaults[vault_id])

    def catch_up(self) -> None:
        self.still_lists.clear()
        self.still_items.clear()
        self.still_fingerprints.clear()

    def count(self, prefix: str) -> int:
        return sum(request.startswith(prefix) for request in self.requests)

    async def list_vaults(self) -> Sequence[Vault]:
        await self._answer("vaults", "vaults")
        return [self.still_fingerprints.get(state.id) or self._vault(state) for state in self._vaults.values()]

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        await self._answer(f"list {vault_id}", vault_id)
        if vault_id not in self._vaults:
            raise VaultNotFoundError(f"no vault {vault_id}")
        return self.still_lists[vault_id] if vault_id in self.still_lists else self._summaries(vault_id)

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        await self._answer(f"item {item_id}", item_id)
        state = self._vaults.get(vault_id)
        if item_id in self.still_items:
            return self.still_items[item_id]
        if state is None or item_id not in state.items:
            raise ItemNotFoundError(f"no item {item_id}")
        return state.items[item_id]

    async def _answer(self, request: str, subject: str) -> None:
        self.requests.append(request)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            gate = self.gates.get(subject) or self.gate
            await (gate.wait() if gate else asyncio.sleep(0))
            if happens := self.before.pop(request.split(maxsplit=1)[0], None):
                happens()
            if error := self.outage or self.refused.get(subject):
                raise error
        finally:
            self.in_flight -= 1

    def _keep(self, item: Item) -> Item:
        state = self._vaults[item.vault_id]
        state.items[item.id] = item
        state.version += 1
        return item

    def _identity(self, kind: str) -> str:
        self._made += 1
        return kind + str(self._made).rjust(26 - len(kind), "0")

    @staticmethod
    def _vault(state: _VaultState) -> Vault:
        return Vault(
            id=state.id,
            name=state.name,
            content_version=state.version,
            attribute_version=1,
            items=len(state.items),
            created_at="2024-01-01T00:00:00Z",
            updated_at=f"version {state.version}",
        )

    def _summaries(self, vault_id: str) -> list[ItemSummary]:
        state = self._vaults[vault_id]
        return [
            ItemSummary(
                id=i.id,
                title=i.title,
                version=i.version,
                created_at=f"created {i.id}",
                tags=i.tags,
                active=i.active,
                updated_at=self.updated.get(i.id, f"at version {i.version}"),
            )
            for i in state.items.values()
            if i.id not in state.hidden
        ]


def fields_of(fields: dict[str, str]) -> tuple[Field, ...]:
    return tuple(Field(label=label, value=Confidential.of_text(value)) for label, value in fields.items())
