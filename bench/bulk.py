"""Sends many requests to the API server at next to no cost: for setting a scene, and the floor.

Talks HTTP/1.1 over TLS with prepared bytes; a client that builds and parses objects would be the
bottleneck that it is meant to find.
"""

from __future__ import annotations

import asyncio
import collections
import json
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

CONNECTIONS = 16
"""As many as our operator has workers."""

JSON = "application/json"
MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    method: str
    path: str
    body: Any
    content: str = JSON

    def encode(self, host: str) -> bytes:
        """As it goes over the wire."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: "
            f"{self.content}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Bulk:
    """A sender with the rights of a kubeconfig that holds a client certificate."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        address = urlsplit(cluster["server"])
        self._host, self._port = str(address.hostname), int(address.port or 443)
        self._tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._tls.load_cert_chain(user["client-certificate"], user["client-key"])

    def send(
        self, chains: Iterable[Iterable[Call]], *, report: Callable[[int], object] = bool
    ) -> float:
        """Send every chain's calls one after the other, many chains at a time; the seconds it took.

        Any refusal is an error.
        """
        return asyncio.run(self._send(chains, report))

    async def _send(
        self, chains: Iterable[Iterable[Call]], report: Callable[[int], object]
    ) -> float:
        waiting = collections.deque([call.encode(self._host) for call in chain] for chain in chains)
        streams = [
            await asyncio.open_connection(self._host, self._port, ssl=self._tls)
            for _ in range(min(CONNECTIONS, len(waiting) or 1))
        ]
        total, started = len(waiting), time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                for reader, writer in streams:
                    group.create_task(_work(reader, writer, waiting=waiting))
                while waiting:
                    report(total - len(waiting))
                    await asyncio.sleep(0.1)
            report(total)
            return time.monotonic() - started
        finally:
            for _, writer in streams:
                writer.close()
            await asyncio.gather(
                *(writer.wait_closed() for _, writer in streams), return_exceptions=True
            )


async def _work(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    waiting: collections.deque[list[bytes]],
) -> None:
    while waiting:
        for request in waiting.popleft():
            writer.write(request)
            await _answer(reader)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.splitlines()
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await _chunks(reader)
    if not first.split(" ", 2)[1].startswith("2"):
        raise RuntimeError(
            f"the API server refused what the benchmark needs: {first}: {body[:300]!r}"
        )


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)
