"""What every test run has: the control-plane fixtures."""

from __future__ import annotations

pytest_plugins = ["controlplane.fixtures"]
