"""The search for leaks finds what it is there to find: an operator that logs items turns its test red."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import leak_scan
from harness.fixtures import MakeWorld
from harness.kube_proxy import Respond, Rule
from harness.paths import REPOSITORY

SECRET = 'canary "value" with ümläut'
SEED: dict[str, Any] = {"vaults": [{"name": "v", "items": [{"title": "db", "fields": {"password": SECRET}}]}]}


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
        pytest.param("raise RuntimeError(item.fields[0].value.reveal())", "v/db.password", id="a value in an exception"),
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
            world.proxy.wait_for(lambda r: (r.resource == "secrets" and r.verb == "create") or running.poll() is not None, 20)
        except TimeoutError:
            assert running.poll() is not None  # the planted exception ended it before it wrote anything
        finally:
            running.terminate()
            running.wait(10)
    leaks = leak_scan.find(SEED, {"log": log.read_text()})
    assert bool(leaks) == bool(found)
    assert all(leak.startswith(found) for leak in leaks)


@pytest.mark.cluster
def test_a_webhook_that_echoes_what_it_was_sent_is_not_quoted(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    echo = f'admission webhook "x" denied the request: data.password={base64.b64encode(SECRET.encode()).decode()}'
    rule = world.proxy.add(Rule(Respond(403, "Forbidden", echo), verb="create", resource="secrets"))
    world.operator()
    world.item("db", "vaults/v/items/db")
    condition = world.wait_reason("db", "AdmissionDenied")
    assert "its own log says why" in condition["message"]
    world.proxy.remove(rule)
    world.wait_reason("db", "Synced", timeout=6)


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param((403, "Forbidden", 'secrets "db" is forbidden: exceeded quota: q, requested: secrets=1'), "QuotaExceeded", id="quota"),
        pytest.param((403, "Forbidden", 'secrets is forbidden: User "x" cannot create resource'), "ClusterAccessDenied", id="RBAC"),
        pytest.param((500, "InternalError", "boom"), "ClusterUnavailable", id="500"),
        pytest.param((429, "TooManyRequests", "slow down"), "ClusterUnavailable", id="429"),
    ],
)
def test_what_the_api_server_refuses_has_a_reason_and_heals(make_world: MakeWorld, answer: tuple[int, str, str], reason: str) -> None:
    world = make_world(SEED)
    rule = world.proxy.add(Rule(Respond(*answer), verb="create", resource="secrets"))
    world.operator()
    world.item("db", "vaults/v/items/db")
    assert world.wait_reason("db", reason)["status"] == "False"
    world.proxy.remove(rule)
    world.wait_reason("db", "Synced", timeout=6)
