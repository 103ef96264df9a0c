"""What a scrape shows of the process: each gauge is read then, from the part that knows."""

from fakes.clock import FakeClock
from fakes.world import World
from onepassword_operator import gauges, wiring
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.credentials import ClusterAccess
from onepassword_operator.cluster.event_sender import EventSender
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.factory import Limits, Server, connect_source
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.target import Rendering
from onepassword_operator.service.runtime.leader_election import NoElection
from onepassword_operator.service.runtime.work_queue import WorkQueue
from onepassword_operator.service.watch.namespaces import Access
from onepassword_operator.telemetry.metrics import Metrics
from onepassword_operator.wire import onepassword_item

METADATA = {"namespace": "app", "name": "db", "uid": "u", "resourceVersion": "7"}
ACCESS = ClusterAccess(server="http://127.0.0.1:1", ssl_context=None, token=None)
NOTHING_WAITS = {
    *("retries_waiting", "polls_by_item_lists", "items_listed_older", "events_waiting", "pending_restarts"),
    *("connect_calls_in_flight", "connect_budget_waiting", "connect_circuit_open", "connect_token_expiry_timestamp_seconds"),
}


async def test_a_scrape_shows_the_state_of_that_moment() -> None:
    world, metrics, token = World(), Metrics(version="0"), ConnectToken(Confidential(b"fake"))
    made = wiring.wire(world.ports(), world.options(), new_queue=WorkQueue)
    limits = Limits(timeout_seconds=1.0, denied_probe_seconds=1.0)
    api = KubernetesApi(ACCESS, user_agent="x", observer=lambda *_: None)
    events = EventSender(api, clock=FakeClock(), new_name=str, instance="x", dropped=metrics.events_dropped)
    async with connect_source(
        Server(host="http://127.0.0.1:1"), token=token, user_agent="x", meter=metrics, clock=FakeClock(), limits=limits
    ) as connected:
        gauges.expose(metrics, use_cases=made, events=events, connected=connected, token=token, election=NoElection())
        assert shown(metrics) == dict.fromkeys(NOTHING_WAITS | {"queue_depth"}, 0.0) | {"leader": 1.0}
        namespaces = made.shared.namespaces
        namespaces.refuse("", Access.LISTS, error=ClusterDeniedError("no"))
        assert 'onepassword_operator_namespaces_not_served{reason="ClusterAccessDenied"} 1.0' in metrics.render().decode()
        namespaces.allow("", Access.LISTS)
        assert "not_served{" not in metrics.render().decode()
        made.observe.claim_seen(onepassword_item.from_dict({"metadata": METADATA}, Rendering()))
        assert shown(metrics) == dict.fromkeys(NOTHING_WAITS, 0.0) | {"queue_depth": 1.0, "leader": 1.0}
        assert 'onepassword_operator_resources{reason="Other"} 1.0\n' in metrics.render().decode()


def shown(metrics: Metrics) -> dict[str, float]:
    """The gauges of this module as they are scraped."""
    lines = (line.removeprefix("onepassword_operator_").rsplit(" ", 1) for line in metrics.render().decode().splitlines())
    return {name: float(value) for name, value in lines if name in NOTHING_WAITS | {"queue_depth", "leader"}}
