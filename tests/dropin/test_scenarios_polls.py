"""Scenarios 39 to 46: what a poll does when an item has a new version, without a cluster."""

import pytest

from fakes.world import World
from onepassword_operator.model.target import Rendering


@pytest.mark.official(39, 40, 43)
async def test_exactly_the_namespaces_of_changed_secrets_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resources come from watched namespaces only, and so do changed Secrets; no other namespace is looked at."""
    world, asked = World(), list[str]()
    settings = {"app": "true", "second": "true", "elsewhere": "true"}
    items = {namespace: world.source.put(world.vault, namespace, password="one") for namespace in settings}
    for namespace in ("app", "second"):
        world.claims.apply(world.key("db", namespace), f"vaults/Prod/items/{namespace}")
        world.workloads.deploy("web", "db", namespace=namespace)
    world.workloads.deploy("web", "db", namespace="elsewhere")

    async def setting(namespace: str) -> str | None:
        asked.append(namespace)
        return settings[namespace]

    monkeypatch.setattr(world.workloads, "namespace_setting", setting)
    await world.poll()
    for item in items.values():
        world.source.edit(item, password="two")
    await world.poll_after(60)
    for namespace in sorted(world.process.woken):
        await world.restart(namespace)
    assert set(asked) == {"app", "second"}
    assert world.workloads.rollouts["web"] == 2


@pytest.mark.parametrize(
    ("allow_empty", "values"),
    [
        pytest.param(False, {"kept": "two"}, marks=pytest.mark.official(45)),
        pytest.param(True, {"kept": "two", "emptied": ""}, marks=pytest.mark.official(46)),
    ],
)
async def test_an_update_drops_what_is_gone_and_treats_empty_values_as_told(*, allow_empty: bool, values: dict[str, str]) -> None:
    world = World(rendering=Rendering(allow_empty_values=allow_empty))
    item = world.source.put(world.vault, "db", kept="one", emptied="one", stale="one")
    key = world.claim("db", "vaults/Prod/items/db")
    await world.poll()
    world.source.edit(item, kept="two", emptied="")
    await world.poll_after(60)
    assert world.secrets.values(key) == values
