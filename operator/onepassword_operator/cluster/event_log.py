"""Kubernetes Events on resources and workloads: for people, best effort. Nobody waits for one; `event_sender.py` posts them."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from onepassword_operator.cluster.event_sender import About, EventSender, Outgoing
from onepassword_operator.model import names
from onepassword_operator.model.errors import OperatorError
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import Workload
from onepassword_operator.ports import Clock
from onepassword_operator.rules import announce, event_correlation
from onepassword_operator.rules.event_correlation import History, Moment, Note

REMEMBERED: Final = 4096
"""Objects whose latest Events are kept in mind, by digests: less than 1 KiB each as a rule, 7 at worst."""


class KubernetesEvents:
    """`EventLog` over the API server (core/v1 Events)."""

    def __init__(self, sender: EventSender, *, new_name: Callable[[About], str], clock: Clock, now: Callable[[], str]) -> None:
        """`new_name` makes the name of an Event; `now` tells the time for people, RFC 3339 UTC."""
        self._sender = sender
        self._new_name = new_name
        self._clock = clock
        self._now = now
        self._histories: OrderedDict[str, History] = OrderedDict()

    def changed(self, claim: Claim, change: Change, *, message: str) -> None:
        """A Normal event on the object that asks."""
        self._say(_reference(claim), Note("Normal", change.value, message))

    def refreshed(self, claim: Claim, message: str) -> None:
        """A Normal event on the resource."""
        self._say(_reference(claim), Note("Normal", "Refreshed", message))

    def failed(self, claim: Claim, error: OperatorError) -> None:
        """A Warning on the object."""
        self._say(_reference(claim), Note("Warning", *announce.warning(claim, error)))

    def restarted(self, workload: Workload, message: str) -> None:
        """A Normal event on the Deployment."""
        self._say(_of_workload(workload), Note("Normal", "Restarted", message))

    def reverted(self, workload: Workload, message: str) -> None:
        """A Warning on the Deployment."""
        self._say(_of_workload(workload), Note("Warning", "RestartReverted", message))

    def _say(self, about: About, note: Note) -> None:
        history = self._histories.setdefault(about.uid, History())
        self._histories.move_to_end(about.uid)
        if len(self._histories) > REMEMBERED:
            self._histories.popitem(last=False)
        now = Moment(self._clock.monotonic(), sys.intern(self._now()))  # one text for all that is said in a second
        if reported := event_correlation.decide(history, note, now=now, name=self._new_name(about)):
            self._sender.put(Outgoing(about, reported))


def _reference(claim: Claim) -> About:
    return About(claim.owner_reference.api_version, claim.kind, claim.key.namespace, claim.name, claim.uid)


def _of_workload(workload: Workload) -> About:
    return About("apps/v1", names.DEPLOYMENT, workload.namespace, workload.name, workload.uid)
