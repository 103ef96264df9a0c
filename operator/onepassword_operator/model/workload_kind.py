"""Kinds of workloads, as a table: a row says where a kind is served and how it is restarted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

Path = tuple[str, ...]
"""Names of members, from the object down."""

_TEMPLATE: Final[Path] = ("spec", "template")
_ON_TEMPLATE: Final[Path] = (*_TEMPLATE, "metadata", "annotations")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadKind:
    """One row. A kind also needs a rule in the chart's role, which a test compares with the row."""

    kind: str
    group: str
    version: str
    plural: str
    template: Path = _TEMPLATE
    """The pod template, in which Secrets are used."""
    record: Path = _ON_TEMPLATE
    """The annotations that tell what an object was restarted for; empty: it is never restarted,
    because its next pods read the Secret anew.
    """
    restart_at: Path = ()
    """The time at which its controller restarts older pods; empty: it does so whenever `record`
    changes, which then is on the pod template.
    """
    asks_if_controlled: bool = False
    """Whether an object may ask for a Secret, or keep one, although a controller owns it. Otherwise
    its controller does, whose annotations it may have inherited.
    """
    keeps_secrets: bool = True
    """Whether a Secret that another workload asked for lives as long as an object uses it."""
    has_official_finalizer: bool = False
    """Whether the official operator sets its finalizer on objects of this kind."""

    @property
    def api_version(self) -> str:
        """Group and version, as objects spell them."""
        return f"{self.group}/{self.version}"

    @property
    def restarts(self) -> bool:
        """Whether its objects are restarted at all."""
        return bool(self.record)

    @property
    def records_on_template(self) -> bool:
        """Whether the record is on the pod template, and on the object itself otherwise."""
        return self.record == _ON_TEMPLATE

    def url_path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of all objects, of a namespace's, or of one."""
        within = f"/namespaces/{namespace}" if namespace else ""
        return f"/apis/{self.api_version}{within}/{self.plural}" + (f"/{name}" if name else "")

    def restart_patch(self, annotations: Mapping[str, str], *, time: str) -> dict[str, Any]:
        """Return the merge patch that restarts an object: its record, and the time if it has one.

        `time` is RFC 3339; pods that are older restart.
        """
        *within, last = self.record
        patch = _nested(within, {last: dict(annotations)})
        if self.restart_at:
            *within, last = self.restart_at
            patch |= _nested(within, {last: time})
        return patch


def _nested(path: Sequence[str], innermost: dict[str, Any]) -> dict[str, Any]:
    for member in reversed(path):
        innermost = {member: innermost}
    return innermost


DEPLOYMENT: Final = WorkloadKind(
    kind="Deployment",
    group="apps",
    version="v1",
    plural="deployments",
    asks_if_controlled=True,  # the official operator does not look at owners
    has_official_finalizer=True,
)
_ROWS: Final = (
    DEPLOYMENT,
    WorkloadKind(kind="StatefulSet", group="apps", version="v1", plural="statefulsets"),
    WorkloadKind(kind="DaemonSet", group="apps", version="v1", plural="daemonsets"),
    WorkloadKind(
        kind="Rollout",
        group="argoproj.io",
        version="v1alpha1",
        plural="rollouts",
        # A changed pod template would be a new version of the program, with all canary steps.
        record=("metadata", "annotations"),
        restart_at=("spec", "restartAt"),
    ),
    WorkloadKind(
        kind="CronJob",
        group="batch",
        version="v1",
        plural="cronjobs",
        template=("spec", "jobTemplate", "spec", "template"),
        record=(),
    ),
    WorkloadKind(
        kind="Job",
        group="batch",
        version="v1",
        plural="jobs",
        record=(),
        keeps_secrets=False,  # thousands that have ended may lie about
    ),
)
KINDS: Final = {row.kind: row for row in _ROWS}
