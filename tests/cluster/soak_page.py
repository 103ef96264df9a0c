"""What a long churn came to → docs/soak.md. The page is never edited by hand."""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

HEAD: Final = """\
# Long runs

Written by `make soak`, which runs `tests/cluster/test_replica_churn.py` for longer than `make test` does; never edited by hand. Replicas
of the operator share a namespace of a real API server. Items rotate, people edit Secrets, resources come and go, and leaders are told to
stop, killed, or frozen and let go again. After each of these the end state is compared with what it must be, and the test fails if a
Secret holds anything but its item's value, if a Deployment was not restarted exactly once for each change or before its Secret was
written, if a foreign Secret was touched, if a write changed nothing, if an item was read more often than it changed (and once for each
takeover), if anything is written once all is settled, or if a replica wrote more than once after another had taken over.

Other work takes the same cores meanwhile, so replicas take over later than in [performance.md](performance.md#failover), which has them
on a quiet cluster.
"""


def add(page: Path, *, replicas: int, seconds: float, took: Mapping[str, Sequence[float]], versions: int) -> None:
    """Append a run; the page is begun anew by whoever asks for it."""
    rows = [f"| {kind} | {len(times)} | {median(times):.1f} | {max(times):.1f} |" for kind, times in took.items()]
    machine = f"Python {platform.python_version()}, {platform.system()}"
    text = [
        "",
        f"## {replicas} replicas, {seconds / 60:.0f} min",
        "",
        f"{versions} item versions; {machine}. Seconds from the signal until another replica leads:",
        "",
        "| leader's end | times | median, s | longest, s |",
        "|---|--:|--:|--:|",
        *rows,
    ]
    page.write_text((page.read_text() if page.exists() else HEAD) + "\n".join(text) + "\n")
