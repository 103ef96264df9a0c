"""The command that prints a token of a running server."""

import argparse
import asyncio
from typing import Any

import pytest

from onepassword_operator.devconnect import command


def ask(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(["token", *arguments]))


async def test_a_token_with_scope_and_expiry_is_the_only_thing_printed(client: Any, clock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--admin-url", client.server.admin_url, "--vault", "Staging=r", "--expires-in", "60"]
    assert await asyncio.to_thread(ask, *arguments) == 0
    token = capsys.readouterr().out.strip()
    (vault,) = await client.get("/v1/vaults", token=token)
    assert vault["name"] == "Staging"
    assert (await client.ask("POST", f"/v1/vaults/{vault['id']}/items", token=token, json={})).status == 403
    clock.advance(60)
    assert (await client.ask("GET", "/v1/vaults", token=token)).status == 401


async def test_without_a_scope_it_opens_everything(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(ask, "--admin-url", client.server.admin_url) == 0
    assert len(await client.get("/v1/vaults", token=capsys.readouterr().out.strip())) == 2


async def test_a_token_of_the_events_api_has_the_features_asked_for(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--admin-url", client.server.admin_url, "--events", "auditevents", "--events", "itemusages"]
    assert await asyncio.to_thread(ask, *arguments) == 0
    shown = await client.get("/api/v2/auth/introspect", token=capsys.readouterr().out.strip())
    assert shown["features"] == ["auditevents", "itemusages"]


async def test_a_vault_that_is_not_there_is_named_and_no_token_printed(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(ask, "--admin-url", client.server.admin_url, "--vault", "absent=r") == 2
    printed = capsys.readouterr()
    assert (printed.out, "no such vault" in printed.err) == ("", True)


@pytest.mark.parametrize("url", ["127.0.0.1:1", "http://127.0.0.1:1", "https://127.0.0.1:1", "http://", "http://x:99999", "http://x:y"])
def test_an_address_where_no_server_is_says_so(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("--admin-url", url) == 2
    assert "dev-connect" in capsys.readouterr().err
