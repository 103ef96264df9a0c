"""Everything in examples/ runs as it stands, and examples/README.md names all of it."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import first_lines
from contract.official_clients import tool
from harness.connect_process import ConnectProcess
from harness.paths import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
SEED = yaml.safe_load("vaults: [{name: Prod, items: [{title: billing db, fields: {password: fake-canary}}]}]")
SHOWN_BY = {
    "curl-tour.sh": "contract/test_examples.py",
    "sdk_script.py": "contract/test_examples.py",
    "dlt_pipeline.py": "contract/test_dlt_pipeline.py",
    "operator-and-server.sh": "cluster/test_operator_and_server.py",
}


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[ConnectProcess]:
    with ConnectProcess(SEED, tmp_path) as process:
        yield process


def run(connect: ConnectProcess, *command: str | Path) -> str:
    """What an example prints."""
    events_token = connect.admin("POST", "tokens", body={"features": ["auditevents", "itemusages"]})["token"]
    environment = {
        "PATH": os.environ["PATH"],
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "OP_CONNECT_HOST": connect.url,
        "OP_CONNECT_TOKEN": connect.token,
        "OP_EVENTS_TOKEN": events_token,
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(connect: ConnectProcess) -> Any:
    (vault,) = connect.admin("GET", "vaults")
    return vault["items"]


def test_the_tour_with_curl_gets_every_answer_and_leaves_nothing_behind(connect: ConnectProcess) -> None:
    before = contents(connect)
    printed = run(connect, "bash", EXAMPLES / "curl-tour.sh")
    answers = [part.split("\n", 1)[1].split() for part in printed.split("\n== ")[1:]]
    assert answers[:6] == [[".ACTIVE"], ["Prod"], [], ["1", "fake-user"], ["2"], ["Invalid", "bearer", "token"]]
    assert answers[6:] == [["204"], ["DELETE"], ["['auditevents',", "'itemusages']"], ["server-update"]]
    assert contents(connect) == before


def test_the_script_with_the_official_client_does_what_it_says(connect: ConnectProcess) -> None:
    before = contents(connect)
    printed = run(connect, tool("connect-sdk/bin/python"), EXAMPLES / "sdk_script.py")
    assert printed.splitlines() == [
        "created 'sdk script' in 'Prod', version 1",
        "the same by its title: True",
        "as configuration: a password of 24 characters",
        "changed, version 2",
        "deleted, left of it: 0",
    ]
    assert contents(connect) == before


def test_every_example_is_on_the_page_and_run_by_a_test() -> None:
    files = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".sh", ".py"}}
    assert files == set(SHOWN_BY)
    page = (EXAMPLES / "README.md").read_text()
    assert files == set(re.findall(r"examples/([\w-]+\.(?:sh|py))` \|", page)) | {"dlt_pipeline.py"}
    assert "`python examples/dlt_pipeline.py " in page
    for name, module in SHOWN_BY.items():
        assert name in (REPOSITORY / "tests" / module).read_text()


def test_the_first_lines_of_the_page_lead_to_a_server_and_its_tokens(tmp_path: Path) -> None:
    tour = f"bash {shlex.quote(str(EXAMPLES / 'curl-tour.sh'))}\nkill %1"
    printed = first_lines.run(EXAMPLES / "README.md", tmp_path, after="will do, and needs no account:", then=tour)
    assert printed.endswith("server-update\n")
