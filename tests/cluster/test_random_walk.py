"""Two hundred random edits by everybody who may edit anything lead to the same state as a fresh start with the final specs."""

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes
import pytest

from harness.fixtures import MakeWorld
from harness.operator_process import OperatorProcess
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, PREFIX, World

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

EDITS = 200
LAST = 50
"""Edits at the end that nothing may cover up: no freeze, no suspension, and no new item version that would write every Secret anew."""
SEEDS = range(int(os.environ.get("RANDOM_WALKS", "2")))
TITLES = ("a", "b", "c")
TAG = "operator.1password.io:ignore-secret"
SEED: dict[str, Any] = {
    "vaults": [{"name": "v", "items": [{"title": title, "fields": {"password": f"canary-{title}-0000", "empty": ""}} for title in TITLES]}]
}
TYPES = (None, "Opaque", "example.com/custom")
BOOKKEEPING = tuple(PREFIX + name for name in ("seal", "restart-pending"))
HAND_EDITS: tuple[dict[str, Any], ...] = (
    {"data": {"password": "ZWRpdGVk"}},
    {"data": {"extra": "ZWRpdGVk"}},
    {"data": {"password": None}},
    {"metadata": {"ownerReferences": None}},
    {"metadata": {"labels": {PREFIX + "managed": None}}},
    {"metadata": {"labels": {"team": None}}},
    {"metadata": {"annotations": {PREFIX + "seal": None}}},
    {"metadata": {"annotations": {PREFIX + "item-version": "77"}}},
    {"metadata": {"annotations": {PREFIX + "requested-path": "vaults/v/items/b"}}},
    {"metadata": {"annotations": {PREFIX + "restart-pending": "x"}}},
)


class Walk:
    """Somebody without a plan."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)  # noqa: S311  to be repeatable, not secret
        self.specs: dict[str, dict[str, Any]] = {}
        self.deployments: dict[str, dict[str, str | None]] = {}
        self.versions = 0
        self.flags: list[str] = []
        self.ending = False
        vault, item = world.connect.ids("v", "c")
        self.paths = [f"vaults/v/items/{title}" for title in TITLES]
        self.paths += [f"vaults/{vault}/items/{item}", "vaults/v/items/none", "nonsense"]

    def step(self) -> None:
        actions: list[tuple[int, Callable[[], None]]] = [
            (6, self.apply),
            (1, self.delete),
            (6, self.edit_by_hand),
            (2, self.delete_secret),
            (4, self.annotate_deployment),
            (1, self.delete_deployment),
            (1, self.restart_operator),
        ]
        if not self.ending:
            actions += [(4, self.rotate), (2, self.freeze_or_thaw)]
        weights = [weight for weight, _ in actions]
        self.dice.choices([action for _, action in actions], weights)[0]()
        if self.dice.random() < 0.4:  # the others meet the operator at work
            self.wait_idle()

    def wait_idle(self) -> None:
        operator = self.world.operators[-1]
        operator.wait_ready()
        eventually(operator.metrics, lambda text: "\nonepassword_operator_queue_depth 0.0\n" in text)

    def catch_up(self) -> None:
        """Until the operator has seen and done everything so far."""
        self.world.connect.wait_polls(1)
        self.wait_idle()

    def apply(self) -> None:
        name = f"r{self.dice.randrange(6)}"
        former = self.specs.get(name)
        annotations = {
            "note": self.dice.choice(("x", "y", None)),
            PREFIX + "suspend": self.dice.choice((None, None, None, None if self.ending else "true")),
        }
        labels = {label: self.dice.choice(("x", "y", None)) for label in ("team", "tier")}
        spec: dict[str, Any] = {
            "metadata": {"labels": labels, "annotations": annotations | {PREFIX + "auto-restart": self.dice.choice((None, "true"))}},
            "spec": {"itemPath": self.dice.choice(self.paths)},
            "type": self.dice.choice(TYPES) if self.dice.random() < 0.2 else (former or {}).get("type"),
        }
        self.specs[name] = spec
        if former is None:
            self.world.item(name, spec["spec"]["itemPath"], **without_none({k: v for k, v in spec.items() if k != "spec"}))
        else:
            self.world.patch_item(name, spec)
            if (former["type"] or "Opaque") != (spec["type"] or "Opaque"):
                self.catch_up()  # or it may make the Secret again with the type that it knows
                self.remove_secret(name)  # Kubernetes never changes the type of an existing Secret

    def delete(self) -> None:
        if self.specs:
            name = self.dice.choice(sorted(self.specs))
            del self.specs[name]
            self.world.delete_item(name)

    def asked_for(self) -> set[str | None]:
        return {*self.specs, *(annotations["item-name"] for annotations in self.deployments.values())}

    def edit_by_hand(self) -> None:
        # Nobody undoes what is edited in a Secret that nobody asks for, and whoever asks for it later finds it so.
        if names := [name for name in self.secrets() if name in self.asked_for()]:
            with unless_gone():
                self.world.patch_secret(self.dice.choice(names), self.dice.choice(HAND_EDITS))

    def delete_secret(self) -> None:
        if names := self.secrets():
            self.remove_secret(self.dice.choice(names))

    def remove_secret(self, name: str) -> None:
        with unless_gone():
            self.world.observer.core.delete_namespaced_secret(name, self.world.namespace)

    def secrets(self) -> list[str]:
        return sorted(secret.metadata.name for secret in self.world.observer.core.list_namespaced_secret(self.world.namespace).items)

    def rotate(self) -> None:
        title = self.dice.choice(TITLES)
        self.versions += 1
        self.world.connect.edit("v", title, fields={"password": f"canary-{title}-{self.versions:04}"})

    def freeze_or_thaw(self) -> None:
        self.world.connect.edit("v", self.dice.choice(TITLES), tags=self.dice.choice(([TAG], [], [])))

    def annotate_deployment(self) -> None:
        name = f"d{self.dice.randrange(3)}"
        # Deployments of one Secret agree on the item: who disagrees is told so, and who came first is history.
        wanted = self.dice.choice(("w0", "w1", None))
        path = {"w0": "vaults/v/items/a", "w1": "vaults/v/items/b", None: None}[wanted]
        annotations = {"item-name": wanted, "item-path": path}
        if name in self.deployments:
            self.world.annotate_deployment(name, item_name=wanted, item_path=path)
        else:
            given = {key: value for key, value in annotations.items() if value}
            self.world.deployment(name, self.dice.choice(("w0", "w1", "r0")), annotations=given)
        self.deployments[name] = annotations
        self.remove_leftovers()

    def remove_leftovers(self) -> None:
        for left in {"w0", "w1"} - self.asked_for():
            self.remove_secret(left)

    def delete_deployment(self) -> None:
        if self.deployments:
            name = self.dice.choice(sorted(self.deployments))
            del self.deployments[name]
            self.world.delete_deployment(name)
            self.remove_leftovers()

    def restart_operator(self) -> None:
        # A hand edit that outlives the process is history, too: only the former one knew what it had written.
        self.catch_up()
        operator = self.world.operators[-1]
        operator.process.kill()
        operator.process.wait(10)
        self.flags = [flag for flag in ("--allow-empty-values", "--enable-annotations") if self.dice.random() < 0.5]
        self.world.operator(*self.flags, ready=False)

    def end(self) -> None:
        """What leaves a Secret as it was on purpose is history, so it ends here: freezes, suspensions."""
        self.ending = True
        for title in TITLES:
            self.world.connect.edit("v", title, tags=[])
        for name, spec in self.specs.items():
            spec["metadata"]["annotations"][PREFIX + "suspend"] = None
            self.world.patch_item(name, spec)

    def start_afresh(self, namespace: str) -> OperatorProcess:
        """The final specs in another namespace, and an operator that has never seen anything."""
        observer = self.world.observer
        for name, spec in self.specs.items():
            body = without_none(spec) | {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem"}
            body["metadata"] = body["metadata"] | {"name": name}
            observer.custom.create_namespaced_custom_object(*GROUP, namespace, PLURAL, body)
        for deployment in observer.apps.list_namespaced_deployment(self.world.namespace).items:
            metadata = {"name": deployment.metadata.name, "annotations": deployment.metadata.annotations}
            spec = observer.api.sanitize_for_serialization(deployment.spec)
            observer.apps.create_namespaced_deployment(namespace, {"metadata": metadata, "spec": spec})
        return self.world.operator(*self.flags, WATCH_NAMESPACE=namespace)


@contextlib.contextmanager
def unless_gone() -> Iterator[None]:
    """Somebody else was quicker."""
    try:
        yield
    except kubernetes.client.ApiException as error:
        if error.status not in {404, 409}:
            raise


def without_none(value: Any) -> Any:
    return {k: without_none(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def state(world: World, namespace: str) -> dict[str, Any]:
    """Everything that is asked for and what came of it, without uids, times, seals and pending restarts.

    A resource that leads nowhere keeps its last good Secret, and which one that was is history.
    """
    resources = dict(_resources(world, namespace))
    failing = {f"secret {name.partition(' ')[2]}" for name, reported in resources.items() if reported[0] != "True"}
    return resources | {name: secret for name, secret in _secrets(world, namespace) if name not in failing}


def differences(world: World, fresh: str) -> dict[str, Any]:
    """Names to both states where the two namespaces differ."""
    walked, started = state(world, world.namespace), state(world, fresh)
    return {name: (walked.get(name), started.get(name)) for name in walked | started if walked.get(name) != started.get(name)}


def _resources(world: World, namespace: str) -> Iterator[tuple[str, Any]]:
    for resource in world.observer.custom.list_namespaced_custom_object(*GROUP, namespace, PLURAL)["items"]:
        conditions = (resource.get("status") or {}).get("conditions") or [{}]
        current = conditions[0].get("observedGeneration") == resource["metadata"]["generation"]
        reported = tuple(conditions[0].get(key) for key in ("status", "reason", "message"))
        yield "resource " + resource["metadata"]["name"], reported if current else "not told yet"


def _secrets(world: World, namespace: str) -> Iterator[tuple[str, Any]]:
    asked = {r["metadata"]["name"] for r in world.observer.custom.list_namespaced_custom_object(*GROUP, namespace, PLURAL)["items"]}
    deployments = world.observer.apps.list_namespaced_deployment(namespace).items
    asked |= {name for d in deployments if (name := (d.metadata.annotations or {}).get(PREFIX + "item-name"))}
    for secret in world.observer.core.list_namespaced_secret(namespace).items:
        metadata = secret.metadata
        if metadata.name in asked:
            annotations = {key: value for key, value in (metadata.annotations or {}).items() if key not in BOOKKEEPING}
            owners = sorted(f"{owner.kind}/{owner.name}" for owner in metadata.owner_references or ())
            yield "secret " + metadata.name, (secret.type, secret.data, metadata.labels, annotations, owners)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_walk_ends_where_a_fresh_start_would(make_world: MakeWorld, make_namespace: Callable[[], str], seed: int) -> None:
    world = make_world(SEED)
    world.operator()
    walk = Walk(world, seed)
    for _ in range(EDITS - LAST):
        walk.step()
    walk.end()
    walk.wait_idle()
    for _ in range(LAST):
        walk.step()
    fresh = make_namespace()
    walk.start_afresh(fresh)
    eventually(lambda: state(world, fresh), lambda seen: "not told yet" not in seen.values())
    world.connect.wait_polls(2)
    eventually(lambda: differences(world, fresh), lambda found: not found, timeout=60, what="no differences")
