"""The measurement of the embedded server still measures everything that it prints. Whether the figures are good is not asked here."""

import re

from bench import connect_speed


def test_a_small_measurement_has_every_figure() -> None:
    lines = connect_speed.measure(items=200, count=320)
    assert len([line for line in lines if re.search(r"ready after \d+\.\d\d s", line)]) == 3
    rows = [line for line in lines if line.startswith(("| GET", "| PATCH"))]
    assert len(rows) == 5
    assert all(int(cell.strip().replace(",", "")) > 0 for row in rows for cell in row.split("|")[2:4])
