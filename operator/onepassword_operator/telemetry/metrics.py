"""The operator's own metrics, in the Prometheus text format."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics, generate_latest


class Metrics:
    """Implements the `Meter` port; one registry of its own, so that several operators can live in one process."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, *, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that nobody reads
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        name = "onepassword_operator"
        self._last_poll = Gauge(
            f"{name}_last_successful_poll_timestamp_seconds",
            "When 1Password last answered a poll in full (Unix time).",
            registry=self._registry,
        )
        self._polls = Counter(f"{name}_polls", "Polls of 1Password, by result.", ["result"], registry=self._registry)
        self._requests = Counter(
            f"{name}_requests",
            "Requests made, by side, route and status code (0: no answer).",
            ["side", "route", "code"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            f"{name}_connect_request_seconds", "Duration of Connect requests, by route.", ["route"], registry=self._registry
        )
        self._retries = Counter(f"{name}_connect_retries", "Requests to Connect made again, by route.", ["route"], registry=self._registry)
        self._server = Gauge(f"{name}_connect_info", "The Connect server's version.", ["version"], registry=self._registry)
        self._syncs = Counter(f"{name}_syncs", "Passes over a Secret, by what they came to.", ["reason"], registry=self._registry)
        self._repairs = Counter(
            f"{name}_drift_repairs", "Secrets put right after somebody edited or deleted them.", registry=self._registry
        )
        self._set_back = Counter(
            f"{name}_versions_restored",
            "Secrets written from an older version of their item, which had been set back.",
            registry=self._registry,
        )
        self._restarts = Counter(f"{name}_workload_restarts", "Workloads restarted for changed Secrets.", registry=self._registry)
        self._found = Counter(f"{name}_resync_found", "Changes that only a full resync found.", registry=self._registry)
        self._dropped = Counter(
            f"{name}_events_dropped",
            "Kubernetes Events given up without a try: too many waited, or the operator stopped.",
            registry=self._registry,
        )
        Gauge(f"{name}_build_info", "The version that runs.", ["version"], registry=self._registry).labels(version).set(1)

    def observe(self, name: str, text: str, *, read: Callable[[], float]) -> None:
        """A gauge that is read when it is scraped."""
        Gauge(f"onepassword_operator_{name}", text, registry=self._registry).set_function(read)

    def render(self) -> bytes:
        """The exposition."""
        return generate_latest(self._registry)

    def connect_request(self, route: str, code: int, seconds: float) -> None:
        """A request to Connect ended."""
        self._requests.labels("connect", route, code).inc()
        self._seconds.labels(route).observe(seconds)

    def connect_retry(self, route: str) -> None:
        """A request to Connect is made again."""
        self._retries.labels(route).inc()

    def connect_version(self, version: str) -> None:
        """What the server says of itself."""
        self._server.clear()
        self._server.labels(version).set(1)

    def kubernetes_request(self, verb: str, resource: str, code: int) -> None:
        """A request to the API server ended."""
        self._requests.labels("kubernetes", f"{verb} {resource}", code).inc()

    def synced(self, outcome: str) -> None:
        """A pass over a Secret ended."""
        self._syncs.labels(outcome).inc()

    def drift_repaired(self) -> None:
        """A Secret was put right."""
        self._repairs.inc()

    def set_back(self) -> None:
        """A Secret was written from an older version of its item."""
        self._set_back.inc()

    def restarted(self) -> None:
        """A workload was restarted."""
        self._restarts.inc()

    def polled(self, *, ok: bool) -> None:
        """A poll ended."""
        self._polls.labels("ok" if ok else "failed").inc()
        if ok:
            self._last_poll.set(time.time())

    def resync_found(self, count: int) -> None:
        """A resync found what the polls had missed."""
        self._found.inc(count)

    def events_dropped(self, count: int) -> None:
        """Kubernetes Events were given up without a try."""
        self._dropped.inc(count)
