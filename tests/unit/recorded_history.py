"""A history whose written objects, requests, Events and log lines are recorded to the byte: existing clusters hold what it shows.

`PYTHONPATH=operator:tests python tests/unit/recorded_history.py` records it anew, which only a change on purpose may need.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from fakes.item_source import fields_of
from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterConflictError
from onepassword_operator.model.secret import OwnerReference
from onepassword_operator.telemetry.log import fields_of as fields_of_record

RECORDED = Path(__file__).with_name("recorded_history.yaml")


async def history() -> dict[str, Any]:
    """What the cluster holds after each step, and what was said and asked on the way."""
    passing, lines = History(), _Lines()
    world = passing.world
    shown: dict[str, Any] = {}
    before: dict[str, Any] = {}
    logger = logging.getLogger("onepassword_operator")
    former = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.DEBUG)
    try:
        for step in STEPS:
            await step(passing)
            now = _shown(world) | {"log": lines.taken()}
            shown[step.__name__] = _changed(before, now)
            before = now
            world.forget_requests()
    finally:
        logger.removeHandler(lines)
        logger.setLevel(former)
    return shown


class History:
    """Its steps, in the order in which they happen."""

    def __init__(self) -> None:
        self.world = World()
        self.item = self.world.source.put(self.world.vault, "db", password="one", host="h")
        self.taken = self.other = ""

    async def a_new_resource(self) -> None:
        self.world.claim("db", labels={"app": "billing"}, annotations={names.AUTO_RESTART: "true"})
        self.world.workloads.deploy("user", "db")
        self.world.workloads.deploy("bystander", "other")
        await self.world.settle()

    async def a_rotation(self) -> None:
        self.world.source.edit(self.item, password="two", host="h")
        self.world.secrets.time = "2024-05-02T12:00:00Z"
        await self.world.poll_after(60)

    async def a_deletion_while_the_restart_is_due(self) -> None:
        self.world.secrets.delete(self.world.key())
        await self.world.settle()

    async def its_restart(self) -> None:
        await self.world.restart()

    async def a_hand_edit(self) -> None:
        self.world.secrets.overwrite(self.world.key(), password="mine")
        await self.world.settle()

    async def a_deployment_that_asks(self) -> None:
        self.world.asks("asking", "db")
        self.world.asks("another", "annotated", under="annotated", path=f"vaults/{self.world.vault}/items/{self.item}")
        await self.world.settle()

    async def a_takeover_and_its_restart(self) -> None:
        self.taken = self.world.source.put(self.world.vault, "official", password="three")
        self.world.source.edit(self.taken, password="four")
        await self.world.poll_after(60)
        self.world.claim("official", "vaults/Prod/items/official", annotations={names.AUTO_RESTART: "true"})
        claim = self.world.claims.objects[self.world.key("official")]
        owner = OwnerReference(kind=names.KIND, name="official", uid=claim.uid, api_version=names.API_VERSION)
        self.world.official(self.taken, owner, name="official", version=1)
        self.world.workloads.deploy("official-user", "official", "db")
        await self.world.settle()
        await self.world.restart()

    async def another_item(self) -> None:
        self.world.workloads.delete("asking")
        self.other = self.world.source.put(self.world.vault, "other", password="four", **{"--": "no key"})
        self.world.claims.apply(self.world.key(), f"vaults/Prod/items/{self.other}")
        await self.world.settle()
        await self.world.restart()

    async def a_frozen_item(self) -> None:
        self.world.claim("frozen")
        self._keep(self.item, version=9, tags=(names.IGNORE_TAG,), fields=fields_of({"a": "b"}))
        await self.world.poll_after(60)

    async def an_archived_item_and_a_path_to_nowhere(self) -> None:
        self.world.source.archive(self.taken)
        self.world.claim("nowhere", "vaults/Prod/items/nowhere")
        self.world.claim("invalid", "nowhere")
        for _ in range(4):
            await self.world.poll_after(60)

    async def a_write_that_collides_and_an_answer_that_is_lost(self) -> None:
        self.world.secrets.faults.refuse("replace", ClusterConflictError("somebody else wrote first"))
        self.world.secrets.faults.lose_answer("replace")
        self.world.source.edit(self.other, password="5")
        await self.world.poll_after(60)
        await self.world.live(5)

    async def an_item_that_was_restored(self) -> None:
        self._keep(self.other, version=1, fields=fields_of({"password": "four"}))
        await self.world.live(900)

    async def a_refresh(self) -> None:
        self.world.claims.annotate(self.world.key(), refresh="now")
        await self.world.settle()

    async def a_restart_of_the_process(self) -> None:
        await self.world.restart_process()
        await self.world.settle()
        await self.world.poll()

    def _keep(self, item: str, **members: Any) -> None:
        self.world.source._keep(dataclasses.replace(self.world.source.item(item), **members))


STEPS = (
    History.a_new_resource,
    History.a_rotation,
    History.a_deletion_while_the_restart_is_due,
    History.its_restart,
    History.a_hand_edit,
    History.a_deployment_that_asks,
    History.a_takeover_and_its_restart,
    History.another_item,
    History.a_frozen_item,
    History.an_archived_item_and_a_path_to_nowhere,
    History.a_write_that_collides_and_an_answer_that_is_lost,
    History.an_item_that_was_restored,
    History.a_refresh,
    History.a_restart_of_the_process,
)


def _shown(world: World) -> dict[str, Any]:
    return {
        "secrets": {str(key): _secret(world, key) for key in sorted(world.secrets.objects)},
        "conditions": {
            str(key): [c.status, c.reason, c.message] for key, claim in sorted(world.claims.objects.items()) if (c := claim.ready)
        },
        "pod templates": {
            workload.name: dict(workload.template_annotations)
            for workload in world.workloads.objects.values()
            if workload.template_annotations
        },
        "asked of 1Password": sorted(world.source.requests),
        "asked about Secrets": sorted(world.secrets.requests),
        "asked about resources": sorted(world.claims.requests),
        "asked about Deployments": sorted(world.workloads.requests),
        "Events": _once(list(event) for event in world.events.reported),
    }


def _changed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    objects = ("secrets", "conditions", "pod templates")
    changed = {
        part: {name: now[part].get(name) for name in {**before[part], **now[part]} if before[part].get(name) != now[part].get(name)}
        for part in objects
        if before
    }
    return {part: found for part, found in (now | changed).items() if found}


def _secret(world: World, key: Any) -> dict[str, Any]:
    secret = world.secrets.objects[key]
    return {
        "type": secret.type,
        "labels": dict(secret.labels),
        "annotations": dict(secret.annotations),
        "owners": [[owner.api_version, owner.kind, owner.name, owner.uid] for owner in secret.owners],
        "data": world.secrets.values(key),
    }


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = [[name, value] for name, value in fields_of_record(record).items()]
        self._lines.append([record.levelname, record.name, record.getMessage(), fields])

    def taken(self) -> list[Any]:
        taken, self._lines = self._lines, []
        return _once(taken)


def _once(found: Iterable[Any]) -> list[Any]:
    return [found for found, _ in itertools.groupby(sorted(found, key=repr))]


if __name__ == "__main__":
    found = yaml.safe_dump(asyncio.run(history()), sort_keys=False, width=140, default_flow_style=None)
    RECORDED.write_text(f"# Written by {Path(__file__).name}.\n{found}")
