r"""Loads vaults, items (without their values) and audit events of a Connect server into DuckDB.

Every run loads the changes since the last.

    OP_CONNECT_HOST=http://127.0.0.1:8090 OP_CONNECT_TOKEN=... OP_EVENTS_TOKEN=... \
        python dlt_pipeline.py onepassword.duckdb

Needs `dlt[duckdb]`. dlt reports its use to its makers unless told not to; this script tells it not
to.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.rest_api import RESTAPIConfig, rest_api_resources

PAGE = 100


@dlt.source(name="onepassword")
def onepassword(host: str, *, connect_token: str, events_token: str) -> Iterator[Any]:
    """Everything that is loaded."""
    yield from rest_api_resources(vaults_and_items(host, connect_token))
    yield audit_events(host, events_token)


def vaults_and_items(host: str, token: str) -> RESTAPIConfig:
    """Vaults as they are now, and the newest versions of items changed since the last run."""
    return {
        "client": {
            "base_url": host,
            "auth": {"type": "bearer", "token": token},
            "paginator": "single_page",
        },
        "resources": [
            {
                "name": "vaults",
                "endpoint": {"path": "v1/vaults"},
                "primary_key": "id",
                "write_disposition": "merge",
            },
            {
                "name": "items",
                # Times have whole seconds: two changes in one second differ by their version only.
                "endpoint": {
                    "path": "v1/vaults/{resources.vaults.id}/items",
                    "incremental": {"cursor_path": "updatedAt", "primary_key": ["id", "version"]},
                },
                "primary_key": "id",
                "write_disposition": "merge",
            },
        ],
    }


@dlt.resource(name="audit_events", primary_key="uuid", write_disposition="append")
def audit_events(host: str, token: str) -> Iterator[Any]:
    """The events since the last run.

    The cursor is kept with what was loaded, so that none is left out and none comes twice.
    """
    client = RESTClient(base_url=host, auth=BearerTokenAuth(token=token))
    state = dlt.current.resource_state()
    has_more = True
    while has_more:
        asked = {"cursor": state["cursor"]} if "cursor" in state else {"limit": PAGE}
        page = client.post("api/v2/auditevents", json=asked).json()
        yield page["items"]
        state["cursor"], has_more = page["cursor"], page["has_more"]


def main(database: str) -> None:
    """One run."""
    pipeline = dlt.pipeline(
        "onepassword",
        destination=dlt.destinations.duckdb(database),
        dataset_name="onepassword_data",
    )
    source = onepassword(
        os.environ["OP_CONNECT_HOST"],
        connect_token=os.environ["OP_CONNECT_TOKEN"],
        events_token=os.environ["OP_EVENTS_TOKEN"],
    )
    pipeline.run(source).raise_on_failed_jobs()
    for table, rows in sorted(pipeline.last_trace.last_normalize_info.row_counts.items()):
        if not table.startswith("_dlt"):
            print(f"{table}: {rows} rows")


if __name__ == "__main__":
    main(sys.argv[1])
