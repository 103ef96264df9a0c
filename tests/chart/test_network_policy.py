"""What the operator's network policy lets through."""

from typing import Any

import pytest

from chart.rendering import merged, pick, render


def test_the_network_policy_allows_dns_the_api_server_and_connect() -> None:
    policy = pick(render({"operator": {"networkPolicy": {"enabled": True, "apiServer": {"cidrs": ["10.0.0.1/32"]}}}}), "NetworkPolicy")
    dns, server, connect = policy["spec"]["egress"]
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert (server["to"], [port["port"] for port in server["ports"]]) == ([{"ipBlock": {"cidr": "10.0.0.1/32"}}], [443, 6443])
    assert [port["port"] for port in connect["ports"]] == [8080]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize(
    ("url", "port"),
    [("https://c.example.com", 443), ("http://c.example.com", 80), ("http://c:9000", 9000), ("https://[fd00::1]:8443", 8443)],
)
def test_the_network_policy_reads_the_port_from_the_url(url: str, port: int) -> None:
    open_to_all = {"enabled": True, "connect": {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}}
    policy = pick(render({"operator": {"networkPolicy": open_to_all, "connectHost": url}}), "NetworkPolicy")
    assert policy["spec"]["egress"][2]["ports"] == [{"protocol": "TCP", "port": port}]


def test_the_ports_of_the_pods_behind_connect_and_dns_can_be_told() -> None:
    network = {"enabled": True, "connect": {"ports": [8080, 8443]}, "dns": {"ports": [5353]}}
    values = {"operator": {"networkPolicy": network, "connectHost": "http://connect.other.svc"}}
    dns, _, connect = pick(render(values), "NetworkPolicy")["spec"]["egress"]
    assert [(port["protocol"], port["port"]) for port in dns["ports"]] == [("UDP", 5353), ("TCP", 5353)]
    assert [port["port"] for port in connect["ports"]] == [8080, 8443]


def test_the_charts_own_connect_is_the_peer_only_if_the_url_leads_to_it() -> None:
    def peers(**more: Any) -> Any:
        values = {"operator": {"networkPolicy": {"enabled": True}}, "connect": {"create": True}}
        return pick(render(merged(values, more)), "NetworkPolicy")["spec"]["egress"][2]["to"]

    assert peers()[0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "connect"
    assert peers(operator={"connectHost": "http://connect.other:8080"}) == [{"namespaceSelector": {}}]
    assert peers(connect={"host": "connect.other"}) == [{"namespaceSelector": {}}]


def test_the_pod_of_helm_test_may_scrape_when_scraping_is_restricted() -> None:
    def peers(**metrics: Any) -> Any:
        network = {"enabled": True, "metricsFrom": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]}
        objects = render({"operator": {"networkPolicy": network, "metrics": metrics}})
        return objects, pick(objects, "NetworkPolicy")["spec"]["ingress"][0]["from"]

    objects, (_, test) = peers()
    assert test["podSelector"]["matchLabels"].items() <= pick(objects, "Pod")["metadata"]["labels"].items()
    assert len(peers(tls={"secret": "certificate"})[1]) == 1  # there is no such pod then
