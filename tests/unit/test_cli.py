"""The command line, as a person meets it."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from onepassword_operator import __version__, app, cli
from onepassword_operator.cluster.credentials import KubeconfigError
from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.settings import schema as settings
from onepassword_operator.telemetry.serving_certificate import ServingCertificateError

pytestmark = pytest.mark.usefixtures("loggers_as_before")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Settings with which the operator ran; it ends at once."""
    monkeypatch.setenv("OP_CONNECT_HOST", "http://connect:8080")
    monkeypatch.setenv("OP_CONNECT_TOKEN", "canary-token")
    seen: list[Any] = []

    async def run(settings: Any) -> int:
        await asyncio.sleep(0)
        seen.append(settings)
        return 0

    monkeypatch.setattr(app, "run", run)
    return seen


def helped(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("argument", ["-h", "--help", "-help"])
def test_help_names_commands_and_an_example(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = helped([argument], capsys)
    assert all(command in shown for command in cli.COMMANDS)
    assert "OP_CONNECT_HOST=" in shown
    assert "--seed" in helped(["dev-connect", "--help"], capsys)


@pytest.mark.parametrize("arguments", [["run", "--help"], ["run", "-help"], ["--zap-encoder=json", "-h"]])
def test_help_of_run_names_every_variable_and_flag(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    shown = helped(arguments, capsys)
    for name in (*settings.variable_names().values(), *(f"--{name.replace('_', '-')} " for name in settings.flag_names())):
        assert name in shown
    words = " ".join(shown.split())
    for said in ("--leader-elect [=BOOL]", "--metrics-secure [=BOOL]", "/readyz; 0 disables. (default :8081)", "(default false)"):
        assert said in words


@pytest.mark.parametrize("argument", ["version", "--version", "-version"])
def test_version(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([argument]) == 0
    assert capsys.readouterr().out == f"onepassword-operator {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["run"]])
def test_the_default_command_is_run(ran: list[Any], arguments: list[str]) -> None:
    assert cli.main([*arguments, "-leader-elect", "--zap-log-level", "1", "--metrics-bind-address=0", "-zap-devel=false"]) == 0
    (read,) = ran
    assert (read.leader_elect, read.metrics_bind_address, read.log_encoder) == (True, "0", "json")


def test_arguments_come_from_the_command_line(ran: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["onepassword-operator", "--zap-encoder=json"])
    assert cli.main() == 0
    assert ran[0].log_encoder == "json"


def test_problems_of_flags_and_of_settings_are_told_together_one_line_each(
    ran: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OP_CONNECT_HOST")
    monkeypatch.setenv("OP_CONNECT_TOKEN", "canary\ntoken")
    monkeypatch.setenv("POLLING_INTERVAL", "0")
    assert cli.main(["--no-such-flag", "--leader-elect", "false", "canary", "--zap-encoder=xml"]) == 2
    told = capsys.readouterr().err
    assert [re.split(": |; | is not", line)[:2] for line in told.splitlines()] == [
        ["onepassword-operator", "flag provided but not defined"],
        ["onepassword-operator", "--leader-elect false"],
        ["onepassword-operator", "argument 4 is no flag, and the operator takes flags only"],
        ["onepassword-operator", "OP_CONNECT_HOST"],
        ["onepassword-operator", "OP_CONNECT_TOKEN"],
        ["onepassword-operator", "POLLING_INTERVAL"],
        ["onepassword-operator", "--zap-encoder"],
    ]
    assert "canary" not in told
    assert ran == []


@pytest.mark.parametrize(("word", "meant"), [("dev-conect", "dev-connect"), ("verson", "version"), ("rum", "run")])
def test_a_misspelt_command_is_recognised(ran: list[Any], word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([word]) == 2
    assert capsys.readouterr().err == f"onepassword-operator: there is no such command; did you mean {meant}? See --help\n"
    assert ran == []


def test_the_log_is_as_the_flags_say(ran: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--zap-devel=false", "--zap-time-encoding=epoch", "--zap-stacktrace-level=warn"]) == 0
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logging.getLogger("x").warning("a message", exc_info=True)
        logging.getLogger("x").info("another", exc_info=True)
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert isinstance(first["ts"], float)
    assert (first["level"], "ValueError" in first["stacktrace"], "stacktrace" in second) == ("warn", True, False)
    assert len(ran) == 1


@pytest.mark.parametrize("kind", [ServingCertificateError, KubeconfigError, ClusterUnavailableError, OSError, ValueError])
def test_an_unusable_setting_ends_with_2_and_a_failure_with_1_and_its_message(
    ran: list[Any], kind: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(settings: Any) -> int:
        raise kind("what is wrong")

    monkeypatch.setattr(app, "run", run)
    assert cli.main([]) == (2 if kind in {ServingCertificateError, KubeconfigError} else 1)
    assert capsys.readouterr().err == "onepassword-operator: what is wrong\n"
    assert ran == []


STUBBORN = """
import asyncio, sys
from onepassword_operator import app, cli

async def run(settings):
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
    run.task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    return 0

app.run, cli.LEFTOVERS_SECONDS = run, 0.1
sys.exit(cli.main(["run"]))
"""


def test_what_kopf_leaves_behind_does_not_hold_up_the_end() -> None:
    environment = {"OP_CONNECT_HOST": "http://x", "OP_CONNECT_TOKEN": "t", "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", STUBBORN], env=environment, timeout=60, check=False).returncode == 0
