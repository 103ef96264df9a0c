"""Two replicas of the embedded server as a process, told apart by nothing but what they show: as the cluster tests use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.connect_process import ConnectProcess

SEED = {"vaults": [{"name": "v", "items": [{"title": "x", "fields": {"password": "fake-1"}}]}]}


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[ConnectProcess]:
    with ConnectProcess(SEED, tmp_path, "--replicas", "2", "--balance-seed", "1") as process:
        yield process


def versions(connect: ConnectProcess) -> set[int]:
    """What twenty reads on connections of their own say."""
    vault, item = connect.ids("v", "x")
    return {connect.ask("GET", f"/v1/vaults/{vault}/items/{item}")["version"] for _ in range(20)}


@pytest.mark.parametrize("balance", ["connection", "request"])
def test_new_connections_see_two_versions_while_one_replica_is_stuck(connect: ConnectProcess, balance: str) -> None:
    connect.balance(balance, seed=2)
    connect.stick(1)
    connect.edit("v", "x", fields={"password": "fake-2"})
    assert versions(connect) == {1, 2}
    assert (sum(connect.answered()), min(connect.answered()) > 0) == (20, True)
    connect.replica(1, list_seconds=None)
    assert versions(connect) == {2}
