"""The server object tests embed."""

import os
from pathlib import Path
from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.seed import Seed
from onepassword_operator.devconnect.store.state import State


async def test_the_servers_own_token_opens_vaults_created_later(client: Any) -> None:
    client.server.editor.create_vault("later")
    assert "later" in {vault["name"] for vault in await client.get("/v1/vaults")}


async def test_a_taken_admin_port_frees_the_api_port_again(server: DevConnect, clock: Any) -> None:
    admin_port = int(server.admin_url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await DevConnect.start(options=Options(admin=("127.0.0.1", admin_port), clock=clock))


async def test_a_token_that_was_revoked_is_so_after_a_restart(clock: Any, tmp_path: Path) -> None:
    first = await DevConnect.start(options=Options(clock=clock, state=State.open(tmp_path)))
    first.tokens.revoke(first.tokens.token_id(first.token))
    await first.stop()
    second = await DevConnect.start(options=Options(clock=clock, state=State.open(tmp_path)))
    with pytest.raises(ApiError, match="Invalid bearer token"):
        second.tokens.verify(f"Bearer {first.token}")
    await second.stop()


async def test_a_write_that_cannot_be_kept_is_a_500_and_not_made(
    clock: Any, seed: Seed, client_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await DevConnect.start(seed, Options(clock=clock, state=State.open(tmp_path)))
    client = client_of(server)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        written = await client.retitle("new")
        edited = await client.admin("POST", f"/vaults/{client.vault}/items/{client.item}", json={"title": "new"})
    assert (written.status, written.json["message"], edited.status) == (500, "Something went wrong", 500)
    assert "No space left" in edited.json["message"]
    assert (await client.get(client.item_path))["title"] == "billing db"
    await server.stop()
