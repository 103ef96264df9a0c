"""What goes on while leaders die: rotations, hand edits, resources that come and go; and the oracles that hold through all of it.

They are about content, ownership, what is foreign, deletions, restarts and their order, losses, empty writes, rest, item reads, and one
writer at a time.
"""

import base64
import contextlib
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

import kubernetes
import urllib3

from cluster.replicas import Replica
from harness.proxy.ledger import Request
from harness.proxy.rules import CallBefore, Rule
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, PREFIX, World, seed

TITLES: Final = ("a", "b", "c")
FOREIGN: Final = "foreign"
RESTARTED_FOR: Final = "restarts.operator.1password.io/restarted-for"
SETTLE_SECONDS: Final = 90.0
SEED: Final = seed(**{title: f"canary-{title}-00000" for title in TITLES})


class ChangeCount:
    """How often each object of a kind has changed, by the API server's own account."""

    def __init__(self, listing: Any, *arguments: Any) -> None:
        self.versions: dict[str, set[str]] = {}
        self.held: dict[str, list[tuple[int, int]]] = {}
        """By object, the item versions that it has shown in turn, a Secret by its annotation, a Deployment by its last restart; each after
        the resourceVersion, which one counter gives to all objects.
        """
        self._watch: Any = cast(Any, kubernetes.watch.Watch)()
        self._stream = self._watch.stream(listing, *arguments)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(urllib3.exceptions.HTTPError):  # the API server's end ends it
            for event in self._stream:
                metadata = event["raw_object"]["metadata"]
                if event["type"] != "DELETED":
                    self.versions.setdefault(metadata["name"], set()).add(metadata["resourceVersion"])
                    if version := _version_in(event["raw_object"]):
                        self.held.setdefault(metadata["name"], []).append((int(metadata["resourceVersion"]), version))

    def count(self, name: str) -> int:
        return len(self.versions.get(name, ()))

    def stop(self) -> None:
        self._watch.stop()


class Churn:
    """A namespace in which much happens."""

    def __init__(self, world: World, *, seed: int, one_at_a_time: bool = True) -> None:
        """`one_at_a_time`: no item changes twice before all has settled."""
        self.world = world
        self.one_at_a_time = one_at_a_time
        self.dice = random.Random(seed)  # noqa: S311  to be repeatable, not secret
        self.expected = {title: f"canary-{title}-00000" for title in TITLES}
        self.versions = dict.fromkeys(TITLES, 1)
        self.called = {title: title for title in TITLES}
        """The items' present titles."""
        self.hand_edits: Counter[str] = Counter()
        self.early_restarts: list[str] = []
        self.passing = 0
        self.unserved = {FOREIGN}
        """The resources that get no Secret."""
        core, custom = world.observer.core, world.observer.custom
        self.restarts = ChangeCount(world.observer.apps.list_namespaced_deployment, world.namespace)
        self.secret_changes = ChangeCount(core.list_namespaced_secret, world.namespace)
        self.item_changes = ChangeCount(custom.list_namespaced_custom_object, *GROUP, world.namespace, PLURAL)
        core.create_namespaced_secret(world.namespace, {"metadata": {"name": FOREIGN}, "stringData": {"password": "mine"}})
        self._foreign = world.secret(FOREIGN).metadata.resource_version

    def fill(self) -> None:
        """One resource and one Deployment for each item."""
        for title in TITLES:
            self.world.item(title, f"vaults/v/items/{title}")
        self.world.item(FOREIGN, "vaults/v/items/a")  # asks for a Secret that is somebody else's, and is refused it
        self.world.wait_ready(*TITLES)
        for title in TITLES:
            self.world.deployment(f"web-{title}", title)

    def guard(self, replica: Replica) -> None:
        """Look at the Secret whenever the replica is about to restart what uses it."""

        def look(request: Request) -> None:
            title = request.name.removeprefix("web-")
            if self.world.data(title) != {"password": self.expected[title].encode()}:
                self.early_restarts.append(request.name)

        replica.proxy.add(Rule(CallBefore(look), verb="patch", resource="deployments"))

    # --- what happens ---

    def rotate(self) -> None:
        """Some items get a new value."""
        for title in TITLES:
            if self.dice.random() < 0.6:
                self.versions[title] += 1
                self.expected[title] = f"canary-{title}-{self.versions[title]:05}"
                self.world.connect.edit("v", self.called[title], fields={"password": self.expected[title]})

    def rename(self) -> None:
        """An item gets another title, or its first one back."""
        title = self.dice.choice(TITLES)
        former, self.versions[title] = self.called[title], self.versions[title] + 1
        self.called[title] = title if former != title else f"{title}, version {self.versions[title]}"
        self.world.connect.edit("v", former, title=self.called[title])

    def delete(self) -> None:
        """A tool deletes a Secret."""
        with contextlib.suppress(kubernetes.client.ApiException):
            self.world.delete_secret(self.dice.choice(TITLES))

    def meddle(self) -> None:
        """Somebody edits or deletes Secrets, and resources come and go."""
        title = self.dice.choice(TITLES)
        if self.dice.random() < 0.7 and self.world.secret(title):  # somebody may have deleted it
            self.hand_edits[title] += 1
            self.world.patch_secret(title, {"data": {"password": base64.b64encode(f"edit-{self.hand_edits[title]}".encode()).decode()}})
        self.passing += 1
        vault, item = self.world.connect.ids("v", self.called["a"])
        self.world.item(f"passing-{self.passing}", f"vaults/{vault}/items/{item}")
        if self.passing > 1:
            self.world.delete_item(f"passing-{self.passing - 1}")

    # --- what must hold ---

    def settle(self) -> None:
        """Wait until everything has arrived, each change by one restart, after its Secret; nothing astray, nothing foreign touched."""
        for title in TITLES:
            self.world.wait_data(title, {"password": self.expected[title].encode()}, timeout=SETTLE_SECONDS)
            words = f"holds version {self.versions[title]} "
            eventually(partial(self.world.condition, title), partial(_says, words), timeout=SETTLE_SECONDS)
            self._restarted(title)
        self.world.no_marks(timeout=SETTLE_SECONDS)
        if self.passing:
            self.world.wait_ready(f"passing-{self.passing}", timeout=SETTLE_SECONDS)
        eventually(self._strays, lambda found: not found, timeout=SETTLE_SECONDS, what="one live owner for each Secret, and none missing")
        assert self.early_restarts == [], "restarted before its Secret was written"
        assert self.world.secret(FOREIGN).metadata.resource_version == self._foreign
        self.world.wait_reason(FOREIGN, "TargetNotOwned", timeout=SETTLE_SECONDS)

    def _restarted(self, title: str) -> None:
        if self.one_at_a_time:
            self.world.rollouts(f"web-{title}", self.versions[title], timeout=SETTLE_SECONDS)
            return
        # Changes between two polls make one restart together.
        eventually(
            lambda: self.world.restarted_for(f"web-{title}").get("restarted-for", ""),
            partial(_is_for, self.versions[title]),
            timeout=SETTLE_SECONDS,
        )
        assert self.world.replica_sets(f"web-{title}") <= self.versions[title]

    def _strays(self) -> set[tuple[str, str]]:
        resources = self.world.observer.custom.list_namespaced_custom_object(*GROUP, self.world.namespace, PLURAL)["items"]
        wanted = {(r["metadata"]["name"], r["metadata"]["uid"]) for r in resources if r["metadata"]["name"] not in self.unserved}
        managed = self.world.observer.core.list_namespaced_secret(self.world.namespace, label_selector=PREFIX + "managed=true").items
        owned = {(secret.metadata.name, owner.uid) for secret in managed for owner in secret.metadata.owner_references or ()}
        return wanted ^ owned

    def at_the_end(self, replicas: Sequence[Replica], *, takeovers: int) -> None:
        """Over all that passed: rest, no deletion, no empty write, no item read in vain, one writer at a time."""
        self.world.connect.wait_polls(2)
        before = sum(len(replica.writes()) for replica in replicas)
        self.world.connect.wait_polls(10)
        assert sum(len(replica.writes()) for replica in replicas) == before, "not a fixed point"
        written = [write for replica in replicas for write in replica.writes()]
        assert {write.verb for write in written} <= {"create", "update", "patch"}
        self._no_empty_writes(written)
        for title in TITLES:
            vault, item = self.world.connect.ids("v", title)
            reads = self.world.connect.item_reads().get(f"{vault}/{item}", 0)
            # A resource that comes later needs a read of its own, and so may whoever takes over in the middle of one.
            needed = self.versions[title] + takeovers + (self.passing if title == "a" else 0)
            assert reads <= needed, f"{title}: {reads} reads of {self.versions[title]} versions"
        for replica, late in late_writes(replicas).items():
            assert late <= 1, f"replica {replicas.index(replica)}: {late} writes after another had begun"
        self.stop()

    def stop(self) -> None:
        for changes in (self.restarts, self.secret_changes, self.item_changes):
            changes.stop()

    def no_version_went_back(self) -> None:
        for name, held in self.secret_changes.held.items():
            versions = [version for _, version in held]
            assert versions == sorted(versions), f"Secret {name} held the versions {versions}"

    def no_restart_came_before_its_secret(self) -> None:
        eventually(self._early, lambda found: not found, what="no restart before its Secret was written")

    def _early(self) -> list[str]:
        return [
            f"web-{title} for version {version}"
            for title in TITLES
            for moment, version in self.restarts.held.get(f"web-{title}", ())
            if not any(at < moment and held >= version for at, held in self.secret_changes.held[title])
        ]

    def _no_empty_writes(self, written: Sequence[Request]) -> None:
        for title in TITLES:
            of_secret = sum(write.resource == "secrets" and write.name == title for write in written)
            assert of_secret == self.secret_changes.count(title) - self.hand_edits[title], f"writes that changed nothing: Secret {title}"
            of_item = sum(write.resource == PLURAL and write.name == title for write in written)
            assert of_item == self.item_changes.count(title) - 1, f"writes that changed nothing: resource {title}"


def _version_in(shown: Mapping[str, Any]) -> int:
    annotations = shown["metadata"].get("annotations") or {}
    template = shown.get("spec", {}).get("template", {}).get("metadata", {}).get("annotations") or {}
    restarted = re.search(r'@(\d+)"', template.get(RESTARTED_FOR, ""))
    return int(restarted.group(1) if restarted else annotations.get(PREFIX + "item-version", 0))


def _is_for(version: int, restarted: str) -> bool:
    return version == 1 or f'@{version}"' in restarted


def _says(words: str, condition: Mapping[str, Any]) -> bool:
    return words in condition["message"]


def late_writes(replicas: Sequence[Replica]) -> dict[Replica, int]:
    """By replica, how many of its writes came after one by a replica that had taken over from it."""
    written = sorted(((write.at, replica) for replica in replicas for write in replica.writes()), key=lambda entry: entry[0])
    succeeded: set[Replica] = set()
    late: Counter[Replica] = Counter()
    current: Replica | None = None
    for _, replica in written:
        if replica in succeeded:
            late[replica] += 1
        elif replica is not current:
            succeeded |= {current} if current else set()
            current = replica
    return late


def seconds_until(reached: Any) -> float:
    started = time.monotonic()
    reached()
    return time.monotonic() - started
