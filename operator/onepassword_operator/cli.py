"""The command line: `run` (default), `dev-connect`, `version`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from typing import Final

from onepassword_operator import __version__, settings
from onepassword_operator.model.errors import OperatorError
from onepassword_operator.telemetry import log

LEFTOVERS_SECONDS: Final = 5.0
COMMANDS: Final = ("run", "dev-connect", "version")

_ENVIRONMENT: Final = "environment variables:\n" + "\n".join(
    f"  {field.validation_alias}\n      {field.description}"
    + ("" if field.is_required() or not field.default else f" Default: {str(field.default).lower()}.")
    for field in settings.Settings.model_fields.values()
    if field.validation_alias
)

_EPILOG: Final = """\
examples:
  OP_CONNECT_HOST=http://localhost:8090 OP_CONNECT_TOKEN=... KUBECONFIG=~/.kube/config onepassword-operator
      run against the cluster of a kubeconfig
  onepassword-operator dev-connect --seed seed.yaml
      a Connect server for development: no 1Password account needed
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 fine, 1 failed, 2 unusable arguments."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0] not in COMMANDS and given[0] not in {"-h", "--help", "-help"}):
        given = ["run", *given]
    parsed = _parser().parse_args(settings.normalised(given))
    return int(parsed.run(parsed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onepassword-operator",
        description="Keeps Kubernetes Secrets equal to 1Password items.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run",
        help="run the operator (the default: all flags may be given without the word `run`)",
        description="Watches OnePasswordItems, polls 1Password Connect, keeps Secrets in line and restarts workloads that opted in.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    settings.add_flags(run)
    run.set_defaults(run=_run)
    _add_dev_connect(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _add_dev_connect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from onepassword_operator.devconnect import command  # noqa: PLC0415  only this command needs the server

    parser = commands.add_parser(
        "dev-connect",
        help="run a Connect server for development and tests",
        description="A 1Password Connect server in memory, filled from a YAML seed; no account needed. Not for real secrets.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def _version(parsed: argparse.Namespace) -> int:
    del parsed
    sys.stdout.write(f"onepassword-operator {__version__}\n")
    return 0


def _run(parsed: argparse.Namespace) -> int:
    try:
        loaded = settings.load(vars(parsed), os.environ)
    except settings.SettingsError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"onepassword-operator: {line}\n")
        return 2
    log.configure(level=loaded.log_level, encoder=loaded.zap_encoder)
    from onepassword_operator import app  # noqa: PLC0415  keeps `version` and `--help` quick: kopf takes a quarter of a second

    try:
        with asyncio.Runner() as runner:
            code = runner.run(app.run(loaded))
            # All of our own work has ended and its connections are closed. What is left are kopf's tasks, and one of them that was
            # cancelled at an unlucky moment of its start has been seen not to end; a pod that is told to stop has to.
            watchdog = threading.Timer(LEFTOVERS_SECONDS, os._exit, (code,))
            watchdog.daemon = True
            watchdog.start()
        watchdog.cancel()
        return code
    except (OperatorError, OSError, ValueError) as error:
        sys.stderr.write(f"onepassword-operator: {error}\n")
        return 1
