"""Kubernetes Events on resources and workloads: for people, best effort, sent in the background."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from onepassword_operator.cluster.event_sender import About, EventSender, Outgoing
from onepassword_operator.model.errors import OperatorError
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import Workload
from onepassword_operator.ports import Clock
from onepassword_operator.rules import announce, event_correlation
from onepassword_operator.rules.event_correlation import History, Moment, Note

REMEMBERED: Final = 4096
"""Objects whose latest Events are remembered, as digests of 1 KiB as a rule, of 7 KiB at worst."""


class KubernetesEvents:
    """`EventLog` over the API server (core/v1 Events)."""

    def __init__(
        self,
        sender: EventSender,
        *,
        new_name: Callable[[About], str],
        clock: Clock,
        now: Callable[[], str],
    ) -> None:
        """Keep the parameters.

        `new_name` makes the name of an Event; `now` returns the time for people, RFC 3339 UTC.
        """
        self._sender = sender
        self._new_name = new_name
        self._clock = clock
        self._now = now
        self._histories: OrderedDict[str, History] = OrderedDict()

    def changed(self, claim: Claim, change: Change, *, message: str) -> None:
        """Post a Normal Event on the object that asks for the Secret: its Secret changed."""
        self._say(_reference(claim), Note("Normal", change.value, message))

    def refreshed(self, claim: Claim, message: str) -> None:
        """Post a Normal Event on the resource: a requested read of 1Password found no change."""
        self._say(_reference(claim), Note("Normal", "Refreshed", message))

    def failed(self, claim: Claim, error: OperatorError) -> None:
        """Post a Warning on the object that asks for the Secret."""
        self._say(_reference(claim), Note("Warning", *announce.warning(claim, error)))

    def warned(self, about: Claim | Workload, reason: str, *, message: str) -> None:
        """Post a Warning on an object that asks for a Secret, or on a workload."""
        reference = _reference(about) if isinstance(about, Claim) else _of_workload(about)
        self._say(reference, Note("Warning", reason, message))

    def restarted(self, workload: Workload, message: str) -> None:
        """Post a Normal Event on the workload: it was restarted."""
        self._say(_of_workload(workload), Note("Normal", "Restarted", message))

    def owed(self, workload: Workload, message: str) -> None:
        """Post a Normal Event on the workload: its restart waits for the restart window."""
        self._say(_of_workload(workload), Note("Normal", "RestartPending", message))

    def reverted(self, workload: Workload, message: str) -> None:
        """Post a Warning on the workload: its restarts are reverted."""
        self._say(_of_workload(workload), Note("Warning", "RestartReverted", message))

    def _say(self, about: About, note: Note) -> None:
        history = self._histories.setdefault(about.uid, History())
        self._histories.move_to_end(about.uid)
        if len(self._histories) > REMEMBERED:
            self._histories.popitem(last=False)
        # All Events of a second share one text.
        now = Moment(self._clock.monotonic(), sys.intern(self._now()))
        if reported := event_correlation.decide(history, note, now=now, name=self._new_name(about)):
            self._sender.put(Outgoing(about, reported))


def _reference(claim: Claim) -> About:
    return About(
        claim.owner_reference.api_version, claim.kind, claim.key.namespace, claim.name, claim.uid
    )


def _of_workload(workload: Workload) -> About:
    kind = workload.kind
    return About(kind.api_version, kind.kind, workload.namespace, workload.name, workload.uid)
