"""Scenarios 1 to 3, 7 and 12: from an item to the Secret that is written, without a cluster."""

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Rendering

FIVE = {f"field{number}": f"value-{number}" for number in range(5)}
SIX = {f"field{number}": f"newer-{number}" for number in range(6)}


def _annotations(secret: ObservedSecret) -> list[str]:
    return [secret.annotations[name] for name in (names.ITEM_PATH, names.ITEM_VERSION, names.AUTO_RESTART, "some/annotation")]


@pytest.mark.official(1, 2, 3, 4, 7, 12)
async def test_a_new_secret_is_complete_and_owned_and_a_newer_item_replaces_data_and_annotations() -> None:
    world = World(rendering=Rendering(copy_annotations=True))
    item = world.source.put(world.vault, "db", **FIVE)
    key = world.key("db", namespace="Any-Namespace")
    given = {names.AUTO_RESTART: "true", "some/annotation": "Some Value"}
    claim = world.claims.apply(key, "vaults/Prod/items/db", annotations=given, secret_type="kubernetes.io/tls")
    await world.poll()
    secret, path = world.secrets.objects[key], f"vaults/{world.vault}/items/{item}"
    assert (secret.type, world.secrets.values(key)) == ("kubernetes.io/tls", FIVE)
    assert _annotations(secret) == [path, "1", "true", "Some Value"]
    (owner,) = secret.owners
    assert (owner.kind, owner.api_version, owner.name, owner.uid) == ("OnePasswordItem", "onepassword.com/v1", "db", claim.uid)
    assert not owner.raw
    world.source.edit(item, **SIX)
    await world.poll_after(60)
    assert world.secrets.values(key) == SIX
    assert _annotations(world.secrets.objects[key]) == [path, "2", "true", "Some Value"]
