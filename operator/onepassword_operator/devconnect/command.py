"""The `dev-connect` command and its options.

Every command of the program imports this file, so it imports nothing of the server itself that
would load a library.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from onepassword_operator.devconnect import token_command
from onepassword_operator.devconnect.rest import balancing

EXAMPLE: Final = Path(__file__).with_name("example.yaml")
_MAX_PORT: Final = 65535
_LOOPBACK: Final = ("127.0.0.1", 0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--listen",
        type=_address,
        default=_LOOPBACK,
        metavar="HOST:PORT",
        help="API address (default 127.0.0.1:0, a free port)",
    )
    parser.add_argument(
        "--admin",
        type=_address,
        default=_LOOPBACK,
        metavar="HOST:PORT",
        help="admin address (default 127.0.0.1:0)",
    )
    _add_contents(parser)
    _add_replicas(parser)
    _add_tls(parser)
    _add_behaviour(parser)
    actions = parser.add_subparsers(
        dest="action",
        metavar="[token]",
        help="print a token of a server that is running (token --help)",
    )
    token_command.add_arguments(
        actions.add_parser(
            "token", description="Prints a new token of a running server.", allow_abbrev=False
        )
    )


def _add_contents(parser: argparse.ArgumentParser) -> None:
    contents = parser.add_mutually_exclusive_group()
    contents.add_argument(
        "--seed",
        type=Path,
        metavar="FILE",
        help="YAML file with the vaults and items to start with",
    )
    contents.add_argument(
        "--example",
        action="store_const",
        const=EXAMPLE,
        dest="seed",
        help="start with one item of every category and field type",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="keep everything here over restarts; the seed is used only while it is empty",
    )


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--latency-ms",
        type=_milliseconds,
        default=0.0,
        metavar="N",
        help="delay of every API reply (default 0)",
    )
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="also write the token here, readable by the owner only",
    )
    parser.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="one setting of docs/connect-server.md; may be repeated, "
        "and changed later on the admin port",
    )


def _add_replicas(parser: argparse.ArgumentParser) -> None:
    replicas = parser.add_argument_group("several Connect pods behind one Kubernetes Service")
    replicas.add_argument(
        "--replicas",
        type=_replicas,
        default=1,
        metavar="N",
        help=f"how many, 1 to {balancing.MOST_REPLICAS} (default 1); they may be out of step",
    )
    replicas.add_argument(
        "--balance",
        choices=balancing.BALANCES,
        default=balancing.BY_CONNECTION,
        help="whether each new connection (default) or each request goes to one of them at random",
    )
    replicas.add_argument(
        "--balance-seed", type=int, metavar="N", help="choose as in the last run with this number"
    )


def _add_tls(parser: argparse.ArgumentParser) -> None:
    tls = parser.add_argument_group("TLS of the API port")
    tls.add_argument(
        "--tls",
        action="store_true",
        help="with a certificate made for localhost and the address of --listen",
    )
    tls.add_argument(
        "--tls-name",
        action="append",
        default=[],
        metavar="NAME",
        dest="tls_names",
        help="a further host name or address for it; may be repeated",
    )
    tls.add_argument(
        "--tls-ca",
        type=Path,
        metavar="FILE",
        help="write the authority that clients have to trust to this file",
    )
    tls.add_argument(
        "--tls-cert",
        type=Path,
        metavar="FILE",
        help="instead: a certificate of your own with its chain, PEM",
    )
    tls.add_argument("--tls-key", type=Path, metavar="FILE", help="and its key, PEM")


def run(arguments: argparse.Namespace) -> int:
    """Run the server until SIGTERM or SIGINT, or a command of its own; return the exit code."""
    if arguments.action == "token":
        return token_command.run(arguments)
    from onepassword_operator.devconnect import serving  # noqa: PLC0415  see the top of the file

    return serving.run(arguments)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > _MAX_PORT:
        raise argparse.ArgumentTypeError("write HOST:PORT, for example 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def _replicas(text: str) -> int:
    if (
        not text.isascii()
        or not text.isdigit()
        or not 1 <= int(text[:9]) <= balancing.MOST_REPLICAS
    ):
        raise argparse.ArgumentTypeError(
            f"write a whole number from 1 to {balancing.MOST_REPLICAS}"
        )
    return int(text)


def _milliseconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("write a number of milliseconds from 0")
    return number


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("write NAME=VALUE, for example archived_items=listed")
    return name, value
