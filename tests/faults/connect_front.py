"""An end of TLS in front of Connect that a test can turn bad while clients use it: other certificates, none, or replies without end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from controlplane.certificates import KeyPair
from fakes.relays import Address, listening, pass_on

PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
BLOCK = b'{"id": "aaaaaaaaaaaaaaaaaaaaaaaaaa", "title": "and so on"}, ' * 1024


@dataclass
class Front:
    """What it shows and sends, as of now; a request gets a connection of its own."""

    address: Address
    """Where Connect is."""
    pair: KeyPair | None
    """The certificate and its key; None for a server that speaks no TLS."""
    endless: tuple[str, ...] = ()
    """Ends of paths whose replies never end."""
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.pair is None:
            await reader.read(1)
            writer.write(PLAIN)
            return
        await writer.start_tls(self.pair.server_tls())
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        if any(path.endswith(end) for end in self.endless):
            await self._go_on(reader, writer, path=path)
        else:
            await pass_on((reader, writer), self.address, first=head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))

    async def _go_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, path: str) -> None:
        # Over TLS a client that went away is told by its silence only: what is written to it vanishes, and nothing waits.
        gone = asyncio.create_task(reader.read(1))
        writer.write(ENDLESS + (b"[" if path.endswith(("/vaults", "/items")) else b'{"fields": ['))
        with contextlib.suppress(ConnectionError):
            while not gone.done() and not writer.is_closing():
                writer.write(BLOCK)
                await writer.drain()
                await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)


@contextlib.asynccontextmanager
async def front(address: Address, pair: KeyPair) -> AsyncIterator[Front]:
    made = Front(address, pair)
    async with listening(made.serve) as port:
        made.port = port
        yield made
