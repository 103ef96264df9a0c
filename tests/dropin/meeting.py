"""A world in which 1Password's own operator runs too: before ours, after ours, or at the same time."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import kubernetes
import yaml

from controlplane import access
from controlplane.launcher import ControlPlane
from dropin import recorded
from harness.official_process import NAME_IN_ITS_IMAGE, OfficialProcess
from harness.waiting import eventually
from harness.world import World

FINALIZER = "onepassword.com/finalizer.secret"
USER = "kubectl-client-side-apply"
"""The field manager of what users apply."""


class Meeting(World):
    """Everything that a drop-in test touches."""

    def __init__(self, *, plane: ControlPlane, **given: Any) -> None:
        super().__init__(plane=plane, **given)
        self.plane = plane

    # --- the official operator ---

    def official(self, *flags: str, **environment: str) -> OfficialProcess:
        """Start the official operator in this namespace, through the proxy; it is stopped at the end."""
        started = OfficialProcess(
            kubeconfig=self.proxy.kubeconfig_for(access.ADMIN),
            connect=self.connect,
            directory=self.directory,
            environment={"WATCH_NAMESPACE": self.namespace} | environment,
            flags=flags,
        )
        self._closing.callback(started.stop)
        return started

    def official_writes(self) -> list[str]:
        """What the official operator has changed so far, Events aside: `verb resource/subresource name`."""
        return self._changes_by(NAME_IN_ITS_IMAGE + "/")

    def our_writes(self) -> list[str]:
        """What ours has changed so far; unlike `writes`, without what the API server refused, as it does when the other one was faster."""
        return self._changes_by("onepassword-operator")

    def _changes_by(self, agent: str) -> list[str]:
        return [
            f"{r.verb} {r.resource}{'/' + r.subresource if r.subresource else ''} {r.name}".rstrip()
            for r in self.proxy.writes(events=False)
            if r.user_agent.startswith(agent) and r.committed
        ]

    def wait_official_polls(self) -> None:
        """Return when its poller has come round: it reads the item of every Secret at every poll, and twice if the path has a title."""
        secrets = self.observer.core.list_namespaced_secret(self.namespace).items
        paths = [(secret.metadata.annotations or {}).get(recorded.ITEM_PATH, "") for secret in secrets]
        followed = {path.removeprefix("vaults/").replace("/items/", "/") for path in paths if path}
        before = self.connect.item_reads()
        eventually(
            self.connect.item_reads,
            lambda now: all(now.get(item, 0) >= before.get(item, 0) + 4 for item in followed),
            timeout=30,
            what="polls of the official operator",
        )

    def wait_unchanged_deployments(self) -> None:
        """Return when no Deployment has changed during a round of its polls: a restart that meets a conflict it logs and never repeats."""

        def versions() -> list[str]:
            return [found.metadata.resource_version for found in self.observer.apps.list_namespaced_deployment(self.namespace).items]

        before = None
        while before != (before := versions()):
            self.wait_official_polls()

    # --- what the user does ---

    def apply(self, *objects: Mapping[str, Any]) -> None:
        file = self.directory / "applied.yaml"
        file.write_text(yaml.safe_dump_all(objects))
        self.plane.kubectl("--namespace", self.namespace, "apply", "-f", str(file))

    def patch_deployment(self, name: str, body: Mapping[str, Any], *, manager: str = USER) -> None:
        self.observer.apps.patch_namespaced_deployment(name, self.namespace, body, field_manager=manager)

    # --- what there is ---

    def shown(self, kind: str, name: str) -> dict[str, Any] | None:
        try:
            match kind:
                case "OnePasswordItem":
                    return self.custom(name)
                case "Secret":
                    found = self.observer.core.read_namespaced_secret(name, self.namespace)
                case _:
                    found = self.observer.apps.read_namespaced_deployment(name, self.namespace)
        except kubernetes.client.ApiException as error:
            if error.status == 404:
                return None
            raise
        types = {"Secret": "v1", "Deployment": "apps/v1"}
        return {"apiVersion": types[kind], "kind": kind, **self.observer.api.sanitize_for_serialization(found)}

    def metadata(self, kind: str, name: str) -> dict[str, Any]:
        found = self.shown(kind, name)
        assert found is not None, f"{kind} {name} is gone"
        return dict(found["metadata"])

    def finalized(self, kind: str, name: str) -> bool:
        """Whether the object exists and carries the official finalizer."""
        found = self.shown(kind, name)
        return found is not None and FINALIZER in found["metadata"].get("finalizers", ())

    def all_data(self) -> dict[str, dict[str, bytes] | None]:
        return {name: self.data(name) for name in self.names_of("secret")}

    def all_rollouts(self) -> dict[str, int]:
        return {name: self.replica_sets(name) for name in self.names_of("deployment")}

    def names_of(self, kind: Literal["secret", "deployment"]) -> list[str]:
        list_all = {"secret": self.observer.core.list_namespaced_secret, "deployment": self.observer.apps.list_namespaced_deployment}
        return sorted(found.metadata.name for found in list_all[kind](self.namespace).items)

    def warnings(self, name: str) -> list[tuple[str, str]]:
        """Reason and message of our Warnings about an object."""
        return [(event.reason, event.message) for event in self.event_objects(name) if event.type == "Warning"]

    def wait_gone(self, kind: str, *names: str, timeout: float = 20.0) -> None:
        for name in names:
            eventually(partial(self.shown, kind, name), lambda found: found is None, timeout=timeout, what=f"{kind} {name} to go")

    def trimmed(self, *wanted: tuple[str, str]) -> list[recorded.Object]:
        """Those of the objects, by kind and name, that exist, in the form of the recorded states."""
        found = [self.shown(kind, name) for kind, name in wanted]
        return [recorded.trimmed(each, self.namespace) for each in found if each is not None]
