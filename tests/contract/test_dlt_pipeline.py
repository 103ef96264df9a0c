"""The pipeline of examples/ loads what the embedded server has into DuckDB, and the second time only what is new."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contract.official_clients import tool
from harness.paths import REPOSITORY
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.seed import Seed

SEED = """
vaults:
  - name: Prod
    items:
      - {title: billing db, tags: [k8s], fields: {username: svc, password: fake-canary}}
      - {title: mail, category: EMAIL_ACCOUNT}
      - {title: é 🔑, urls: [https://x.example]}
  - name: Empty
generate: {vaults: 1, items_per_vault: 250}
"""
pytestmark = pytest.mark.timeout(300)  # dlt takes seconds to start
NOW = 1_750_000_000.0
VERSIONS = "SELECT title, version FROM onepassword_data.items WHERE title IN ('billing db', 'mail') ORDER BY title"
PER_VAULT = """
SELECT vaults.name, count(items.id)
FROM onepassword_data.vaults vaults LEFT JOIN onepassword_data.items items ON items.vault__id = vaults.id
GROUP BY 1 ORDER BY 2
"""
TAGGED = """
SELECT items.title, tags.value
FROM onepassword_data.items__tags tags JOIN onepassword_data.items items ON tags._dlt_parent_id = items._dlt_id
WHERE tags.value = 'k8s'
"""
EVENTS = "SELECT count(*), count(DISTINCT uuid) FROM onepassword_data.audit_events"


class Loader:
    """Runs the pipeline and asks its database."""

    def __init__(self, server: DevConnect, folder: Path) -> None:
        self.database = folder / "onepassword.duckdb"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DLT_DATA_DIR": str(folder / "dlt"),
            "NO_PROXY": "127.0.0.1",
            "OP_CONNECT_HOST": server.url,
            "OP_CONNECT_TOKEN": server.mint(),
            "OP_EVENTS_TOKEN": server.mint_for_events("auditevents"),
        }

    async def load(self) -> dict[str, int]:
        """Run it once; how many rows of each table it loaded."""
        printed = await self._run(str(REPOSITORY / "examples" / "dlt_pipeline.py"), str(self.database))
        return {name: int(rows.split()[0]) for name, _, rows in (line.partition(": ") for line in printed.splitlines())}

    async def ask(self, *questions: str) -> list[Any]:
        """The rows of each answer."""
        query = Path(__file__).parent / "dlt_client" / "query.py"
        return [json.loads(line) for line in (await self._run(str(query), str(self.database), *questions)).splitlines()]

    async def _run(self, *arguments: str) -> str:
        started = await asyncio.create_subprocess_exec(
            tool("dlt/bin/python"), *arguments, env=self._environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        printed, complaints = await started.communicate()
        assert started.returncode == 0, complaints.decode()[-3000:]
        return printed.decode()


@pytest.fixture
async def server() -> AsyncIterator[DevConnect]:
    """A server whose clock stands still, so that everything happens in one second."""
    running = await DevConnect.start(Seed.parse(SEED), Options(clock=lambda: NOW))
    yield running
    await running.stop()


@pytest.fixture
def loader(server: DevConnect, tmp_path: Path) -> Loader:
    return Loader(server, tmp_path)


async def test_the_first_run_loads_everything_but_values(server: DevConnect, loader: Loader) -> None:
    loaded = await loader.load()
    assert (loaded["vaults"], loaded["items"], loaded["audit_events"]) == (3, 253, 2)
    counts, billing, tags, kinds = await loader.ask(
        PER_VAULT,
        "SELECT id, version, category, vault__id FROM onepassword_data.items WHERE title = 'billing db'",
        TAGGED,
        "SELECT DISTINCT object_type, action FROM onepassword_data.audit_events",
    )
    assert [count for _, count in counts] == [0, 3, 250]
    item = server.editor.find_item("Prod", "billing db")
    assert billing == [[item.id, 1, "LOGIN", item.vault_id]]
    assert tags == [["billing db", "k8s"]]
    assert kinds == [["token", "create"]], "the two tokens that this test made"
    assert b"fake-canary" not in loader.database.read_bytes()


async def test_the_second_run_loads_what_is_new_and_nothing_twice(server: DevConnect, loader: Loader) -> None:
    await loader.load()
    server.editor.edit_item("Prod", "billing db", edit={"tags": ["new"]})
    server.editor.edit_item("Prod", "billing db", edit={"tags": ["newer"]})
    server.editor.create_item("Empty", {"title": "first"})
    server.editor.rename_vault("Empty", "Filled")
    loaded = await loader.load()
    assert (loaded["items"], loaded["audit_events"]) == (2, 4), loaded
    versions, total, names, events, actions = await loader.ask(
        VERSIONS,
        "SELECT count(*) FROM onepassword_data.items",
        "SELECT name FROM onepassword_data.vaults WHERE name IN ('Empty', 'Filled')",
        EVENTS,
        "SELECT object_type, action, count(*) FROM onepassword_data.audit_events GROUP BY ALL ORDER BY ALL",
    )
    assert versions == [["billing db", 3], ["mail", 1]]
    assert (total, names, events) == ([[254]], [["Filled"]], [[6, 6]])
    assert actions == [["item", "create", 1], ["item", "update", 2], ["token", "create", 2], ["vault", "update", 1]]
    assert set(await loader.load()) == {"vaults"}, "a run without news loads no item and no event"
    assert await loader.ask(EVENTS) == [[[6, 6]]]


async def test_a_change_in_the_second_of_the_last_run_is_not_missed(server: DevConnect, loader: Loader) -> None:
    for version in (1, 2, 3):
        await loader.load()
        (versions,) = await loader.ask(VERSIONS)
        assert versions == [["billing db", version], ["mail", 1]]
        server.editor.edit_item("Prod", "billing db", edit={"tags": [f"tag {version}"]})


async def test_more_events_than_a_page_holds_are_loaded_whole(server: DevConnect, loader: Loader) -> None:
    for number in range(250):
        server.editor.edit_item("Prod", "mail", edit={"tags": [str(number)]})
    assert (await loader.load())["audit_events"] == 252
    assert await loader.ask(EVENTS) == [[[252, 252]]]
