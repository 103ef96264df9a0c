"""The admin port: requests, faults, the first sync, settings."""

from typing import Any


async def test_faults_are_shown_as_they_were_put(client: Any) -> None:
    rule = {"action": "status", "status": 500, "times": 1}
    await client.admin("PUT", "/faults", json=[rule])
    assert (await client.admin("GET", "/faults")).json == [{**rule, "matched": 0, "fired": 0}]


async def test_health_says_what_it_is_told_until_that_is_taken_back(client: Any) -> None:
    await client.admin("PUT", "/health", json={"sync": "ERROR"})
    assert (await client.get("/health"))["dependencies"][1] == {"service": "sync", "status": "ERROR"}
    await client.admin("PUT", "/health", json={"sync": None})
    assert (await client.get("/health"))["dependencies"][1] == {"service": "sync", "status": "ACTIVE"}


async def test_settings_are_shown_and_changed_while_the_server_runs(client: Any) -> None:
    assert (await client.admin("GET", "/behaviour")).json["inline_limit_bytes"] == 102_400
    assert (await client.admin("PATCH", "/behaviour", json={"inline_limit_bytes": 1})).json["inline_limit_bytes"] == 1
    assert (await client.ask("GET", f"{client.item_path}/files?inline_files=1")).status == 413
