"""Which replica answers, over real connections."""

import gc
import weakref
from collections.abc import AsyncIterator

import aiohttp
import pytest

from onepassword_operator.devconnect.rest.balancing import BalanceError, Balancer
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.seed import Seed


@pytest.fixture
async def trio(seed: Seed) -> AsyncIterator[DevConnect]:
    server = await DevConnect.start(seed, Options(replicas=3, balance_seed=1))
    yield server
    await server.stop()


async def answered_by(server: DevConnect, requests: int) -> list[str]:
    """The replicas that answered so many requests in a row on a connection of their own."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {server.token}"}) as session:
        names = []
        for _ in range(requests):
            async with session.get(f"{server.url}/v1/vaults") as reply:
                await reply.read()
                names.append(reply.headers["Dev-Connect-Replica"])
        return names


async def test_a_new_connection_may_meet_another_replica_and_stays_with_it(trio: DevConnect) -> None:
    connections = [await answered_by(trio, 5) for _ in range(20)]
    assert all(len(set(names)) == 1 for names in connections)
    assert {names[0] for names in connections} == {"0", "1", "2"}


async def test_replicas_share_the_items_that_they_show(trio: DevConnect) -> None:
    (vault, *_) = trio.store.vaults()
    kept = trio.store.items(vault.id)
    for view in trio.store.replicas:
        assert all(shown is item for shown, item in zip(view.items(vault.id), kept, strict=True))
        assert all(view.item(vault.id, item.id) is item for item in kept)


async def test_replicas_share_tokens_and_faults(trio: DevConnect) -> None:
    trio.balancer.change(balance="request")
    await trio.faults.replace([{"action": "status", "status": 503, "times": 4}])
    async with aiohttp.ClientSession() as session:
        statuses = []
        for token in (trio.token,) * 6 + ("wrong",) * 6:
            async with session.get(f"{trio.url}/v1/vaults", headers={"Authorization": f"Bearer {token}"}) as reply:
                statuses.append(reply.status)
    assert statuses == [503] * 4 + [200] * 2 + [401] * 6


async def test_while_1password_is_out_of_reach_no_replica_shows_anything_new(trio: DevConnect) -> None:
    await trio.faults.replace([{"action": "offline"}])
    trio.editor.create_vault("later")
    assert {len(view.vaults()) for view in trio.store.replicas} == {2}
    await trio.faults.clear()
    assert {len(view.vaults()) for view in trio.store.replicas} == {3}


class Connection:
    """What a balancer knows of a connection: that it is one."""


def test_a_connection_that_has_ended_is_not_kept() -> None:
    connection = Connection()
    gone = weakref.ref(connection)
    balancer = Balancer(2)
    balancer.pick(connection)
    del connection
    gc.collect()
    assert gone() is None
    assert balancer.pick(None) in (0, 1)


@pytest.mark.parametrize("replicas", [-1, 0, 6])
def test_a_number_of_replicas_that_there_is_not_is_refused(replicas: int) -> None:
    with pytest.raises(BalanceError, match=f"replicas must be a whole number from 1 to 5, not {replicas}"):
        DevConnect(Options(replicas=replicas))
