"""An option that is switched reaches the Secrets that exist, at the next start, without a restart of any workload.

With the official operator they keep their old shape until the item's next version.
"""

import dataclasses
from typing import Any

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.target import Rendering
from onepassword_operator.wire import onepassword_item

ANNOTATIONS = {"team": "billing", names.LAST_APPLIED: "{}"}


def _raw(uid: str) -> dict[str, Any]:
    metadata = {"namespace": "app", "name": "db", "uid": uid, "resourceVersion": "1", "generation": 1, "annotations": ANNOTATIONS}
    return {"metadata": metadata, "spec": {"itemPath": "vaults/Prod/items/db"}}


async def _started(world: World, rendering: Rendering) -> None:
    """The operator starts with these options, and reads every resource by them."""
    world.rendering = rendering
    for key, claim in world.claims.objects.items():
        read = onepassword_item.from_dict(_raw(claim.uid), rendering)
        world.claims.objects[key] = dataclasses.replace(claim, annotations=read.annotations)
    await world.restart_process()
    await world.poll()


async def test_empty_values_come_and_go_with_the_option() -> None:
    world = World()
    world.source.put(world.vault, "db", password="one", empty="")
    key = world.claim("db", "vaults/Prod/items/db")
    await world.poll()
    assert world.secrets.values(key) == {"password": "one"}
    await _started(world, Rendering(allow_empty_values=True))
    assert world.secrets.values(key) == {"password": "one", "empty": ""}
    await _started(world, Rendering())
    assert world.secrets.values(key) == {"password": "one"}
    assert world.secrets.mark(key) is None


async def test_copied_annotations_come_and_go_with_the_option_and_others_stay() -> None:
    world = World()
    world.source.put(world.vault, "db", password="one")
    key = world.claim("db", "vaults/Prod/items/db")
    await world.poll()
    world.secrets.edit(key, annotations=dict(world.secrets.objects[key].annotations) | {"somebody": "else"})
    await world.settle()
    await _started(world, Rendering(copy_annotations=True))
    assert _foreign(world) == {"team": "billing", "somebody": "else"}
    world.forget_requests()
    await _started(world, Rendering(copy_annotations=True))
    assert world.secrets.writes() == []
    await _started(world, Rendering())
    assert _foreign(world) == {"somebody": "else"}
    assert world.source.count("item ") == 0
    assert world.secrets.mark(key) is None


def _foreign(world: World) -> dict[str, str]:
    annotations = world.secrets.objects[world.key()].annotations
    return {name: value for name, value in annotations.items() if not name.startswith(names.PREFIX)}
