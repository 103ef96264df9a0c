"""What the process sets aside: the garbage collector looks at what comes and goes, and a quiet TLS connection costs little."""

import asyncio
import asyncio.sslproto
import gc
import ssl
import weakref
from collections.abc import Iterator

import pytest

from fakes.clock import FakeClock
from onepassword_operator import memory


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds, buffer = gc.get_threshold(), asyncio.sslproto.SSLProtocol.max_size
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()
    asyncio.sslproto.SSLProtocol.max_size = buffer


def test_what_has_been_there_for_a_while_is_not_looked_at_again() -> None:
    kept: list[object] = [[] for _ in range(1000)]
    memory.keep_what_is_there()
    assert gc.get_freeze_count() > len(kept)
    assert not any(found is kept for found in gc.get_objects())


class Ring:
    """An object that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


def test_what_fell_out_of_use_meanwhile_is_freed_within_a_day(clock: FakeClock) -> None:
    kept, ring = memory.KeptObjects(clock.monotonic), Ring()
    freed = weakref.ref(ring)
    kept.keep()
    del ring
    clock.advance(memory.ANEW_SECONDS - 1)
    kept.keep()
    assert freed() is not None
    clock.advance(1)
    kept.keep()
    assert freed() is None


def test_a_list_of_a_vault_comes_and_goes_between_two_looks() -> None:
    memory.collect_less_often()
    assert gc.get_threshold()[0] > 5000


async def test_a_tls_connection_sets_aside_two_records_for_reading() -> None:
    memory.set_aside_less_for_tls()
    loop = asyncio.get_running_loop()
    protocol = asyncio.sslproto.SSLProtocol(loop, asyncio.Protocol(), ssl.create_default_context(), waiter=loop.create_future())
    assert len(protocol.get_buffer(-1)) == memory.TLS_BUFFER_BYTES
    protocol._app_transport.abort()  # it complains when it is collected open
