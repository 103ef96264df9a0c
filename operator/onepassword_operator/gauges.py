"""The metrics that are read when they are scraped: what waits, what is believed, who leads."""

from __future__ import annotations

from onepassword_operator.cluster.event_sender import EventSender
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.factory import Connected
from onepassword_operator.service.runtime.leader_election import Election
from onepassword_operator.telemetry.metrics import Metrics
from onepassword_operator.wiring import UseCases


def expose(
    metrics: Metrics,
    *,
    use_cases: UseCases,
    events: EventSender,
    connected: Connected,
    token: ConnectToken,
    election: Election,
) -> None:
    """Add the gauges of a process."""
    _expose_work(metrics, use_cases, events=events)
    _expose_connect(metrics, connected, token=token)
    metrics.observe_each(
        "namespaces_not_served",
        "Watched namespaces that can't be listed or watched, by reason.",
        label="reason",
        read=use_cases.shared.namespaces.refused,
    )
    metrics.observe_each(
        "workload_kinds_not_served",
        "Watched namespaces in which workloads of a kind can't be listed or watched, by kind.",
        label="kind",
        read=use_cases.shared.index.kinds.count_refused,
    )
    metrics.observe(
        "leader",
        "1 while this replica leads: it alone asks 1Password and writes.",
        read=lambda: election.seconds_left() > 0,
    )


def _expose_work(metrics: Metrics, made: UseCases, *, events: EventSender) -> None:
    metrics.observe_each(
        "resources",
        "OnePasswordItems by the reason of their Ready condition.",
        label="reason",
        read=made.shared.index.claims.count_by_reason,
    )
    metrics.observe(
        "queue_depth",
        "Secrets that wait for a reconcile or are being reconciled.",
        read=made.shared.queue.depth,
    )
    metrics.observe(
        "retries_waiting",
        "Secrets that wait for the time of their next try.",
        read=made.shared.queue.delayed,
    )
    metrics.observe(
        "polls_by_item_lists",
        "1 while the vault list is not believed, and every poll lists items.",
        read=made.poller.trust.lost,
    )
    metrics.observe(
        "items_listed_older",
        "Items that 1Password lists at an older version than before, or not at all.",
        read=made.poller.count_doubts,
    )
    metrics.observe(
        "events_waiting", "Kubernetes Events that wait to be posted.", read=events.waiting
    )
    metrics.observe(
        "pending_restarts",
        "Secrets whose users are still to be restarted.",
        read=made.shared.index.states.count_pending,
    )


def _expose_connect(metrics: Metrics, connected: Connected, *, token: ConnectToken) -> None:
    metrics.observe(
        "connect_calls_in_flight", "Calls to Connect under way.", read=connected.guarded.in_flight
    )
    metrics.observe(
        "connect_budget_waiting",
        "Requests to Connect that wait for their minute.",
        read=connected.budget.waiting,
    )
    metrics.observe(
        "connect_circuit_open",
        "1 while calls to Connect fail at once with what was last seen.",
        read=connected.guarded.is_open,
    )
    metrics.observe(
        "connect_token_expiry_timestamp_seconds",
        "When the Connect token expires (Unix time); 0 if it does not say.",
        read=lambda: token.expires_at() or 0,
    )
