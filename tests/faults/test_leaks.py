"""The search for leaks finds what it is there to find: an operator that logs items turns its test red."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from harness import leak_scan
from harness.fixtures import MakeWorld
from harness.paths import REPOSITORY
from harness.waiting import eventually
from harness.world import seed

SECRET = 'canary "value" with ümläut'
SEED = seed(db=SECRET)


@pytest.mark.parametrize("form", [form for form, _ in leak_scan.forms(SECRET)])
def test_each_form_of_a_planted_value_is_found(form: str) -> None:
    needle = dict(leak_scan.forms(SECRET))[form]
    assert f"v/db.password as {form} in log" in leak_scan.find(SEED, {"log": f"before{needle}after"})


@pytest.mark.parametrize("prefix", [b"", b"a", b"ab", b"abc"])
def test_base64_is_found_whatever_stands_before_the_value(prefix: bytes) -> None:
    text = base64.b64encode(prefix + SECRET.encode() + b"zz").decode()
    assert leak_scan.find(SEED, {"log": text})


def test_clean_text_is_clean() -> None:
    assert leak_scan.find(SEED, {"log": "password of v/db was synced"}) == []


PLANT = """
import logging, sys
from onepassword_operator import cli, wiring

class Chatty(wiring.ItemReads):
    async def read(self, listed):
        item = await super().read(listed)
        {line}
        return item

wiring.ItemReads = Chatty
sys.exit(cli.main())
"""


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("logging.getLogger('x').info(item)", "an opaque value", id="log.info(item)"),
        pytest.param("logging.getLogger('x').info('%s', item.fields[0].value)", "an opaque value", id="a value formatted"),
        pytest.param("logging.getLogger('x').info([f.value.reveal() for f in item.fields])", "v/db.password", id="values opened"),
        pytest.param("raise RuntimeError(item.fields[0].value.reveal())", "", id="a value in an exception, whose text is not told"),
        pytest.param("pass", "", id="nothing planted"),
    ],
)
def test_a_planted_leak_is_found(make_world: MakeWorld, tmp_path: Path, line: str, found: str) -> None:
    world = make_world(SEED)
    program = tmp_path / "chatty.py"
    program.write_text(PLANT.format(line=line))
    world.item("db", "vaults/v/items/db")
    log = tmp_path / "chatty.log"
    environment = {
        "OP_CONNECT_HOST": world.connect.url,
        "OP_CONNECT_TOKEN": world.connect.token,
        "KUBECONFIG": str(world.proxy.kubeconfig_for("admin")),
        "WATCH_NAMESPACE": world.namespace,
        "PYTHONPATH": str(REPOSITORY / "operator"),
    }
    with log.open("w") as file:
        arguments = [sys.executable, str(program), "--health-probe-bind-address=0", "--metrics-bind-address=0", "--zap-log-level=debug"]
        running = subprocess.Popen(arguments, env=environment, stdout=file, stderr=file)
        try:
            eventually(lambda: "Secret written" in log.read_text() or world.condition("db").get("reason") == "InternalError")
        finally:
            running.terminate()
            running.wait(10)
    leaks = leak_scan.find(SEED, {"log": log.read_text()})
    assert bool(leaks) == bool(found)
    assert all(leak.startswith(found) for leak in leaks)
