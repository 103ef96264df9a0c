"""What a pass over one Secret came to, and how a resource's status tells it."""

from __future__ import annotations

import dataclasses
import enum
import sys
from collections.abc import Mapping
from typing import Any

from onepassword_operator.model.errors import OperatorError
from onepassword_operator.model.item import Revision


def text_of(raw: object) -> str:
    """A member of a resource that is meant to be text. Under a CRD without a schema it may be anything, and that must not end a process."""
    return raw if isinstance(raw, str) else "" if raw is None else str(raw)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One entry of `status.conditions`, in the Kubernetes API conventions' words."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: str
    observed_generation: int | None

    @classmethod
    def from_object(cls, raw: Mapping[str, Any]) -> Condition:
        """Read an entry; the official operator's have neither reason nor observedGeneration."""
        generation = raw.get("observedGeneration")
        return cls(
            type=sys.intern(text_of(raw.get("type"))),  # one is kept for every resource, and these words are the same in all
            status=sys.intern(text_of(raw.get("status"))),
            reason=sys.intern(text_of(raw.get("reason"))),
            message=text_of(raw.get("message")),
            last_transition_time=text_of(raw.get("lastTransitionTime")),
            observed_generation=generation if isinstance(generation, int) else None,
        )

    def to_object(self) -> dict[str, Any]:
        """The entry as JSON."""
        raw: dict[str, Any] = {"type": self.type, "status": self.status, "reason": self.reason, "message": self.message}
        raw["lastTransitionTime"] = self.last_transition_time
        if self.observed_generation is not None:
            raw["observedGeneration"] = self.observed_generation
        return raw


class Change(enum.Enum):
    """What a write did to the Secret; the names are Event reasons where an Event is due."""

    NONE = "Unchanged"
    CREATED = "Created"
    UPDATED = "Updated"
    """Another revision, or what was asked for changed."""
    RESTORED = "VersionRestored"
    """An older revision: the item was set back."""
    REPAIRED = "DriftCorrected"
    """Same revision; somebody had edited the Secret."""
    ADOPTED = "Adopted"
    """The official operator's Secret became ours."""
    RETOUCHED = "Retouched"
    """Only copied metadata, owners or the seal; nobody needs to hear of it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A part of an item that became no key, and why. Labels are names, not values."""

    label: str
    why: str
    worth_reporting: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The Secret holds this revision."""

    revision: Revision
    change: Change
    skipped: tuple[Skipped, ...] | None = ()
    """None where the item was not read again: what was told about this revision before still holds."""
    warning: str = ""
    asked: bool = False
    """Somebody had asked for this look, and is owed an answer even if nothing changed."""


class Pause(enum.Enum):
    """Why a Secret is left as it is although it could be written; the names are reasons."""

    FROZEN = "Frozen"
    """The item carries the official operator's ignore tag."""
    SUSPENDED = "Suspended"
    """The resource carries our suspend annotation."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The Secret stays as it is, because somebody asked for that; one that was missing may have been created."""

    pause: Pause
    message: str
    change: Change = Change.NONE


@dataclasses.dataclass(frozen=True, slots=True)
class Failed:
    """The pass ended with an error; the last good Secret stays."""

    error: OperatorError


Outcome = Synced | Paused | Failed
