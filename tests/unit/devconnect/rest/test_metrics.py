"""The metrics of the API port."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from onepassword_operator.devconnect.rest.metrics import ApiMetrics


def samples(text: str) -> dict[str, float]:
    families = text_string_to_metric_families(text)
    return {
        f"{sample.name} {sample.labels.get('method')} {sample.labels.get('path')} {sample.labels.get('le', '')}".strip(): sample.value
        for family in families
        for sample in family.samples
    }


def test_buckets_are_cumulative_and_end_with_everything() -> None:
    metrics = ApiMetrics()
    for seconds in (0.001, 0.005, 0.3, 20.0):
        metrics.observe("GET", "/v1/vaults", seconds=seconds)
    found = samples(metrics.text())
    name = "secret_service_api_http_duration_seconds_bucket GET /v1/vaults"
    assert [found[f"{name} {bound}"] for bound in ("0.005", "0.25", "0.5", "10", "+Inf")] == [2, 2, 3, 3, 4]
    assert found["secret_service_api_http_duration_seconds_sum GET /v1/vaults"] == 20.306


async def test_requests_are_counted_by_template_without_any_id(client: Any) -> None:
    for path in (client.item_path, f"{client.item_path}/", "/v1/vaults", "/nope"):
        await client.ask("GET", path)
    reply = await client.ask("GET", "/metrics", token=None)
    found = samples(reply.raw.decode())
    assert 'secret_service_api_http_method_counts{method="GET",path="/v1/vaults/:uuid/items/:uuid"} 2\n' in reply.raw.decode()
    assert found["secret_service_api_http_duration_seconds_count GET /v1/vaults/:uuid/items/:uuid"] == 2
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert client.vault not in reply.raw.decode()
    assert "nope" not in reply.raw.decode()
