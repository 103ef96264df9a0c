"""The server object tests embed."""

from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.runtime import DevConnect, Options


async def test_the_servers_own_token_opens_vaults_created_later(client: Any) -> None:
    client.server.editor.create_vault("later")
    assert "later" in {vault["name"] for vault in await client.get("/v1/vaults")}


async def test_a_minted_token_takes_vaults_by_name_or_id(client: Any) -> None:
    token = client.server.mint(vaults={client.vault: "r", "Staging": "rw"})
    assert len(await client.get("/v1/vaults", token=token)) == 2


async def test_minting_for_an_unknown_vault_or_mode_is_refused(server: DevConnect) -> None:
    with pytest.raises(ApiError):
        server.mint(vaults={"absent": "r"})
    with pytest.raises(ValueError, match="r, w or rw"):
        server.mint(vaults={"Staging": "x"})


async def test_a_taken_admin_port_frees_the_api_port_again(server: DevConnect, clock: Any) -> None:
    admin_port = int(server.admin_url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await DevConnect.start(options=Options(admin=("127.0.0.1", admin_port), clock=clock))


async def test_a_server_without_a_seed_is_empty(clock: Any) -> None:
    server = await DevConnect.start(options=Options(clock=clock))
    assert server.store.vaults() == ()
    await server.stop()
