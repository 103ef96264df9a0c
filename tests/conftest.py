"""What every test run has: the control-plane fixtures, with our CRD in place before the controllers start."""

from pathlib import Path

import pytest

pytest_plugins = ["controlplane.fixtures", "harness.fixtures", "dropin.fixtures", "chart.fixtures", "faults.fixtures"]


@pytest.fixture(scope="session")
def crds() -> tuple[Path, ...]:
    """Created before kube-controller-manager starts: its garbage collector looks for new kinds every 30 s only."""
    return tuple(sorted((Path(__file__).parents[1] / "crds").glob("*.yaml")))
