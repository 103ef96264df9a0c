"""The server of the dev-connect command, as a process."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from onepassword_operator.devconnect import command

PROGRAM = (sys.executable, "-m", "onepassword_operator", "dev-connect")


async def spawn(*arguments: str | Path) -> asyncio.subprocess.Process:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(command.__file__).parents[2])}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*PROGRAM, *arguments, stdout=pipe, stderr=pipe, env=environment)


async def ended(*arguments: str | Path) -> str:
    """Why it did not start."""
    process = await spawn(*arguments)
    output, errors = await process.communicate()
    assert (process.returncode, output, b"Traceback" in errors) == (2, b"", False)
    return errors.decode()


class Server:
    """A process that serves, and the addresses that it announced."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, str], session: aiohttp.ClientSession) -> None:
        self.process, self.ready, self.session = process, ready, session

    async def ask(self, port: str, path: str, method: str = "GET", **options: Any) -> Any:
        async with self.session.request(method, self.ready[port] + path, **options) as reply:
            assert reply.status == 200
            return await reply.json()


@contextlib.asynccontextmanager
async def serving(*arguments: str | Path, token: str = "") -> AsyncIterator[Server]:
    process = await spawn(*arguments)
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token or ready['token']}"}) as session:
        yield Server(process, ready, session)
    if process.returncode is None:
        process.terminate()
    await process.wait()


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
    async with serving("--seed", folder / "seed.yaml", "--token-file", token_file, "--latency-ms", "1") as server:
        assert [vault["name"] for vault in await server.ask("url", "/v1/vaults")] == ["a"]
        assert await server.ask("admin", "/vaults")
        assert (token_file.read_text(), token_file.stat().st_mode & 0o777) == (server.ready["token"], 0o600)
        server.process.send_signal(number)
        assert (*await server.process.communicate(), server.process.returncode) == (b"", b"", 0)


async def test_a_bad_seed_ends_with_2_and_names_the_place_and_so_does_a_taken_port(folder: Path) -> None:
    (folder / "seed.yaml").write_text("vaults: [{name: a, items: [{title: x, files: [{path: absent}]}]}]")
    assert "vaults[0].items[0].files[0].path" in await ended("--seed", folder / "seed.yaml")
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as taken:
        assert "cannot start" in await ended("--listen", f"127.0.0.1:{taken.sockets[0].getsockname()[1]}")


async def test_settings_are_given_by_name_and_a_wrong_one_ends_with_2() -> None:
    async with serving("--set", "version=1.2.0", "--set", "archived_items=listed") as server:
        shown = await server.ask("admin", "/behaviour")
    assert (shown["version"], shown["archived_items"]) == ("1.2.0", "listed")
    assert "archived_items must be one of" in await ended("--set", "archived_items=shown")


async def test_replicas_are_asked_in_the_same_order_when_a_run_is_repeated_with_its_seed() -> None:
    runs = []
    for _ in range(2):
        async with serving("--replicas", "5", "--balance", "request", "--balance-seed", "3") as server:
            replies = [await server.session.get(f"{server.ready['url']}/heartbeat") for _ in range(20)]
            runs.append([reply.headers["Dev-Connect-Replica"] for reply in replies])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 1


async def test_state_outlives_the_process_and_tokens_stay_good(folder: Path) -> None:
    arguments: list[str | Path] = ["--state", folder / "state", "--seed", folder / "seed.yaml"]
    async with serving(*arguments) as server:
        await server.ask("admin", "/vaults", "POST", json={"name": "b"})
        token = server.ready["token"]
    async with serving(*arguments, token=token) as server:
        assert [vault["name"] for vault in await server.ask("url", "/v1/vaults")] == ["a", "b"]
        server.process.terminate()
        _, errors = await server.process.communicate()
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

    async def write_until_it_dies(self, server: Server, path: str) -> None:
        """Write as fast as it goes."""
        with contextlib.suppress(aiohttp.ClientError):
            while True:
                body = [{"op": "replace", "path": "/title", "value": path}]
                self.versions[path] = (await server.ask("url", path, "PATCH", json=body))["version"]
                if sum(self.versions.values()) >= self._wanted:
                    self._enough.set()


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(folder: Path) -> None:
    titles = ", ".join(f"{{title: item-{number}}}" for number in range(4))
    (folder / "seed.yaml").write_text(f"vaults: [{{name: a, items: [{titles}]}}]")
    acknowledged = Acknowledged()
    for _ in range(5):
        async with serving("--state", folder / "state", "--seed", folder / "seed.yaml") as server:
            (vault,) = await server.ask("admin", "/vaults")
            kept = {f"/v1/vaults/{vault['id']}/items/{item['id']}": item["version"] for item in vault["items"]}
            for path, version in acknowledged.versions.items():
                # One more may have been kept whose answer the process did not live to send.
                assert version <= kept[path] <= version + 1
            writers = [asyncio.create_task(acknowledged.write_until_it_dies(server, path)) for path in kept]
            await acknowledged.more(100)
            server.process.kill()
            await asyncio.gather(*writers)
            await server.process.wait()
    assert len(acknowledged.versions) == 4


async def test_tls_with_a_certificate_of_its_own_that_stays_with_the_state(folder: Path) -> None:
    ca, authorities = folder / "ca.pem", set[bytes]()
    for _ in range(2):
        async with serving("--tls", "--tls-name", "connect.example", "--tls-ca", ca, "--state", folder / "state") as server:
            await server.ask("url", "/v1/vaults", ssl=ssl.create_default_context(cafile=ca))
        authorities.add(ca.read_bytes())
    assert len(authorities) == 1


@pytest.mark.parametrize("arguments", ["--tls-cert x", "--tls --tls-cert x --tls-key x", "--tls-cert x --tls-key y"])
async def test_tls_options_that_do_not_go_together_end_with_2(arguments: str) -> None:
    errors = await ended(*arguments.split())
    assert "tls-cert" in errors or "cannot read x" in errors
