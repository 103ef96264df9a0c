"""What the tests of faults measure, gathered over all of them and written to a page if the environment names one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import reliability_page
from faults.reliability_page import Findings


@pytest.fixture(scope="session")
def findings() -> Iterator[Findings]:
    """With RELIABILITY_PAGE=FILE, and all tests in one process, everything is written there."""
    found = Findings()
    yield found
    if page := os.environ.get("RELIABILITY_PAGE"):
        Path(page).write_text(reliability_page.render(found))
