"""The admin port's endpoints for content: vaults, items, snapshots.

Replies have names and versions, never a value.
"""

from __future__ import annotations

from aiohttp import web

from onepassword_operator.devconnect.admin.answers import done, json_reply, read_object, read_text
from onepassword_operator.devconnect.errors import not_found
from onepassword_operator.devconnect.items.records import Item, Json, Vault
from onepassword_operator.devconnect.store.contents import Contents
from onepassword_operator.devconnect.store.editing import Editor
from onepassword_operator.devconnect.store.vault_store import VaultStore


class ItemActions:
    """Endpoints for edits as a person would make them in the app."""

    def __init__(self, store: VaultStore, editor: Editor) -> None:
        self._store = store
        self._editor = editor
        self._snapshots: dict[str, Contents] = {}

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/vaults", self.show_vaults),
            web.post("/vaults", self.create_vault),
            web.patch("/vaults/{vault}", self.rename_vault),
            web.delete("/vaults/{vault}", self.delete_vault),
            web.post("/vaults/{vault}/items", self.create_item),
            web.post("/vaults/{vault}/items/{item}", self.edit_item),
            web.delete("/vaults/{vault}/items/{item}", self.delete_item),
            web.get("/snapshots", self.show_snapshots),
            web.put("/snapshots/{name}", self.take_snapshot),
            web.post("/snapshots/{name}/restore", self.restore_snapshot),
        ]

    async def show_vaults(self, _: web.Request) -> web.Response:
        """List vaults with the titles and versions of their items."""
        return json_reply(
            [
                {**_vault(vault), "items": [_item(item) for item in self._store.items(vault.id)]}
                for vault in self._store.vaults()
            ]
        )

    async def create_vault(self, request: web.Request) -> web.Response:
        """Add an empty vault."""
        return json_reply(
            _vault(self._editor.create_vault(read_text(await read_object(request), "name")))
        )

    async def rename_vault(self, request: web.Request) -> web.Response:
        """Give a vault another name."""
        name = read_text(await read_object(request), "name")
        return json_reply(_vault(self._editor.rename_vault(request.match_info["vault"], name)))

    async def delete_vault(self, request: web.Request) -> web.Response:
        """Remove a vault with its items."""
        self._editor.delete_vault(request.match_info["vault"])
        return done()

    async def create_item(self, request: web.Request) -> web.Response:
        """Add an item in the form of a seed."""
        shape = await read_object(request)
        return json_reply(_item(self._editor.create_item(request.match_info["vault"], shape)))

    async def edit_item(self, request: web.Request) -> web.Response:
        """Store the next revision of an item."""
        edit = await read_object(request)
        return json_reply(
            _item(
                self._editor.edit_item(
                    request.match_info["vault"], request.match_info["item"], edit=edit
                )
            )
        )

    async def delete_item(self, request: web.Request) -> web.Response:
        """Remove an item for good."""
        self._editor.delete_item(request.match_info["vault"], request.match_info["item"])
        return done()

    async def show_snapshots(self, _: web.Request) -> web.Response:
        """List the names of the snapshots that were taken."""
        return json_reply(list(self._snapshots))

    async def take_snapshot(self, request: web.Request) -> web.Response:
        """Remember the content as it is, under a name, until the server stops."""
        self._snapshots[request.match_info["name"]] = self._store.snapshot()
        return done()

    async def restore_snapshot(self, request: web.Request) -> web.Response:
        """Go back to a snapshot."""
        name = request.match_info["name"]
        if name not in self._snapshots:
            raise not_found("snapshot", name)
        self._store.restore(self._snapshots[name])
        return done()


def _vault(vault: Vault) -> Json:
    return {"id": vault.id, "name": vault.name, "content_version": vault.content_version}


def _item(item: Item) -> Json:
    return {"id": item.id, "title": item.content.title, "version": item.version}
