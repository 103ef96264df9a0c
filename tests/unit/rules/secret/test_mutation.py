"""Admission webhooks that change our Secrets as they are written."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.rules.secret.mutation import Mutation

Admission = Callable[[ObservedSecret], ObservedSecret]


def adds_a_key(secret: ObservedSecret) -> ObservedSecret:
    return replace(secret, data={**secret.data, "ca.crt": Confidential(b"pem")})


def wraps_values(secret: ObservedSecret) -> ObservedSecret:
    return replace(secret, data={key: Confidential(b"<" + value.reveal() + b">") for key, value in secret.data.items()})


def rewrites_a_label(secret: ObservedSecret) -> ObservedSecret:
    return replace(secret, labels=dict(secret.labels) | {"team": "platform"})


def takes_an_annotation_off(secret: ObservedSecret) -> ObservedSecret:
    return replace(secret, annotations={key: value for key, value in secret.annotations.items() if key != "note"})


def adds_metadata(secret: ObservedSecret) -> ObservedSecret:
    return replace(secret, labels={**secret.labels, "x": "y"}, annotations={**secret.annotations, "x": "y"})


WEBHOOKS: dict[Admission, str | None] = {
    adds_a_key: 'key "ca.crt"',
    wraps_values: 'key "password"',
    rewrites_a_label: 'label "team"',
    takes_an_annotation_off: 'annotation "note"',
    adds_metadata: None,
}


@pytest.fixture
def world() -> World:
    return World()


async def resyncs(world: World, times: int = 3) -> None:
    for _ in range(times):
        await world.poll_after(60, times=10)
        await world.process.resync.run()
        await world.settle()


async def begin(world: World, admission: Admission) -> str:
    item = world.source.put(world.vault, "db", password="one")
    world.secrets.admission = admission
    world.workloads.deploy("web", "db", annotations={names.AUTO_RESTART: "true"})
    world.claim("db", labels={"team": "app"}, annotations={"note": "x"})
    await world.settle()
    await world.poll()
    await world.poll()
    world.forget_requests()
    return item


@pytest.mark.parametrize("admission", WEBHOOKS)
async def test_what_a_webhook_changes_is_written_once_and_the_resource_says_so(world: World, admission: Admission) -> None:
    await begin(world, admission)
    await resyncs(world)
    assert (world.writes(), world.source.count("item"), world.secrets.count("get")) == ([], 0, 0)
    await world.look(world.key())
    assert (world.writes(), world.claims.ready(world.key()).reason) == ([], "Synced")
    said = world.claims.ready(world.key()).message.partition("; ")[2]
    assert said == (f"an admission webhook changes it on the way: {WEBHOOKS[admission]}" if WEBHOOKS[admission] else "")


@pytest.mark.parametrize("admission", WEBHOOKS)
async def test_a_rotation_is_one_write_one_restart_and_its_mark_is_cleared(world: World, admission: Admission) -> None:
    item = await begin(world, admission)
    await world.polled(world.source.edit(item, password="two"))
    assert "two" in world.secrets.values(world.key())["password"]
    await world.restart()
    assert world.workloads.rollouts["web"] == 1
    assert world.secrets.mark(world.key()) is None
    await resyncs(world)
    assert [request.split()[0] for request in world.secrets.writes()] == ["replace", "annotate"]
    assert world.workloads.rollouts["web"] == 1


@pytest.mark.parametrize("admission", [adds_a_key, rewrites_a_label])
async def test_what_somebody_edits_afterwards_is_repaired_and_a_new_start_writes_once(world: World, admission: Admission) -> None:
    await begin(world, admission)
    world.secrets.overwrite(world.key(), password="edited")
    await world.settle()
    assert world.secrets.values(world.key())["password"] == "one"
    world.forget_requests()
    await world.start_anew()
    await resyncs(world)
    assert world.secrets.count("replace") == 1
    assert world.secrets.mark(world.key()) is None


async def test_a_change_of_the_resource_reaches_the_secret(world: World) -> None:
    await begin(world, adds_a_key)
    world.claim("db", labels={"team": "other"})
    await world.settle()
    assert world.secrets.objects[world.key()].labels == {"team": "other", names.MANAGED: names.MANAGED_VALUE}


@pytest.mark.parametrize(
    ("mutation", "words"),
    [
        (Mutation(1, frozenset("a"), frozenset("b"), frozenset("c")), 'key "a", label "b", annotation "c"'),
        (Mutation(1, frozenset("abcdefg"), frozenset(), frozenset()), 'key "a", key "b", key "c", key "d", key "e" and 2 more'),
    ],
)
def test_it_names_the_keys_but_not_all_of_many(mutation: Mutation, words: str) -> None:
    assert str(mutation) == f"an admission webhook changes it on the way: {words}"
