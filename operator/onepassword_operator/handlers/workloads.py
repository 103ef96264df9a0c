"""Watch events of Deployments → the index."""

from __future__ import annotations

from typing import Any

import kopf

from onepassword_operator.service.watch.observe_workloads import ObserveWorkloads
from onepassword_operator.wire import deployment


class WorkloadEvents:
    """The kopf handler for Deployments.

    It returns nothing and fills no patch, because either would make kopf write to the object.
    """

    def __init__(self, observe: ObserveWorkloads) -> None:
        self._observe = observe

    async def workload_event(self, event: kopf.RawEvent, **_: Any) -> None:
        """Report a listed, added or modified Deployment as seen, and a deleted one as gone."""
        workload = deployment.from_dict(event["object"])
        if event["type"] == "DELETED":
            self._observe.gone(workload.ref, workload.uid)
        else:
            self._observe.seen(workload)
