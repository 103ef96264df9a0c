"""The server of the dev-connect command, as a process."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from onepassword_operator.devconnect import command

MAIN = """
import argparse, sys
from onepassword_operator.devconnect import command
parser = argparse.ArgumentParser()
command.add_arguments(parser)
sys.exit(command.run(parser.parse_args()))
"""


async def spawn(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        MAIN,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(command.__file__).parents[2])},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "seed.yaml").write_text("vaults: [{name: a, items: [{title: x, files: [{path: f}]}]}]")
    (tmp_path / "f").write_bytes(b"bytes")
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_announces_itself_in_one_line_and_ends_with_0_on_a_signal(folder: Path, number: signal.Signals) -> None:
    token_file = folder / "token"
    token_file.write_text("old")
    token_file.chmod(0o644)
    process = await spawn("--seed", str(folder / "seed.yaml"), "--token-file", str(token_file), "--latency-ms", "1")
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {ready['token']}"}) as session,
        session.get(f"{ready['url']}/v1/vaults") as reply,
        session.get(f"{ready['admin']}/vaults") as admin,
    ):
        assert [vault["name"] for vault in await reply.json()] == ["a"]
        assert admin.status == 200
    assert (token_file.read_text(), token_file.stat().st_mode & 0o777) == (ready["token"], 0o600)
    process.send_signal(number)
    rest, errors = await process.communicate()
    assert (process.returncode, rest, errors) == (0, b"", b"")


async def test_a_bad_seed_ends_with_2_and_names_the_place(folder: Path) -> None:
    (folder / "seed.yaml").write_text("vaults: [{name: a, items: [{title: x, files: [{path: absent}]}]}]")
    process = await spawn("--seed", str(folder / "seed.yaml"))
    output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    assert b"vaults[0].items[0].files[0].path" in errors


async def test_a_taken_port_ends_with_2() -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    process = await spawn("--listen", f"127.0.0.1:{taken.sockets[0].getsockname()[1]}")
    _, errors = await process.communicate()
    taken.close()
    await taken.wait_closed()
    assert process.returncode == 2
    assert b"cannot start" in errors
    assert b"Traceback" not in errors


async def test_settings_are_given_by_name_and_a_wrong_one_ends_with_2() -> None:
    process = await spawn("--set", "version=1.2.0", "--set", "archived_items=listed")
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    async with aiohttp.ClientSession() as session, session.get(f"{ready['admin']}/behaviour") as reply:
        shown = await reply.json()
    assert (shown["version"], shown["archived_items"]) == ("1.2.0", "listed")
    process.terminate()
    await process.wait()
    process = await spawn("--set", "archived_items=shown")
    _, errors = await process.communicate()
    assert (process.returncode, b"archived_items must be one of" in errors) == (2, True)
