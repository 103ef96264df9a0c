"""The benchmark still measures everything that its page shows. Whether the figures are good is not asked here."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import figures, machine, page, phases
from bench.scene import Setup
from controlplane.launcher import ControlPlane

pytestmark = pytest.mark.cluster

RUN = Path(__file__).with_name("run.py")
SETUP = Setup(items=10, latency_ms=0, interval_seconds=1, polls=5, rotations=3, shared_plane=True)
PHASES = {
    "cold": figures.Cold,
    "settling": figures.Settling,
    "idle": figures.Idle,
    "restart": figures.Restart,
    "rotation": figures.Rotation,
}


def test_a_small_benchmark_has_every_figure_and_makes_the_page(control_plane: ControlPlane, tmp_path: Path) -> None:
    measured = phases.run(control_plane, SETUP, tmp_path)
    case = figures.Case(items=SETUP.items, latency_ms=SETUP.latency_ms, runs=[measured])
    results, written = tmp_path / "latest.json", tmp_path / "performance.md"
    figures.Report(date="2026-01-01", machine=machine.describe(), interval_seconds=1, cases=[case]).save(results)

    raw = json.loads(results.read_text())["cases"][0]["runs"][0]
    for phase, kind in PHASES.items():
        assert set(raw[phase]) == {field.name for field in dataclasses.fields(kind)}
    check_plausible(raw)

    command = [sys.executable, str(RUN), "--page-only", "--results", str(results), "--page", str(written)]
    subprocess.run(command, check=True, capture_output=True)
    text = written.read_text()
    for table in page.tables(figures.Report.load(results)):
        assert table.markdown() in text


def check_plausible(raw: dict[str, Any]) -> None:
    """What must hold of any benchmark, or it measured something else."""
    cold, settling, idle, restart, rotation = (raw[phase] for phase in PHASES)
    assert 0 < cold["first_secret_seconds"] <= cold["last_secret_seconds"]
    assert cold["connect_requests"]["GET /v1/vaults/:uuid/items/:uuid"] == SETUP.items
    for requests in (cold["kubernetes_requests"], cold["api_server_requests"]):
        assert requests["create secrets"] == SETUP.items
    assert cold["api_server_requests"]["watch secrets"] == 1
    assert settling["connect_requests"]["GET /v1/vaults"] >= 2
    assert idle["connect_requests"]["GET /v1/vaults"] == idle["polls"] == SETUP.polls
    assert restart["ready_seconds"] > 0
    assert len(rotation["seconds"]) == SETUP.rotations
    assert all(phase["cpu_seconds"] > 0 for phase in (cold, settling, idle, restart))
    assert all(megabytes > 10 for megabytes in (cold["peak_rss_mib"], idle["rss_mib"], restart["peak_rss_mib"]))
