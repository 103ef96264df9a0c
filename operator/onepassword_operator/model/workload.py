"""Workloads that use Secrets, reduced to the facts that decide about their restarts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from onepassword_operator.model import names
from onepassword_operator.model.item import Revisions
from onepassword_operator.model.secret import OwnerReference
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload_kind import DEPLOYMENT, WorkloadKind

_DIGEST = re.compile("[0-9a-f]{32}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A workload: the Secrets that it uses or asks for, and its annotations."""

    kind: WorkloadKind = DEPLOYMENT
    namespace: str
    name: str
    uid: str
    resource_version: int
    created_at: str
    annotations: Mapping[str, str]
    template_annotations: Mapping[str, str]
    secrets: frozenset[str]
    terminating: bool = False
    finalizers: tuple[str, ...] = ()
    controller: str = ""
    """Kind and name of the object that controls it, as `Prometheus "main"`; empty: none does."""
    template_of: str = ""
    """Name of the Deployment whose pod template it runs; empty: it has one of its own."""
    has_no_pods: bool = False
    """Whether it is scaled down to none."""
    left_to_do: str = ""
    """What people have to do after its restart; empty: its pods are replaced without them."""
    advice: tuple[str, ...] = ()
    """What of its annotations means nothing."""
    claims: tuple[Claim, ...] = ()
    """Its requests for Secrets by annotation."""

    @property
    def ref(self) -> ObjectRef:
        """Its kind, namespace and name."""
        return ObjectRef(self.kind.kind, self.namespace, self.name)

    @property
    def speaks_for_itself(self) -> bool:
        """Whether it may ask for a Secret."""
        return not self.controller or self.kind.asks_if_controlled

    @property
    def keeps_secrets(self) -> bool:
        """Whether a Secret that another workload asked for lives as long as this one uses it."""
        return self.speaks_for_itself and self.kind.keeps_secrets

    @property
    def record(self) -> Mapping[str, str]:
        """The annotations that tell what it was restarted for."""
        return self.template_annotations if self.kind.records_on_template else self.annotations

    @property
    def owner_reference(self) -> OwnerReference:
        """The entry that lets a Secret live as long as this workload uses it."""
        return OwnerReference(
            kind=self.kind.kind,
            name=self.name,
            uid=self.uid,
            api_version=self.kind.api_version,
        )

    @property
    def has_legacy_finalizer(self) -> bool:
        """Whether the object carries the official operator's finalizer."""
        return names.OFFICIAL_FINALIZER in self.finalizers


@dataclasses.dataclass(frozen=True, slots=True)
class RestartMark:
    """The pending-restart mark of a Secret: its users that run an older revision are due.

    `content` is what they are to run: revisions, or a digest of a shaped Secret's data. `time` is
    the API server's, RFC 3339 UTC.
    """

    content: str
    time: str

    def __str__(self) -> str:
        return f"{self.content}@{self.time}"

    @property
    def is_digest(self) -> bool:
        """Whether it is of a shaped Secret's data."""
        return _DIGEST.fullmatch(self.content) is not None

    @classmethod
    def parse(cls, text: str | None) -> RestartMark | None:
        """Read a mark as `str` writes it; None for any other text."""
        content, _, time = (text or "").rpartition("@")
        known = _DIGEST.fullmatch(content) or Revisions.parse(content)
        return cls(content, time) if known and time else None
