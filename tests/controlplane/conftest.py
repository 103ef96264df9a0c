"""Loads the control-plane fixtures, unless the root conftest already has."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # pytest refuses `pytest_plugins` in a conftest that is not the root's; importing a plugin twice is harmless.
    config.pluginmanager.import_plugin("controlplane.fixtures")
