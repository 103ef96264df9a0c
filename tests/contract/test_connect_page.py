"""docs/connect-server.md names everything the embedded server has, and its first lines work."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import REPOSITORY
from harness.ports import free_port
from onepassword_operator.devconnect import command
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.faults.rules import Action
from onepassword_operator.devconnect.items.item_input import CATEGORIES
from onepassword_operator.devconnect.runtime import DevConnect

PAGE = (REPOSITORY / "docs" / "connect-server.md").read_text()


@pytest.mark.parametrize("setting", Behaviour().show())
def test_every_setting_is_on_the_page(setting: str) -> None:
    assert f"`{setting}`" in PAGE


@pytest.mark.parametrize("action", [action.value for action in Action])
def test_every_fault_is_on_the_page(action: str) -> None:
    assert f"`{action}`" in PAGE


async def test_every_call_of_the_admin_port_is_on_the_page() -> None:
    server = await DevConnect.start()
    resources = {(route.method, route.resource.canonical) for route in server._admin.app.router.routes() if route.resource}
    await server.stop()
    routes = {(method, re.sub(r"{\w+}", "{}", path)) for method, path in resources if method != "HEAD"}
    reported = re.findall(r"(GET|PUT|POST|PATCH|DELETE) (/[\w/]+)", PAGE)
    assert len(routes) > 20
    assert routes <= {(method, re.sub(r"/(V|I|N|ID)(?=/|$)", "/{}", path)) for method, path in reported}


def test_every_option_is_on_the_page() -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = {option for action in parser._actions for option in action.option_strings if option.startswith("--")} - {"--help"}
    assert not {option for option in options if option not in PAGE}


def test_the_first_lines_work(tmp_path: Path) -> None:
    found = re.search(r"## From zero to an answer\n\n((?:    .*\n)+)", PAGE)
    assert found
    lines = [line.strip() for line in found[1].splitlines()]
    assert (len(lines), lines[0]) == (5, "make venv")
    program = f"{shlex.quote(sys.executable)} -m onepassword_operator"
    script = "set -m\n" + "\n".join(lines[1:]).replace(".venv/bin/onepassword-operator", program)
    for number in ("8090", "8091"):
        script = script.replace(number, str(free_port()))
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY / "operator"), "no_proxy": "127.0.0.1"}
    command_line = ["bash", "-c", script.replace("curl ", "curl -s ")]
    done = subprocess.run(command_line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60)
    ready, vaults = done.stdout.splitlines()
    assert set(json.loads(ready)) == {"url", "token", "admin"}
    assert [vault["name"] for vault in json.loads(vaults)] == ["Example", "Empty"]
    assert json.loads(vaults)[0]["items"] >= len(CATEGORIES)
    assert not list(tmp_path.iterdir())
