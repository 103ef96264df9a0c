"""The server of the dev-connect command, as a process."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
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


async def test_replicas_are_asked_in_the_same_order_when_a_run_is_repeated_with_its_seed() -> None:
    runs = []
    for _ in range(2):
        process = await spawn("--replicas", "5", "--balance", "request", "--balance-seed", "3")
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as session:
            order = []
            for _ in range(20):
                async with session.get(f"{ready['url']}/heartbeat") as reply:
                    order.append(reply.headers["Dev-Connect-Replica"])
        runs.append(order)
        process.terminate()
        await process.wait()
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 1


async def test_state_outlives_the_process_and_tokens_stay_good(folder: Path) -> None:
    arguments = ["--state", str(folder / "state"), "--seed", str(folder / "seed.yaml")]
    process = await spawn(*arguments)
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{first['admin']}/vaults", json={"name": "b"}) as reply:
            assert reply.status == 200
        process.terminate()
        await process.wait()
        process = await spawn(*arguments)
        assert process.stdout is not None
        second = json.loads(await process.stdout.readline())
        async with session.get(f"{second['url']}/v1/vaults", headers={"Authorization": f"Bearer {first['token']}"}) as reply:
            assert [vault["name"] for vault in await reply.json()] == ["a", "b"]
    process.terminate()
    _, errors = await process.communicate()
    assert b"holds items already, so the seed is not used" in errors


class Acknowledged:
    """The last version of each item that the server said it has."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self._enough = asyncio.Event()
        self._wanted = 0

    async def more(self, number: int) -> None:
        """Wait until so many further writes were acknowledged."""
        self._wanted = sum(self.versions.values()) + number
        self._enough.clear()
        await self._enough.wait()

    async def write_until_it_dies(self, ready: dict[str, str], path: str) -> None:
        """Write as fast as it goes."""
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ready['token']}"}) as session:
            with contextlib.suppress(aiohttp.ClientError):
                while True:
                    body = [{"op": "replace", "path": "/title", "value": path}]
                    async with session.patch(f"{ready['url']}{path}", json=body) as reply:
                        self.versions[path] = (await reply.json())["version"]
                    if sum(self.versions.values()) >= self._wanted:
                        self._enough.set()


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(folder: Path) -> None:
    titles = ", ".join(f"{{title: item-{number}}}" for number in range(4))
    (folder / "seed.yaml").write_text(f"vaults: [{{name: a, items: [{titles}]}}]")
    acknowledged = Acknowledged()
    for _ in range(5):
        process = await spawn("--state", str(folder / "state"), "--seed", str(folder / "seed.yaml"))
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as session, session.get(f"{ready['admin']}/vaults") as reply:
            (vault,) = await reply.json()
        kept = {f"/v1/vaults/{vault['id']}/items/{item['id']}": item["version"] for item in vault["items"]}
        for path, version in acknowledged.versions.items():
            # One more may have been kept whose answer the process did not live to send.
            assert version <= kept[path] <= version + 1
        writers = [asyncio.create_task(acknowledged.write_until_it_dies(ready, path)) for path in kept]
        await acknowledged.more(100)
        process.kill()
        await asyncio.gather(*writers)
        await process.wait()
    assert len(acknowledged.versions) == 4


async def test_tls_with_a_certificate_of_its_own_that_stays_with_the_state(folder: Path) -> None:
    ca = folder / "ca.pem"
    authorities = []
    for _ in range(2):
        process = await spawn("--tls", "--tls-name", "connect.example", "--tls-ca", str(ca), "--state", str(folder / "state"))
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        trust = ssl.create_default_context(cafile=ca)
        async with aiohttp.ClientSession() as session, session.get(f"{ready['url']}/heartbeat", ssl=trust) as reply:
            assert reply.status == 200
        authorities.append(ca.read_bytes())
        process.terminate()
        await process.wait()
    assert authorities[0] == authorities[1]


@pytest.mark.parametrize(
    "arguments", [["--tls-cert", "x"], ["--tls", "--tls-cert", "x", "--tls-key", "x"], ["--tls-cert", "x", "--tls-key", "y"]]
)
async def test_tls_options_that_do_not_go_together_end_with_2(arguments: list[str]) -> None:
    process = await spawn(*arguments)
    _, errors = await process.communicate()
    assert (process.returncode, b"tls-cert" in errors or b"cannot read x" in errors, b"Traceback" in errors) == (2, True, False)
