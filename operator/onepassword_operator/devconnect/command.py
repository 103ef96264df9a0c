"""The `dev-connect` command: starts the server, tells its address in one line of JSON, and runs until a signal."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final

import orjson

from onepassword_operator.devconnect.item_shape import SeedError
from onepassword_operator.devconnect.runtime import DevConnect
from onepassword_operator.devconnect.seed import Seed

_BAD_USE: Final = 2
_MAX_PORT: Final = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    address = ("127.0.0.1", 0)
    parser.add_argument(
        "--listen", type=_address, default=address, metavar="HOST:PORT", help="API address (default 127.0.0.1:0, a free port)"
    )
    parser.add_argument("--admin", type=_address, default=address, metavar="HOST:PORT", help="admin address (default 127.0.0.1:0)")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="YAML file with the vaults and items to start with")
    parser.add_argument("--latency-ms", type=_milliseconds, default=0.0, metavar="N", help="delay of every API reply (default 0)")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="also write the token here, readable by the owner only")


def run(arguments: argparse.Namespace) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code."""
    try:
        seed = Seed() if arguments.seed is None else Seed.load(arguments.seed)
    except SeedError as error:
        return _complain(str(error))
    try:
        return asyncio.run(_serve(arguments, seed))
    except OSError as error:
        return _complain(f"cannot start: {error.strerror or error}; choose a free address, and a token file in a writable folder")


async def _serve(arguments: argparse.Namespace, seed: Seed) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    (host, port), (admin_host, admin_port) = arguments.listen, arguments.admin
    server = await DevConnect.start(seed, host=host, port=port, admin_host=admin_host, admin_port=admin_port)
    try:
        server.faults.latency_seconds = arguments.latency_ms / 1000
        if arguments.token_file is not None:
            _write_private(arguments.token_file, server.token)
        ready = {"url": server.url, "token": server.token, "admin": server.admin_url}
        sys.stdout.write(orjson.dumps(ready).decode() + "\n")
        sys.stdout.flush()
        await stopping.wait()
    finally:
        await server.stop()
    return 0


def _write_private(path: Path, text: str) -> None:
    # Created under another name and renamed, so that neither old permissions nor a reader meets half a token.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _complain(problem: str) -> int:
    sys.stderr.write(f"dev-connect: {problem}\n")
    return _BAD_USE


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > _MAX_PORT:
        raise argparse.ArgumentTypeError("write HOST:PORT, for example 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def _milliseconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("write a number of milliseconds from 0")
    return number
