"""The table of endpoints."""

from typing import Any

from onepassword_operator.devconnect.rest import routes, routing


async def test_all_fifteen_endpoints_answer_on_one_port(client: Any) -> None:
    (file,) = await client.get(f"{client.item_path}/files")
    created = (await client.create()).json
    body = {"id": created["id"], "category": "LOGIN", "vault": {"id": client.vault}}
    path = f"{client.items}/{created['id']}"
    reads = ["/v1/vaults", f"/v1/vaults/{client.vault}", client.items, path, f"{client.item_path}/files"]
    reads += [f"{client.item_path}/files/{file['id']}", file["content_path"], "/v1/activity", "/heartbeat", "/health", "/metrics"]
    asked: list[tuple[str, str, Any, int]] = [("GET", read, None, 200) for read in reads]
    asked += [("PUT", path, body, 200), ("PATCH", path, [], 200), ("DELETE", path, None, 204)]
    for method, address, sent, status in asked:
        assert (await client.ask(method, address, json=sent)).status == status, address
    assert len(asked) + 1 == len(routes.API_ROUTES) + len(routing.OPEN) == 15


def test_a_405_lists_what_would_be_right() -> None:
    assert routes.methods(routing.ITEMS) == "GET, POST"
    assert routes.methods(routing.HEALTH) == "GET"
