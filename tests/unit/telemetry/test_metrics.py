"""What /metrics shows."""

import pytest

from onepassword_operator.telemetry.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="1.2.3")


def value(metrics: Metrics, series: str) -> float:
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith(f"onepassword_operator_{series} ")]
    assert len(lines) == 1, series
    return float(lines[0].rsplit(" ", 1)[1])


def test_counts_add_up_and_nothing_is_shown_twice(metrics: Metrics) -> None:
    Metrics(version="of another operator in the same process").restarted()
    for _ in range(2):
        metrics.synced("Synced")
        metrics.connect_retry("GET /v1/vaults")
    metrics.drift_repaired()
    metrics.restarted()
    metrics.resync_found(3)
    metrics.events_dropped(2)
    metrics.internal_error()
    assert value(metrics, 'syncs_total{reason="Synced"}') == 2
    assert value(metrics, 'connect_retries_total{route="GET /v1/vaults"}') == 2
    assert value(metrics, "drift_repairs_total") == 1
    assert value(metrics, "workload_restarts_total") == 1
    assert value(metrics, "resync_found_total") == 3
    assert value(metrics, "events_dropped_total") == 2
    assert value(metrics, "internal_errors_total") == 1
    assert value(metrics, 'build_info{version="1.2.3"}') == 1
    assert "_created" not in metrics.render().decode()


def test_only_a_poll_that_came_through_moves_the_time(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1234.0)
    metrics.polled(ok=False)
    assert value(metrics, "last_successful_poll_timestamp_seconds") == 0
    metrics.polled(ok=True)
    assert value(metrics, "last_successful_poll_timestamp_seconds") == 1234
    assert value(metrics, 'polls_total{result="ok"}') == 1
    assert value(metrics, 'polls_total{result="failed"}') == 1


def test_requests_are_counted_by_side_route_and_code(metrics: Metrics) -> None:
    metrics.connect_request("GET /v1/vaults", 200, 0.25)
    metrics.kubernetes_request("get", "secrets", 0)
    assert value(metrics, 'requests_total{code="200",route="GET /v1/vaults",side="connect"}') == 1
    assert value(metrics, 'requests_total{code="0",route="get secrets",side="kubernetes"}') == 1
    assert value(metrics, 'connect_request_seconds_sum{route="GET /v1/vaults"}') == 0.25


def test_gauges_are_read_when_they_are_scraped(metrics: Metrics) -> None:
    depth = [1.0]
    metrics.observe("queue_depth", "text", read=lambda: depth[0])
    assert value(metrics, "queue_depth") == 1
    depth[0] = 2
    assert value(metrics, "queue_depth") == 2


def test_of_the_connect_server_only_the_version_it_has_now_is_shown(metrics: Metrics) -> None:
    metrics.connect_version("1.7.1")
    metrics.connect_version("1.8.1")
    assert value(metrics, 'connect_info{version="1.8.1"}') == 1
    assert "1.7.1" not in metrics.render().decode()
