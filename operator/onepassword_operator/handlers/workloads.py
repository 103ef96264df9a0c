"""Watch events of workloads → the index."""

from __future__ import annotations

from typing import Any

import kopf

from onepassword_operator.model.workload_kind import WorkloadKind
from onepassword_operator.service.watch.observe_workloads import ObserveWorkloads
from onepassword_operator.wire.workload import from_dict


class WorkloadEvents:
    """The kopf handler for one kind of workloads.

    It returns nothing and fills no patch, because either would make kopf write to the object.
    """

    def __init__(self, observe: ObserveWorkloads, kind: WorkloadKind) -> None:
        self._observe = observe
        self._kind = kind

    async def workload_event(self, event: kopf.RawEvent, **_: Any) -> None:
        """Report a listed, added or modified workload as seen, and a deleted one as gone."""
        workload = from_dict(event["object"], self._kind)
        if event["type"] == "DELETED":
            self._observe.gone(workload.ref, workload.uid)
        else:
            self._observe.seen(workload)
