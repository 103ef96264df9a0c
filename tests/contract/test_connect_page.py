"""docs/connect-server.md names everything the embedded server has, and its first lines work."""

import argparse
import json
import re
from pathlib import Path

import pytest

from contract import first_lines
from harness.paths import REPOSITORY
from onepassword_operator.devconnect import command
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.faults.rules import Action
from onepassword_operator.devconnect.items.item_input import CATEGORIES
from onepassword_operator.devconnect.runtime import DevConnect

PATH = REPOSITORY / "docs" / "connect-server.md"
PAGE = PATH.read_text()


@pytest.mark.parametrize("name", [*Behaviour().show(), *(action.value for action in Action)])
def test_every_setting_and_every_fault_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


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
    ready, vaults = first_lines.run(PATH, tmp_path, after="## From zero to an answer").splitlines()
    assert set(json.loads(ready)) == {"url", "token", "admin"}
    assert [vault["name"] for vault in json.loads(vaults)] == ["Example", "Empty"]
    assert json.loads(vaults)[0]["items"] >= len(CATEGORIES)
    assert not list(tmp_path.iterdir())
