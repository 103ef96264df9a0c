"""The admin port: what it refuses."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/vaults/absent/items", {"title": "x"}, 404),
        ("POST", "/vaults/Staging/items/absent", {}, 404),
        ("POST", "/vaults/Staging/items", {"title": "x", "colour": 1}, 400),
        ("POST", "/vaults/Staging/items", {"title": "x", "files": [{"path": "/etc/hostname"}]}, 400),
        ("POST", "/vaults/Staging/items/billing db", {"fields": ["x"]}, 400),
        ("POST", "/vaults", {"name": ""}, 400),
        ("POST", "/vaults", [], 400),
        ("POST", "/tokens", {"vaults": {"Staging": "x"}}, 400),
        ("POST", "/tokens", {"vaults": {"absent": "r"}}, 404),
        ("POST", "/tokens", {"vaults": ["Staging"]}, 400),
        ("POST", "/tokens", {"vaults": {"Staging": ["r"]}}, 400),
        ("POST", "/tokens", {"expires_in_seconds": "1"}, 400),
        *[("POST", "/tokens", {"features": features}, 400) for features in ([], ["x"], "x", [1])],
        ("POST", "/tokens", {"features": [], "vaults": {}}, 400),
        ("POST", "/tokens/revoke", {"token": "x"}, 401),
        ("PUT", "/faults", {}, 400),
        ("PUT", "/faults", [{"action": "x"}], 400),
        ("PUT", "/lag", {"get_seconds": -1}, 400),
        ("PUT", "/lag", {"all": 1}, 400),
        ("PUT", "/sync", {"seconds": 1}, 400),
        ("PUT", "/sync", {"timeout_seconds": None}, 400),
        ("PUT", "/health", {"nope": "ACTIVE"}, 400),
        ("PUT", "/health", {"sync": 1}, 400),
        ("PATCH", "/behaviour", {"nope": 1}, 400),
        ("GET", "/nope", None, 404),
    ],
)
async def test_a_request_the_admin_port_cannot_serve_says_why(client: Any, method: str, path: str, body: Any, status: int) -> None:
    reply = await client.admin(method, path, json=body)
    assert (reply.status, reply.json["status"]) == (status, status)
    assert reply.json["message"]
