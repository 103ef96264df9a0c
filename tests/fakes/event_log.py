"""Events as people would read them."""

from typing import NamedTuple

from onepassword_operator.model.errors import OperatorError
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules import announce


class CountedEvent(NamedTuple):
    name: str
    kind: str
    reason: str
    message: str


class FakeEventLog:
    """`EventLog` in memory."""

    def __init__(self) -> None:
        self.reported: list[CountedEvent] = []

    def changed(self, claim: Claim, change: Change, *, message: str) -> None:
        self.reported.append(CountedEvent(claim.name, "Normal", change.value, message))

    def refreshed(self, claim: Claim, message: str) -> None:
        self.reported.append(CountedEvent(claim.name, "Normal", "Refreshed", message))

    def failed(self, claim: Claim, error: OperatorError) -> None:
        self.reported.append(CountedEvent(claim.name, "Warning", *announce.warning(claim, error)))

    def warned(self, about: Claim | Workload, reason: str, *, message: str) -> None:
        self.reported.append(CountedEvent(about.name, "Warning", reason, message))

    def restarted(self, workload: Workload, message: str) -> None:
        self.reported.append(CountedEvent(workload.name, "Normal", "Restarted", message))

    def owed(self, workload: Workload, message: str) -> None:
        self.reported.append(CountedEvent(workload.name, "Normal", "RestartPending", message))

    def reverted(self, workload: Workload, message: str) -> None:
        self.reported.append(CountedEvent(workload.name, "Warning", "RestartReverted", message))

    def reasons(self, name: str) -> list[str]:
        return [event.reason for event in self.reported if event.name == name]
