"""A pytest plugin (`-p contract.scenario_marks`) that writes down which collected tests show which scenarios."""

import json
import os
from pathlib import Path

import pytest

VARIABLE = "SCENARIO_MARKS"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Called after selection: what is skipped or expected to fail by a mark shows nothing."""
    found = [
        {
            "test": item.nodeid,
            "rows": [row for mark in item.iter_markers("official") for row in mark.args],
            "cluster": item.get_closest_marker("cluster") is not None,
            "runs": not any(item.get_closest_marker(mark) for mark in ("skip", "skipif", "xfail")),
        }
        for item in session.items
        if item.get_closest_marker("official")
    ]
    Path(os.environ[VARIABLE]).write_text(json.dumps(found))
