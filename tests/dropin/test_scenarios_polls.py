"""Scenarios 28 to 31 and 39 to 47: what a poll does when an item has a new version, and who restarts, without a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.target import Rendering
from onepassword_operator.wire.workload import from_dict

ENV = {"containers": [{"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]}]}
ENV_FROM = {"containers": [{"envFrom": [{"secretRef": {"name": "db"}}]}]}
VOLUME = {"volumes": [{"secret": {"secretName": "db"}}]}
NO_USE: dict[str, Any] = {"containers": [{"image": "app"}]}
FOREIGN = {"somebody/annotation": "of the pod template"}
ITEM_NAME = names.PREFIX + "item-name"
DEMAND = {ITEM_NAME: "db", names.ITEM_PATH: "vaults/Prod/items/db"}


def _deploy(world: World, pod: Mapping[str, Any], annotations: Mapping[str, str] | None = None) -> None:
    metadata = {"namespace": "app", "name": "web", "uid": "w", "resourceVersion": "1", "creationTimestamp": "2024-01-01T00:00:00Z"}
    template = {"metadata": {"annotations": FOREIGN}, "spec": pod}
    raw = {"metadata": metadata | {"annotations": dict(annotations or {})}, "spec": {"template": template}}
    world.workloads._keep(from_dict(raw))


async def _rotated(world: World, *, secret: str | None = None) -> tuple[str, int]:
    """The item gets a new version while restarts are on; the Secret's value afterwards, and how often `web` was rolled out."""
    item = world.source.put(world.vault, "db", password="one")
    key = world.claim("db", "vaults/Prod/items/db", annotations={} if secret is None else {names.AUTO_RESTART: secret})
    await world.poll()
    world.process.restart._auto_restart = True
    world.source.edit(item, password="two")
    await world.poll_after(60)
    await world.restart()
    assert FOREIGN.items() <= world.workloads.objects["app", "web"].template_annotations.items()
    return world.secrets.values(key)["password"], world.workloads.rollouts["web"]


@pytest.mark.parametrize(
    ("pod", "annotations", "rollouts"),
    [
        pytest.param(NO_USE, {ITEM_NAME: "another"}, 0, marks=pytest.mark.official(28, 47), id="annotated for another"),
        pytest.param(ENV, {}, 1, marks=pytest.mark.official(29), id="by a variable"),
        pytest.param(ENV_FROM, {}, 1, marks=pytest.mark.official(18, 20, 47), id="by all keys"),
        pytest.param(NO_USE, DEMAND, 1, marks=pytest.mark.official(30), id="by the annotation"),
        pytest.param(VOLUME, {}, 1, marks=pytest.mark.official(31), id="by a volume"),
    ],
)
async def test_a_new_version_restarts_who_uses_the_secret(pod: dict[str, Any], annotations: dict[str, str], rollouts: int) -> None:
    world = World()
    _deploy(world, pod, annotations)
    assert await _rotated(world) == ("two", rollouts)


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


async def test_a_bad_restart_setting_means_no_and_blocks_nothing() -> None:
    world = World()
    _deploy(world, ENV, {names.AUTO_RESTART: "true"})
    assert await _rotated(world, secret="perhaps") == ("two", 0)
