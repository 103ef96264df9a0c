"""Writes `docs/metrics.md` from the registry itself: `python tests/contract/metrics_page.py > docs/metrics.md` (`make docs`)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from unittest.mock import MagicMock

from onepassword_operator import gauges
from onepassword_operator.telemetry.metrics import Metrics

HEAD = """\
# Metrics

Written by `make docs` from the operator's registry; a test keeps the two in step.

`/metrics` is on port 8080 (`--metrics-bind-address`), in the Prometheus text format, and shows the
state of at most a quarter of a second ago. The chart makes a Service for it, and a ServiceMonitor
with `operator.metrics.serviceMonitor.enabled=true`. To look by hand:

    kubectl -n onepassword-operator port-forward deployment/onepassword-operator 8080 &
    curl -s http://localhost:8080/metrics | grep ^onepassword_operator_

| name | type | labels | meaning |
|---|---|---|---|
"""

TAIL = """\

A histogram has the series `_bucket`, `_sum` and `_count`. The series `process_*` (CPU, memory, open
files) are those of every Prometheus client. No label holds the name of a resource, so the number of
series does not grow with them.

## How to read them

- **Replicas.** With `--leader-elect` only the leader polls and writes: its `leader` is 1. A standby
  shows 0 for the last poll, so take `max(...)` over the replicas, as the rules below do.
- **`syncs_total` counts outcomes, not resources.** Its `reason` is the one in the resource's
  condition ([all reasons](troubleshooting.md#reasons)), where `FieldsSkipped` counts as `Synced`.
  A reason that is tried again once per polling interval, such as `Unauthorized`, keeps counting
  while it lasts. One that waits for a change, such as `InvalidItemPath`, may count only once.
- **`resources`** tells how many `OnePasswordItem`s report which reason at this moment; every replica
  shows all. `Other` are those without a condition, or with a reason of another operator's. Which
  ones they are tells `kubectl get opi -A`. Annotated Deployments have no condition.
- **`requests_total`**, `side="connect"`: routes have placeholders instead of IDs, and `code="0"`
  means that no answer came. `side="kubernetes"`: the route is verb and resource.
- **An idle poll** is one request, `GET /v1/vaults`, and no write. More than that without a change
  in 1Password shows in `polls_by_item_lists` or `items_listed_older`.
- **`pending_restarts`** counts Secrets with the annotation `restart-pending`. It falls to 0 once
  the workloads that opted in have been restarted, at most ten in a second by default.

## Alerts

[alerts.yaml](alerts.yaml) is a file of rules for Prometheus, as examples: each has a summary and
the command to begin with. A test keeps the names of metrics and labels in it true. The limits fit
the default polling interval of 60 seconds; raise them with yours. For the Prometheus Operator put
the part from `groups:` on below `spec:` of a PrometheusRule.
"""


class Row(NamedTuple):
    """One metric."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def rows() -> list[Row]:
    """Every metric of the operator, by name."""
    metrics = Metrics(version="0")
    parts = list(inspect.signature(gauges.expose).parameters)[1:]
    gauges.expose(metrics, **{part: MagicMock() for part in parts})
    found = [row for collector in metrics._registry._collector_to_names for row in _rows(collector)]
    return sorted(row for row in found if not row.name.startswith("process_"))


def _rows(collector: Any) -> Iterator[Row]:
    # `describe` does not read a gauge, and there is nothing here that it could be read from.
    for family in getattr(collector, "describe", collector.collect)():
        labels: Sequence[str] = getattr(collector, "_labelnames", ()) or getattr(family, "_labelnames", ())
        ending = "_total" if family.type == "counter" else ""
        yield Row(family.name + ending, family.type, tuple(labels), family.documentation)


def render() -> str:
    """The page."""
    table = [f"| `{row.name}` | {row.kind} | {', '.join(f'`{label}`' for label in row.labels)} | {row.text} |\n" for row in rows()]
    return "".join([HEAD, *table, TAIL])


if __name__ == "__main__":
    sys.stdout.write(render())
