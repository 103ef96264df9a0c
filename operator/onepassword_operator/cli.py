"""The command line: `run` (default), `dev-connect`, `version`."""

from __future__ import annotations

import argparse
import asyncio
import difflib
import os
import sys
import threading
from collections.abc import Sequence
from typing import Final

from onepassword_operator import __version__
from onepassword_operator.cluster.credentials import KubeconfigError
from onepassword_operator.model.errors import OperatorError
from onepassword_operator.settings import go_flags as flags
from onepassword_operator.settings import schema as settings
from onepassword_operator.telemetry import log
from onepassword_operator.telemetry.serving_certificate import ServingCertificateError

LEFTOVERS_SECONDS: Final = 5.0
DEEPEST: Final = 12_000
"""Limit of recursion, which decoders of JSON count by levels.

The API server takes objects of 10,000 levels from anybody, in `managedFields`: with Python's 1,000
one of them would make each list with it unreadable.
"""
COMMANDS: Final = ("run", "dev-connect", "version")
HELP: Final = ("-h", "--help", "-help", "--h")
VERSION: Final = ("--version", "-version")

_FIELDS: Final = settings.Settings.model_fields


def _described(name: str, variable: str) -> str:
    field = _FIELDS[name]
    has_default = not field.is_required() and field.default
    default = f" Default: {_spelled(field.default)}." if has_default else ""
    return f"  {variable}\n      {field.description}{default}"


def _spelled(default: object) -> object:
    return str(default).lower() if isinstance(default, bool) else default


_ENVIRONMENT: Final = "environment variables:\n" + "\n".join(
    _described(name, variable) for name, variable in settings.variable_names().items()
)

_EPILOG: Final = """\
examples:
  OP_CONNECT_HOST=http://localhost:8090 OP_CONNECT_TOKEN=... KUBECONFIG=~/.kube/config \
onepassword-operator
      run against the cluster of a kubeconfig
  onepassword-operator dev-connect --seed seed.yaml
      a Connect server for development: no 1Password account needed
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code: 0 fine, 1 failed, 2 unusable arguments or settings."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    first = given[0] if given else ""
    if first in VERSION:
        given[0] = first = "version"
    if first in HELP or first in COMMANDS[1:]:
        parsed = _parser().parse_args(["--help"] if first in HELP else given)
        return int(parsed.run(parsed))
    if near := [] if first in COMMANDS else difflib.get_close_matches(first, COMMANDS, n=1):
        return _refused([f"there is no such command; did you mean {near[0]}? See --help"])
    return _run(given[1:] if first == "run" else given)


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
        help="run the operator (the default: the word `run` may be left out)",
        description="Watches OnePasswordItems, polls 1Password Connect, "
        "keeps Secrets in line and restarts workloads that opted in.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _declare_flags(run)
    _add_dev_connect(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def known_flags() -> flags.Known:
    """Return the flags of `run`, divided into booleans and flags that take a value."""
    dashed = {name.replace("_", "-"): name for name in settings.flag_names()}
    booleans = frozenset(flag for flag, name in dashed.items() if _is_boolean(name))
    return flags.Known(booleans=booleans, valued=dashed.keys() - booleans)


def _is_boolean(name: str) -> bool:
    return _FIELDS[name].annotation in {bool, bool | None}


def _declare_flags(parser: argparse.ArgumentParser) -> None:
    # For the help text only; `flags.parse` does the reading.
    for name in settings.flag_names():
        field = _FIELDS[name]
        shown = f" (default {_spelled(field.default)})" if _spelled(field.default) else ""
        flag, text = f"--{name.replace('_', '-')}", f"{field.description}{shown}"
        if _is_boolean(name):
            parser.add_argument(flag, nargs="?", metavar="=BOOL", help=text)
        else:
            parser.add_argument(flag, metavar="VALUE", help=text)


def _add_dev_connect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    # only this command needs the server
    from onepassword_operator.devconnect import command  # noqa: PLC0415

    parser = commands.add_parser(
        "dev-connect",
        help="run a Connect server for development and tests",
        description="A 1Password Connect server in memory, filled from a YAML seed; "
        "no account needed. Not for real secrets.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def _version(parsed: argparse.Namespace) -> int:
    del parsed
    sys.stdout.write(f"onepassword-operator {__version__}\n")
    return 0


def _refused(problems: Sequence[str]) -> int:
    for problem in problems:
        sys.stderr.write(f"onepassword-operator: {problem}\n")
    return 2


def _run(arguments: Sequence[str]) -> int:
    parsed = flags.parse(arguments, known_flags())
    if parsed.asks_for_help:
        _parser().parse_args(["run", "--help"])
    problems, loaded = parsed.problems, None
    try:
        loaded = settings.load(
            {name.replace("-", "_"): value for name, value in parsed.values.items()}, os.environ
        )
    except settings.SettingsError as error:
        problems = [*problems, *str(error).splitlines()]
    if problems or loaded is None:
        return _refused(problems)
    log.configure(
        level=loaded.log_level,
        encoder=loaded.log_encoder,
        time_encoding=loaded.zap_time_encoding,
        stacktrace_level=loaded.stacktrace_level,
    )
    return _operate(loaded)


def _operate(loaded: settings.Settings) -> int:
    # keeps `version` and `--help` quick: kopf takes a quarter of a second
    from onepassword_operator import app  # noqa: PLC0415

    sys.setrecursionlimit(DEEPEST)
    try:
        with asyncio.Runner() as runner:
            code = runner.run(app.run(loaded))
            # All of our own work has ended and its connections are closed. Only kopf's tasks are
            # left, and a kopf task that is cancelled while it starts may never end. A pod must
            # still stop when Kubernetes stops it.
            watchdog = threading.Timer(LEFTOVERS_SECONDS, os._exit, (code,))
            watchdog.daemon = True
            watchdog.start()
        watchdog.cancel()
        return code
    except (KubeconfigError, ServingCertificateError) as error:
        return _refused([str(error)])
    except (OperatorError, OSError, ValueError) as error:
        sys.stderr.write(f"onepassword-operator: {error}\n")
        return 1
