"""The outcome of a reconcile of one Secret, and the conditions that report it."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from onepassword_operator.model.errors import OperatorError
from onepassword_operator.model.item import Revisions


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One entry of `status.conditions`, in the Kubernetes API conventions' words."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: str
    observed_generation: int | None

    def to_object(self) -> dict[str, Any]:
        """Render the entry as JSON."""
        raw: dict[str, Any] = {
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
        }
        raw["lastTransitionTime"] = self.last_transition_time
        if self.observed_generation is not None:
            raw["observedGeneration"] = self.observed_generation
        return raw


class Change(enum.Enum):
    """The effect of a write on the Secret; the names are Event reasons where an Event is due."""

    NONE = "Unchanged"
    CREATED = "Created"
    UPDATED = "Updated"
    """Another revision, or the resource changed."""
    RESTORED = "VersionRestored"
    """An older revision: the item was restored to it."""
    REPAIRED = "DriftCorrected"
    """The same revision; somebody had edited the Secret."""
    ADOPTED = "Adopted"
    """The official operator's Secret became ours."""
    RETOUCHED = "Retouched"
    """Only copied metadata, owners or the seal changed; no Event is due."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A part of an item that became no key of the Secret, or a glob that matches none, and why.

    The label is a name, never a value.
    """

    label: str
    why: str
    worth_reporting: bool = True
    remedy: str = "rename it in 1Password"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The Secret holds these revisions."""

    revisions: Revisions
    change: Change
    reason: str
    """Why the Secret was written, or was not, in words that follow "because"."""
    skipped: str | None = ""
    """What became no key, in the status's words. None if the item was not read again: the earlier
    report about these revisions still holds.
    """
    warning: str = ""
    asked: bool = False
    """Somebody asked for this reconcile by the refresh annotation, so it is answered even if
    nothing changed.
    """
    unread: OperatorError | None = None
    """The error that keeps `skipped` unknown: the Secret is written, and its report is not."""


class Pause(enum.Enum):
    """Why a Secret is left as it is although it could be written.

    The values are reasons of conditions.
    """

    FROZEN = "Frozen"
    """The item carries the official operator's ignore tag."""
    SUSPENDED = "Suspended"
    """The resource carries our suspend annotation."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The Secret stays as it is on request; a missing one may have been created."""

    pause: Pause
    message: str
    change: Change = Change.NONE
    absent: bool = False
    """There is no Secret, and none is made."""
    holds_another: bool = False
    """The Secret holds another item than the one asked for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Failed:
    """The reconcile ended with an error; the last good Secret stays."""

    error: OperatorError


Outcome = Synced | Paused | Failed
