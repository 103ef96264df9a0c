"""Every scenario of the benchmark still measures what its page shows. Counts are exact; whether the times are good is not asked here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import machine, page, plan, prose
from bench.contender import Contender
from bench.records import Measured, Record, Report, load_all
from bench.scene import Scene, Setup
from controlplane.launcher import ControlPlane, find_binaries
from harness.official_process import PROGRAM

pytestmark = pytest.mark.cluster

INTERVAL = 2
ITEMS, VAULTS = 6, 2

Play = Callable[..., Measured]


def small(items: int, vaults: int) -> Setup:
    """A scene that takes a moment, on a control plane that belongs to others too."""
    return Setup(items=items, vaults=vaults, namespaces=2, hurry=True, shared_plane=True)


@pytest.fixture
def play(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Play]:
    """Measures one scenario after the other in one scene."""
    with Scene(control_plane, small(ITEMS, VAULTS), contender=Contender.ours(), directory=tmp_path) as scene:
        yield lambda name, **sizes: plan.SCENARIOS[name](scene, interval=INTERVAL, **sizes)


def test_the_scenarios_of_a_single_operator_count_what_happens(play: Play, tmp_path: Path) -> None:
    found = {"cold": play("cold")}
    assert found["cold"].requests["connect"]["GET /v1/vaults/:uuid/items/:uuid"] == ITEMS
    assert found["cold"].requests["kubernetes"]["create secrets"] == ITEMS
    assert found["cold"].requests["kubernetes"]["list onepassworditems"] >= 1
    assert found["cold"].figures["wrong_secrets"] == 0
    found["memory"] = play("memory", rest=0.1)
    assert found["memory"].figures["rss_mib"] > 10
    found["idle"] = play("idle", polls=2)
    assert found["idle"].requests["connect"] == {"GET /v1/vaults": 2}
    assert found["idle"].figures["connect_requests_per_poll"] == 1
    assert found["idle"].figures["kubernetes_writes_per_poll"] == 0
    found["changed"] = play("changed", polls=2)
    assert found["changed"].requests["connect"]["GET /v1/vaults/:uuid/items"] >= 2
    found["rotation"] = play("rotation", edits=4, seconds=3)
    assert (found["rotation"].figures["edits"], found["rotation"].figures["missing"]) == (4, 0)
    assert found["rotation"].requests["kubernetes"]["update secrets"] == 4
    found["steady"] = play("steady", minutes=0.05)
    assert found["steady"].figures["kubernetes_writes"] == 0
    assert found["steady"].figures["wrong_secrets"] == 0
    found["fanout"] = play("fanout", deployments=5)
    assert (found["fanout"].figures["rolled_out_once"], found["fanout"].figures["rolled_out_more"]) == (5, 0)
    found["restart"] = play("restart")
    assert found["restart"].requests["connect"]["GET /v1/vaults/:uuid/items"] in range(VAULTS, 4 * VAULTS + 1)  # once, and at three polls
    assert found["restart"].requests["kubernetes"]["watch secrets"] >= 1  # a cold start of six may be over before it begins
    assert found["restart"].figures["kubernetes_writes"] == 0
    check_page(found, tmp_path)


@pytest.mark.soak
def test_isolation_times_the_healthy_vaults_through_every_trouble(control_plane: ControlPlane, tmp_path: Path) -> None:
    with Scene(control_plane, small(8, 4), contender=Contender.ours(), directory=tmp_path) as scene:
        measured = plan.SCENARIOS["isolation"](scene, interval=1, edits=3, seconds=1, broken=3, patience=20)
    assert list(measured.series) == ["nothing_wrong", "denied", "slow", "hung", "breaking", "broken"]
    assert (len(measured.series["nothing_wrong"]), measured.figures["nothing_wrong_missing"]) == (3, 0)
    assert (len(measured.series["broken"]), measured.figures["broken_missing"]) == (3, 0)
    assert {len(seconds) for seconds in measured.series.values()} == {3}
    assert [measured.figures[f"{name}_missing"] for name in ("denied", "slow", "hung")] == [0, 0, 0]
    check_page({"isolation": measured}, tmp_path)


@pytest.mark.soak
def test_failover_ends_with_every_secret_right_and_every_restart_once(control_plane: ControlPlane, tmp_path: Path) -> None:
    with Scene(control_plane, small(3, 1), contender=Contender.ours(), directory=tmp_path) as scene:
        measured = plan.SCENARIOS["failover"](scene, interval=1, rounds=1, losses=["sigterm"])
    assert len(measured.series["sigterm"]) == 1
    assert measured.figures["secrets_behind"] == 0
    assert measured.figures["wrong_secrets"] == 0
    assert measured.figures["double_restarts"] == 0


def test_another_operator_is_measured_in_the_same_way(control_plane: ControlPlane, tmp_path: Path) -> None:
    peer = Contender.peer(str(find_binaries() / PROGRAM))
    with Scene(control_plane, small(4, 2), contender=peer, directory=tmp_path) as scene:
        measured = plan.SCENARIOS["cold"](scene, interval=60)
    assert measured.requests["kubernetes"]["create secrets"] == 4
    assert measured.figures["wrong_secrets"] == 0


def check_page(found: dict[str, Measured], folder: Path) -> None:
    """The figures survive the way through a file, and the page and its plots show all of the scenarios."""
    case = {"items": ITEMS, "vaults": VAULTS, "latency_ms": 0, "interval_seconds": INTERVAL}
    surroundings = {"load_before": 0.0, "load_after": 0.0, "others_cores": 0.0, "stolen_cores": 0.0}
    results = folder / "performance"
    for name, measured in found.items():
        record = Record(contender="ours", case=case, run=1, date="2026-01-01", measured=measured, surroundings=surroundings)
        Report(scenario=name, machine=machine.describe(), contenders={"ours": "0"}, records=[record]).save(results)
    page.write(load_all(results), page=folder / "performance.md", plots=results)
    text = (folder / "performance.md").read_text()
    for name, measured in found.items():
        assert f"### {prose.SCENARIOS[name][0]}\n" in text
        assert all(label in text and key in measured.figures for label, key in prose.COLUMNS[name])
    for plot in results.glob("*.svg"):
        ElementTree.parse(plot)  # noqa: S314  written by the benchmark itself
        assert f"(performance/{plot.name})" in text
