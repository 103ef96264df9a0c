"""Counts and times the API port's requests by method and route, without ids."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from typing import Final

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COUNTS: Final = "secret_service_api_http_method_counts"
_DURATIONS: Final = "secret_service_api_http_duration_seconds"


@dataclasses.dataclass(slots=True)
class _Series:
    buckets: list[int] = dataclasses.field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class ApiMetrics:
    """The two metric families of a real Connect API server, in the Prometheus text format."""

    CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], _Series] = {}

    def observe(self, method: str, template: str, *, seconds: float) -> None:
        """Count a request of a known route."""
        series = self._series.get((method, template))
        if series is None:
            series = self._series[method, template] = _Series()
        series.buckets[bisect_left(BUCKETS, seconds)] += 1
        series.seconds += seconds

    def text(self) -> str:
        """Render all metrics."""
        lines = [
            f"# HELP {_DURATIONS} Duration of HTTP requests.",
            f"# TYPE {_DURATIONS} histogram",
        ]
        for (method, path), series in sorted(self._series.items()):
            lines += _histogram(f'method="{method}",path="{path}"', series)
        lines += [f"# HELP {_COUNTS} Number of HTTP requests.", f"# TYPE {_COUNTS} counter"]
        lines += [
            f'{_COUNTS}{{method="{method}",path="{path}"}} {sum(series.buckets)}'
            for (method, path), series in sorted(self._series.items())
        ]
        return "\n".join(lines) + "\n"


def _histogram(labels: str, series: _Series) -> list[str]:
    lines, total = [], 0
    for bound, count in zip(
        (*(f"{bound:g}" for bound in BUCKETS), "+Inf"), series.buckets, strict=True
    ):
        total += count
        lines.append(f'{_DURATIONS}_bucket{{{labels},le="{bound}"}} {total}')
    return [
        *lines,
        f"{_DURATIONS}_sum{{{labels}}} {series.seconds!r}",
        f"{_DURATIONS}_count{{{labels}}} {total}",
    ]
