"""Schemathesis makes requests of docs/connect-openapi.yaml, right ones, wrong ones and chains, and finds nothing to complain of.

`make test` makes a thousand and more; `make soak` eight rounds of at least 2,500, each with another seed.
"""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import openapi_document
from contract.official_clients import tool
from harness.connect_process import ConnectProcess

CLIENT = Path(__file__).parent / "schemathesis_client"
ROUNDS = int(os.environ.get("SCHEMATHESIS_ROUNDS", "0"))
EXAMPLES, LEAST = (60, 2500) if ROUNDS else (12, 1200)
UNLIMITED = [f"--set=events_per_{window}=1000000000" for window in ("minute", "hour")]
OPERATIONS = {operation["operationId"]: operation for _, _, operation in openapi_document.operations()}


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[ConnectProcess]:
    # Lists of events are as long as a page, which is long enough.
    with ConnectProcess(CLIENT / "seed.yaml", tmp_path, "--set=events_kept=100", *UNLIMITED) as process:
        yield process


def generate(connect: ConnectProcess, folder: Path, *, seed: int, document: Path = openapi_document.PAGE) -> tuple[int, str, Counter[Any]]:
    """Run it: exit code, the end of what it printed, and how often each operation was answered with each status."""
    outcomes = folder / "outcomes"
    events_token = connect.admin("POST", "tokens", body={"features": ["auditevents", "itemusages", "signinattempts"]})["token"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(CLIENT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SCHEMATHESIS_HOOKS": "outcomes",
        "OUTCOMES": str(outcomes),
        "CONNECT_TOKEN": connect.token,
        "EVENTS_TOKEN": events_token,
    }
    command = [tool("schemathesis/bin/schemathesis"), "--config-file", CLIENT / "schemathesis.toml", "run", document, "--url", connect.url]
    options = ["--checks=all", f"--max-examples={EXAMPLES}", f"--seed={seed}", "--generation-database=none", "--no-color"]
    done = subprocess.run([*command, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900)
    return done.returncode, (done.stdout + done.stderr)[-6000:], Counter(outcomes.read_text().splitlines())


@pytest.mark.timeout(960)
@pytest.mark.parametrize("seed", range(1, max(ROUNDS, 1) + 1))
def test_whatever_is_made_of_the_document_is_answered_as_it_says(connect: ConnectProcess, tmp_path: Path, seed: int) -> None:
    code, printed, outcomes = generate(connect, tmp_path, seed=seed)
    assert code == 0, printed
    assert outcomes.total() >= LEAST
    answered: dict[str, set[str]] = {operation: set() for operation in OPERATIONS}
    for outcome in outcomes:
        operation, status = outcome.split()
        answered[operation].add(status)
    # Methods that an operation does not have are tried too.
    assert not {name: extra for name, seen in answered.items() if (extra := seen - set(OPERATIONS[name]["responses"]) - {"405"})}
    assert not [name for name, seen in answered.items() if not any(status.startswith("2") for status in seen)]


@pytest.mark.timeout(240)
def test_it_would_complain(connect: ConnectProcess, tmp_path: Path) -> None:
    """A document that asks for something that the server does not do is found out."""
    wrong = yaml.safe_load(openapi_document.PAGE.read_text())
    path = "/v1/vaults/{vaultUuid}"
    wrong["paths"] = {path: wrong["paths"][path]}
    del wrong["paths"][path]["get"]["responses"]["200"]["links"]
    wrong["components"]["schemas"]["Vault"]["properties"]["items"] = {"type": "string"}
    document = tmp_path / "wrong.yaml"
    document.write_text(yaml.safe_dump(wrong))
    code, printed, _ = generate(connect, tmp_path, seed=1, document=document)
    assert code == 1
    assert "Response violates schema" in printed
