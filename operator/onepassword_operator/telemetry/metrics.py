"""The operator's own metrics, in the Prometheus text format."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

_PREFIX: Final = "onepassword_operator"


class Metrics:
    """Implements the `Meter` port.

    Each has its own registry, so that several operators can live in one process.
    """

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, *, version: str) -> None:
        # The times of creation would be a second, useless series per counter.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._families: list[tuple[Gauge, Callable[[], Mapping[str, float]]]] = []
        ProcessCollector(registry=self._registry)
        self._last_poll = self._gauge(
            "last_successful_poll_timestamp_seconds",
            "When 1Password last answered a poll in full (Unix time).",
        )
        self._polls = self._counter("polls", "Polls of 1Password, by result.", "result")
        self._requests = self._counter(
            "requests",
            "Requests made, by side, route and status code (0: no answer).",
            "side",
            "route",
            "code",
        )
        self._seconds = Histogram(
            f"{_PREFIX}_connect_request_seconds",
            "Duration of Connect requests, by route.",
            ["route"],
            registry=self._registry,
        )
        self._retries = self._counter(
            "connect_retries", "Requests to Connect made again, by route.", "route"
        )
        self._server = self._gauge("connect_info", "The Connect server's version.", "version")
        self._syncs = self._counter(
            "syncs",
            "Outcomes of reconciles, by reason: one for each object that asks for the Secret.",
            "reason",
        )
        self._repairs = self._counter("drift_repairs", "Secrets repaired after edit or deletion.")
        self._restored = self._counter(
            "versions_restored",
            "Secrets written from an older version of their item, because the item was restored.",
        )
        self._restarts = self._counter(
            "workload_restarts", "Workloads restarted for changed Secrets."
        )
        self._internal = self._counter("internal_errors", "Exceptions that nobody foresaw.")
        self._found = self._counter("resync_found", "Changes that only a full resync found.")
        self._dropped = self._counter(
            "events_dropped",
            "Kubernetes Events dropped untried: too many were waiting, or the operator stopped.",
        )
        self._gauge("build_info", "The version that runs.", "version").labels(version).set(1)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, labels, registry=self._registry)

    def observe(self, name: str, text: str, *, read: Callable[[], float]) -> None:
        """Add a gauge whose value `read` returns when the page is rendered."""
        self._gauge(name, text).set_function(read)

    def observe_each(
        self, name: str, text: str, *, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """Add a gauge with a value for each label value that `read` returns at a rendering."""
        self._families.append((self._gauge(name, text, label), read))

    def render(self) -> bytes:
        """Render all metrics in the Prometheus text format."""
        for family, read in self._families:
            family.clear()
            for value, number in read().items():
                family.labels(value).set(number)
        return generate_latest(self._registry)

    def connect_request(self, route: str, code: int, seconds: float) -> None:
        """Count a request to Connect that ended after so many seconds; code 0 means no answer."""
        self._requests.labels("connect", route, code).inc()
        self._seconds.labels(route).observe(seconds)

    def connect_retry(self, route: str) -> None:
        """Count a retry of a request to Connect."""
        self._retries.labels(route).inc()

    def connect_version(self, version: str) -> None:
        """Set the Connect server's version."""
        self._server.clear()
        self._server.labels(version).set(1)

    def kubernetes_request(self, verb: str, resource: str, code: int) -> None:
        """Count a request to the API server; code 0 means no answer."""
        self._requests.labels("kubernetes", f"{verb} {resource}", code).inc()

    def synced(self, outcome: str) -> None:
        """Count the outcome of a reconcile for one of the objects that ask for the Secret."""
        self._syncs.labels(outcome).inc()

    def drift_repaired(self) -> None:
        """Count a repaired Secret."""
        self._repairs.inc()

    def version_restored(self) -> None:
        """Count a Secret written from an older version of its item."""
        self._restored.inc()

    def restarted(self) -> None:
        """Count a restart of a workload."""
        self._restarts.inc()

    def internal_error(self) -> None:
        """Count an exception that nobody foresaw."""
        self._internal.inc()

    def polled(self, *, ok: bool) -> None:
        """Count a poll; note its time if it was complete."""
        self._polls.labels("ok" if ok else "failed").inc()
        if ok:
            self._last_poll.set(time.time())

    def resync_found(self, count: int) -> None:
        """Count changes that polls had missed and a resync found."""
        self._found.inc(count)

    def events_dropped(self, count: int) -> None:
        """Count Kubernetes Events that were dropped untried."""
        self._dropped.inc(count)
