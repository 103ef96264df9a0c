#!/usr/bin/env python3
"""Measures the embedded Connect server: how soon it is ready, how many requests it answers.

`.venv/bin/python bench/connect_speed.py` prints a table. Nothing passes or fails by a figure.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# Of a script Python puts its own folder on the path, not the two that are imported from.
if __name__ == "__main__":
    sys.path[:1] = [
        str(Path(__file__).resolve().parents[1]),
        str(Path(__file__).resolve().parents[1] / "tests"),
    ]

from bench.gauges import cpu_seconds, status_mib
from harness.connect_process import ConnectProcess

VAULTS = 10
CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured of one kind of request."""

    name: str
    requests: int
    wall_seconds: float
    cpu_seconds: float

    def row(self) -> str:
        """A line of the table.

        The second rate is that of one core of the server if nothing else took its time.
        """
        by_wall, by_cpu = (
            round(self.requests / seconds) for seconds in (self.wall_seconds, self.cpu_seconds)
        )
        return f"| {self.name:<40} | {by_wall:>13,} | {by_cpu:>22,} |"


class Server(ConnectProcess):
    """A server process filled with generated items."""

    def __init__(self, items: int, folder: Path, *arguments: str) -> None:
        started = time.perf_counter()
        super().__init__(
            {"generate": {"vaults": VAULTS, "items_per_vault": items // VAULTS}}, folder, *arguments
        )
        self.seconds_to_ready = time.perf_counter() - started

    def request(self, method: str, path: str, body: str = "") -> bytes:
        """A request as it goes over the wire."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: "
            f"Bearer {self.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return (head + body).encode()

    def measure(self, name: str, requests: Sequence[bytes], count: int) -> Figures:
        """Send requests over a few connections, each as soon as the one before is answered."""
        cpu, wall = cpu_seconds(self.pid), time.perf_counter()
        asyncio.run(self._send(requests, count // CONNECTIONS))
        return Figures(
            name=name,
            requests=count // CONNECTIONS * CONNECTIONS,
            wall_seconds=time.perf_counter() - wall,
            cpu_seconds=cpu_seconds(self.pid) - cpu,
        )

    async def _send(self, requests: Sequence[bytes], count: int) -> None:
        port = urlsplit(self.url).port
        await asyncio.gather(
            *(
                _one_connection(port or 0, requests[number::CONNECTIONS], count)
                for number in range(CONNECTIONS)
            )
        )


async def _one_connection(port: int, requests: Sequence[bytes], count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(count):
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(
            line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()
    await writer.wait_closed()


def measure(items: int, count: int) -> list[str]:
    """All figures, as lines to print."""
    with (
        tempfile.TemporaryDirectory(prefix="connect-speed-") as directory,
        Server(items, Path(directory)) as server,
    ):
        resident = status_mib(server.pid, "VmRSS")
        lines = [
            (
                f"{items:,} generated items: ready after {server.seconds_to_ready:.2f} s, "
                f"{resident:.0f} MiB"
            )
        ]
        figures = _reads(server, count)
    with tempfile.TemporaryDirectory(prefix="connect-speed-") as directory:
        folder = Path(directory)
        with Server(items, folder, "--state", str(folder / "state")) as server:
            lines.append(
                f"the same with --state, the first time: ready after {server.seconds_to_ready:.2f} "
                "s"
            )
            figures.append(_writes(server, count // 4, "PATCH of an item, with --state"))
        with Server(items, folder, "--state", str(folder / "state")) as server:
            lines.append(f"and after a restart: ready after {server.seconds_to_ready:.2f} s")
    header = f"| {'':<40} | {'requests in 1s':>13} | {'in 1 s of CPU':>22} |"
    return [
        *lines,
        "",
        header,
        "|" + "-" * 42 + "|" + "-" * 15 + "|" + "-" * 24 + "|",
        *(figure.row() for figure in figures),
    ]


def _reads(server: Server, count: int) -> list[Figures]:
    vaults = [vault["id"] for vault in server.ask("GET", "/v1/vaults")]
    items = [
        (vault, item["id"])
        for vault in vaults
        for item in server.ask("GET", f"/v1/vaults/{vault}/items")
    ]
    gets = [server.request("GET", f"/v1/vaults/{vault}/items/{item}") for vault, item in items]
    lists = [server.request("GET", f"/v1/vaults/{vault}/items") for vault in vaults * CONNECTIONS]
    return [
        server.measure("GET of an item", gets, count),
        server.measure(
            "GET of the vaults", [server.request("GET", "/v1/vaults")] * CONNECTIONS, count
        ),
        server.measure(f"GET of a list of {len(items) // VAULTS:,} items", lists, count // 10),
        _writes(server, count // 4, "PATCH of an item"),
    ]


def _writes(server: Server, count: int, name: str) -> Figures:
    vault = server.ask("GET", "/v1/vaults")[0]["id"]
    items = [item["id"] for item in server.ask("GET", f"/v1/vaults/{vault}/items")]
    body = '[{"op": "replace", "path": "/fields/password/value", "value": "fake"}]'
    return server.measure(
        name,
        [server.request("PATCH", f"/v1/vaults/{vault}/items/{item}", body) for item in items],
        count,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--items", type=int, default=10_000, metavar="N", help="items to start with"
    )
    parser.add_argument(
        "--requests", type=int, default=20_000, metavar="N", help="item reads to send"
    )
    chosen = parser.parse_args(arguments)
    print("\n".join(measure(chosen.items, chosen.requests)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
