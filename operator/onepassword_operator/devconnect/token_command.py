"""The `dev-connect token` command: requests a token from a running server's admin port."""

from __future__ import annotations

import argparse
import http.client
import json
import sys
from typing import Final
from urllib.parse import urlsplit

from onepassword_operator.devconnect.complaint import BAD_USE

_TIMEOUT_SECONDS: Final = 10.0
_MODES: Final = frozenset({"r", "w", "rw"})
_FEATURES: Final = ("auditevents", "itemusages", "signinattempts")


class TokenError(Exception):
    """No token could be made; the message says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--admin-url",
        required=True,
        metavar="URL",
        help="the admin address that the server printed at its start",
    )
    parser.add_argument(
        "--vault",
        type=_scope,
        action="append",
        default=[],
        metavar="NAME=r|w|rw",
        dest="scope",
        help="a vault by name or ID and what the token may do there; may be repeated; "
        "without it, everything everywhere",
    )
    parser.add_argument(
        "--events",
        action="append",
        choices=_FEATURES,
        default=[],
        metavar="FEATURE",
        dest="features",
        help=f"instead: a token of the Events API for {', '.join(_FEATURES)}; may be repeated",
    )
    parser.add_argument(
        "--expires-in",
        type=_seconds,
        metavar="SECONDS",
        help="how long the token is good (default: for ever)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print a new token; return the exit code."""
    body: dict[str, object] = {"vaults": dict(arguments.scope)} if arguments.scope else {}
    if arguments.features:
        body["features"] = arguments.features
    if arguments.expires_in is not None:
        body["expires_in_seconds"] = arguments.expires_in
    try:
        token = _ask(arguments.admin_url, body)
    except TokenError as error:
        sys.stderr.write(f"dev-connect token: {error}\n")
        return BAD_USE
    sys.stdout.write(f"{token}\n")
    return 0


def _ask(url: str, body: dict[str, object]) -> str:
    host, port = _address(url)
    # No proxy is asked: the admin port is on this machine.
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(
            "POST", "/tokens", json.dumps(body), {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TokenError(
            f"no usable answer at {url} ({type(error).__name__}); is the server running?"
        ) from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise TokenError(str(answer.get("message", response.status)))
    return str(answer["token"])


def _address(url: str) -> tuple[str, int]:
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port
    except ValueError:
        host, port = None, None
    if not url.startswith("http://") or not host or not port:
        raise TokenError(
            "--admin-url must be the address that `dev-connect` prints as `admin`, such as http://127.0.0.1:8091"
        )
    return host, port


def _scope(text: str) -> tuple[str, str]:
    vault, equals, mode = text.rpartition("=")
    if not equals or not vault or mode not in _MODES:
        raise argparse.ArgumentTypeError(
            "write NAME=MODE with the mode r, w or rw, for example 'Prod apps=r'"
        )
    return vault, mode


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("write a number of seconds, more than 0")
    return number
