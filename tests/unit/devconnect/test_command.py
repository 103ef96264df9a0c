"""The options of the dev-connect command."""

import argparse
import subprocess
import sys

import pytest

from onepassword_operator.devconnect import command

SERVE = ["--set version", "--listen 8080", "--listen h:99999", "--latency-ms -1", "--latency-ms nan"]
WRONG = ("--vault x", "--vault =r", "--vault x=q", "--expires-in 0", "--expires-in x")
TOKEN = [f"token --admin-url http://127.0.0.1:1 {wrong}" for wrong in WRONG]
REPLICAS = [f"--replicas={number}" for number in ("0", "6", "-1", "two", "1.5", "9" * 5000)]
SAID = "error: argument --replicas: write a whole number from 1 to 5"


@pytest.mark.parametrize(
    ("arguments", "said"), [*((bad, "error: argument --") for bad in SERVE + TOKEN), *((bad, SAID) for bad in REPLICAS)]
)
def test_bad_arguments_end_with_2_and_are_named(arguments: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_other_commands_of_the_program_do_without_it() -> None:
    load = "import sys; from onepassword_operator.devconnect import command"
    script = f"{load}; sys.exit('cryptography' in sys.modules or 'aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
