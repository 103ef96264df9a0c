"""The options of the dev-connect command."""

import argparse
import importlib.util
import subprocess
import sys

import pytest

from onepassword_operator.devconnect import command


@pytest.mark.parametrize(
    "arguments", [["--set", "version"], ["--listen", "8080"], ["--listen", "h:99999"], ["--latency-ms", "-1"], ["--latency-ms", "nan"]]
)
def test_bad_arguments_end_with_2(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("number", ["0", "6", "-1", "two", "1.5", "9" * 5000])
def test_a_number_of_replicas_that_there_is_not_is_refused_with_what_to_write(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([f"--replicas={number}"])
    assert ended.value.code == 2
    assert "argument --replicas: write a whole number from 1 to 5" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert command.run(argparse.Namespace(action="serve")) == 2
    assert "pip install 'onepassword-operator[dev-connect]'" in capsys.readouterr().err


def test_the_other_commands_of_the_program_do_without_it() -> None:
    load = "import sys; from onepassword_operator.devconnect import command"
    script = f"{load}; sys.exit('cryptography' in sys.modules or 'aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
