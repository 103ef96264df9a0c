"""Runs the `dev-connect` server until a signal, and prints its address in one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.auth import certificates
from onepassword_operator.devconnect.auth.certificates import CertificateError, SelfMade
from onepassword_operator.devconnect.behaviour import Behaviour, BehaviourError
from onepassword_operator.devconnect.complaint import complain
from onepassword_operator.devconnect.durable_file import write_whole
from onepassword_operator.devconnect.items.item_shape import SeedError
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.seed import Seed
from onepassword_operator.devconnect.store.state import State, StateError


def run(arguments: argparse.Namespace) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code."""
    try:
        seed = Seed() if arguments.seed is None else Seed.load(arguments.seed)
        return asyncio.run(_serve(arguments, seed))
    except (SeedError, BehaviourError, StateError, CertificateError) as error:
        return complain(str(error))
    except OSError as error:
        return complain(
            f"cannot start: {error.strerror or error}; choose a free address, "
            "and a token file in a writable folder"
        )


async def _serve(arguments: argparse.Namespace, seed: Seed) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    server = await DevConnect.start(seed, _options(arguments))
    try:
        server.faults.latency_seconds = arguments.latency_ms / 1000
        if arguments.token_file is not None:
            write_whole(arguments.token_file, server.token.encode())
        ready = {"url": server.url, "token": server.token, "admin": server.admin_url}
        sys.stdout.write(json_codec.encode(ready).decode() + "\n")
        sys.stdout.flush()
        await stopping.wait()
    finally:
        await server.stop()
    return 0


def _options(arguments: argparse.Namespace) -> Options:
    behaviour = Behaviour()
    behaviour.update(dict(arguments.settings))
    state = None if arguments.state is None else State.open(arguments.state)
    if state is not None and not state.is_new and arguments.seed is not None:
        sys.stderr.write(
            f"dev-connect: {arguments.state} holds items already, so the seed is not used\n"
        )
    return Options(
        listen=arguments.listen,
        admin=arguments.admin,
        behaviour=behaviour,
        state=state,
        tls=_tls(arguments),
        replicas=arguments.replicas,
        balance=arguments.balance,
        balance_seed=arguments.balance_seed,
    )


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    given = (arguments.tls_cert, arguments.tls_key)
    if any(given) and (not all(given) or arguments.tls):
        raise CertificateError(
            "give --tls-cert and --tls-key together, or --tls alone for a certificate that is made"
        )
    if all(given):
        return certificates.context(*given)
    if not arguments.tls:
        return None
    names = (*certificates.LOOPBACK_NAMES, arguments.listen[0], *arguments.tls_names)
    made = (
        SelfMade.make(names)
        if arguments.state is None
        else SelfMade.keep(arguments.state / "tls.pem", names)
    )
    if arguments.tls_ca is not None:
        arguments.tls_ca.write_bytes(made.authority)
    return made.context()
