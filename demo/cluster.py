"""Reads and changes the cluster through kubectl alone, so that a user can type every step.

Starts a kubectl for every look. Secrets pass through here; `facts` is the only way from an object
to text, and it tells no value.
"""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from demo.errors import TourError
from harness.waiting import NotInTimeError, eventually

Object = Mapping[str, Any]
T = TypeVar("T")

PREFIX: Final = "operator.1password.io/"
REVISION: Final = "deployment.kubernetes.io/revision"
DEADLINE_SECONDS: Final = 20.0


class Cluster:
    """One cluster, as its administrator."""

    def __init__(
        self,
        kubectl: Path,
        *,
        folder: Path,
        environment: Mapping[str, str],
        check_alive: Callable[[], None],
    ) -> None:
        """Use it.

        Args:
            kubectl: the program.
            folder: where relative paths in commands start.
            environment: holds KUBECONFIG.
            check_alive: called between looks; raises when waiting is pointless.
        """
        self._kubectl = kubectl
        self._folder = folder
        self._environment = environment
        self._check_alive = check_alive

    def run(self, arguments: Sequence[str]) -> str:
        """Run kubectl and return what it printed; a TourError if it fails."""
        done = subprocess.run(
            [str(self._kubectl), *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise TourError(
                expected=f"success of: kubectl {shlex.join(arguments)}",
                seen=done.stderr.strip() or f"code {done.returncode}",
            )
        return done.stdout

    def may(self, user: str, verb: str, resource: str) -> bool:
        """Whether RBAC allows a user something anywhere in the cluster."""
        question = ["auth", "can-i", verb, resource, f"--as={user}", "--all-namespaces"]
        done = subprocess.run(
            [str(self._kubectl), *question],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() == "yes"

    def get(self, kind: str, name: str) -> Object | None:
        """The live object, or None."""
        printed = self.run(["get", kind, name, "--ignore-not-found", "--output=json"])
        found: Object | None = json.loads(printed) if printed else None
        return found

    def names(self, kind: str, selector: str = "") -> list[str]:
        """The names of all objects of a kind."""
        return self.run(["get", kind, f"--selector={selector}", "--output=name"]).split()

    def wait_for(
        self, kind: str, name: str, good: Callable[[Object], bool], *, expected: str
    ) -> Object:
        """Look until the object is there and as expected, and return it.

        Raises:
            TourError: the deadline has passed.
        """
        seen = self.until(
            lambda: self.get(kind, name),
            lambda found: found is not None and good(found),
            expected=expected,
            describe=facts,
        )
        return seen or {}

    def until(
        self,
        look: Callable[[], T],
        good: Callable[[T], bool],
        *,
        expected: str,
        describe: Callable[[T], str] = str,
    ) -> T:
        """Look until what is seen is good, and return it; a TourError after the deadline."""

        def look_if_alive() -> T:
            self._check_alive()
            return look()

        try:
            return eventually(look_if_alive, good, timeout=DEADLINE_SECONDS, describe=describe)
        except NotInTimeError as error:
            raise TourError(
                expected=f"{expected} within {DEADLINE_SECONDS:.0f} s", seen=error.seen
            ) from None


def facts(found: Object | None) -> str:
    """What may be told of an object: its name, versions, keys with sizes, and conditions."""
    if found is None:
        return "no such object"
    reported = [f"{found['kind']} {found['metadata']['name']}"]
    if found["kind"] == "Secret":
        reported += [
            f"item version {item_version(found)}",
            "keys " + ", ".join(f"{key} ({size} bytes)" for key, size in sizes(found).items()),
        ]
    if found["kind"] == "Deployment":
        reported += [f"revision {revision(found)}"]
    if condition := ready(found):
        reported += [
            f"Ready={condition.get('status')} {condition.get('reason')}: {condition.get('message')}"
        ]
    return ", ".join(reported)


def data(secret: Object) -> dict[str, bytes]:
    """The content of a Secret, for comparing; never for printing."""
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def sizes(secret: Object) -> dict[str, int]:
    """The keys of a Secret and how many bytes each holds."""
    return {key: len(value) for key, value in sorted(data(secret).items())}


def item_version(secret: Object) -> str:
    """The version of the 1Password item that the Secret says it holds."""
    return str((secret["metadata"].get("annotations") or {}).get(PREFIX + "item-version", "none"))


def revision(deployment: Object) -> str:
    """How often the Deployment was rolled out, as its controller counts."""
    return str((deployment["metadata"].get("annotations") or {}).get(REVISION, "none yet"))


def ready(item: Object) -> Mapping[str, Any]:
    """The Ready condition of a OnePasswordItem; empty if there is none."""
    conditions: list[dict[str, Any]] = (item.get("status") or {}).get("conditions") or []
    return next((condition for condition in conditions if condition.get("type") == "Ready"), {})


def exists(_found: Object) -> bool:
    """Whatever is there will do."""
    return True


def pod_annotations(deployment: Object) -> dict[str, str]:
    """What the operator noted on the pod template."""
    annotations = deployment["spec"]["template"]["metadata"].get("annotations") or {}
    return {name: value for name, value in sorted(annotations.items()) if name.startswith(PREFIX)}
