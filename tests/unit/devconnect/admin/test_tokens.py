"""The admin port: tokens at run time."""

from typing import Any


async def test_a_token_is_minted_revoked_and_restored(client: Any) -> None:
    minted = (await client.admin("POST", "/tokens", json={"vaults": {"Staging": "r"}})).json
    assert [vault["name"] for vault in await client.get("/v1/vaults", token=minted["token"])] == ["Staging"]
    steps: list[tuple[str, str, Any, int]] = [
        ("DELETE", f"/tokens/{minted['id']}", None, 401),
        ("POST", "/tokens/restore", {"token": minted["token"]}, 200),
        ("POST", "/tokens/revoke", {"token": minted["token"]}, 401),
    ]
    for method, path, body, expected in steps:
        assert (await client.admin(method, path, json=body)).status == 204
        assert (await client.ask("GET", "/v1/vaults", token=minted["token"])).status == expected
