"""Kinds of workloads, as a table: a row says where a kind is served and how it is restarted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

Path = tuple[str, ...]
"""Names of members, from the object down."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadKind:
    """One row. A kind also needs the operator's role to allow get, list, watch and patch."""

    kind: str
    group: str
    version: str
    plural: str
    template: Path
    """The pod template, in which Secrets are used."""
    restart: Path
    """The annotations whose change makes the kind's controller replace the pods."""
    may_ask: bool
    """Whether an object of this kind may ask for a Secret by annotation."""

    @property
    def api_version(self) -> str:
        """Group and version, as objects spell them."""
        return f"{self.group}/{self.version}"

    def url_path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of all objects, of a namespace's, or of one."""
        within = f"/namespaces/{namespace}" if namespace else ""
        return f"/apis/{self.api_version}{within}/{self.plural}" + (f"/{name}" if name else "")

    def restart_patch(self, annotations: Mapping[str, str]) -> dict[str, Any]:
        """Return the merge patch that restarts an object by setting these annotations."""
        patch: dict[str, Any] = dict(annotations)
        for member in reversed(self.restart):
            patch = {member: patch}
        return patch


DEPLOYMENT: Final = WorkloadKind(
    kind="Deployment",
    group="apps",
    version="v1",
    plural="deployments",
    template=("spec", "template"),
    restart=("spec", "template", "metadata", "annotations"),
    may_ask=True,
)
KINDS: Final = {row.kind: row for row in (DEPLOYMENT,)}
