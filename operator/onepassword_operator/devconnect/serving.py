"""Runs the server for the `dev-connect` command: tells its address in one line of JSON and ends on a signal."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import orjson

from onepassword_operator.devconnect.behaviour import Behaviour, BehaviourError
from onepassword_operator.devconnect.command import complain
from onepassword_operator.devconnect.item_shape import SeedError
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.seed import Seed


def run(arguments: argparse.Namespace) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code."""
    behaviour = Behaviour()
    try:
        behaviour.update(dict(arguments.settings))
        seed = Seed() if arguments.seed is None else Seed.load(arguments.seed)
    except (SeedError, BehaviourError) as error:
        return complain(str(error))
    try:
        return asyncio.run(_serve(arguments, seed, behaviour=behaviour))
    except OSError as error:
        return complain(f"cannot start: {error.strerror or error}; choose a free address, and a token file in a writable folder")


async def _serve(arguments: argparse.Namespace, seed: Seed, *, behaviour: Behaviour) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    server = await DevConnect.start(seed, Options(listen=arguments.listen, admin=arguments.admin, behaviour=behaviour))
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
