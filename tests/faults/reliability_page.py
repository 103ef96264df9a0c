"""What was measured of the operator under faults → docs/reliability.md. The page is never edited by hand."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from faults import client_faults
from faults.client_faults import FAULTS, Fault
from faults.stage import DENIED_PROBE_SECONDS, INTERVAL_SECONDS, NEW, STALENESS_SECONDS, TIMEOUT_SECONDS

MIB = 1024 * 1024

SECTIONS = {
    "The network": client_faults.NETWORK,
    "Proxies and gateways in between": client_faults.GATEWAYS,
    "Connect itself": client_faults.CONNECT,
    "What passes by itself": client_faults.PASSING,
    "Connect behind 1Password": client_faults.LAGGING,
    "TLS": client_faults.TLS,
    "Replies without end": client_faults.ENDLESS,
}

HEAD = f"""\
# Under faults

Written by `make reliability`, which runs `tests/faults/test_client_faults.py`, and for the last table the others
beside it, and notes what they measure; never edited by hand. The same tests run in `make test` and hold every row: they fail
if a Secret is touched, if a resource says something else, if more requests are made than allowed, or if recovery takes longer than one
polling interval and five seconds after the cause has ended and the pause that Connect asked for is over.

The operator runs as a process against a real API server. Connect is the embedded server, which brings the faults about; certificates,
plain text and replies without end come from a TLS end in front of it. While a fault is there, {NEW} new resources ask for Secrets and an
item changes. To see much in little time, the polling interval is {INTERVAL_SECONDS:.0f} s (default 60), the staleness limit
{STALENESS_SECONDS:.0f} s (default 180), the limit for the first byte of a reply {TIMEOUT_SECONDS:.0f} s (default 15) and the pause after a
refused token {DENIED_PROBE_SECONDS:.0f} s (default 60).

- *new resource says*: the reason in its condition; `Synced` where the fault does no harm.
- *one in sync says*: what a resource says once the staleness limit is over; a dash where it goes on saying `Synced`.
- *requests (allowed)*: requests to Connect while the fault was there, every try counted, and how many are the most in that time.
- *in s*: how long the fault was there.
- *recovery*: seconds from the end of the fault until every resource is Ready and every Secret holds what its item holds; a dash where
  they did already while the fault was there.
- *memory*: the operator's largest resident set while the fault was there, beyond what it had before; at most twice the largest reply of
  that kind that is read.

In no row did the operator send anything to another origin, and in no row was a Secret changed to anything but its item's content.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of one fault."""

    fault: Fault
    lasted: float
    requests: int
    recovery: float
    memory: int


NEIGHBOURS = {
    "an item whose file Connect does not deliver, and 200 resources that ask for it": "resources on another vault within 6 s",
    "a vault whose list hangs, and 200 resources that wait for it": "resources on another vault within 6 s",
    "a namespace whose admission webhook takes 20 s, and 200 resources in it": "resources in another namespace within 6 s",
    "a tool that deletes the Secret whenever it is there": "made again at growing pauses: the eleventh time after more than 13 s",
    "a second Connect pod that lags behind, met by connection": "one write, one rollout, the new value",
    "a second Connect pod that lags behind, met by request": "one write, one rollout, the new value",
    "a new token after a rename": "the same items are followed, no rollout",
    "a title that another item takes over": "followed after three polls, with one rollout",
    "a vault that loses 40 items at once": "every resource says so, no Secret changes",
    "an admission webhook that adds a key to our Secrets": "one write and one rollout per change, and the resource says so",
    "100 Secrets of 900 KiB with the operator's label": "less than 48 MiB more, running and at a start",
}
"""What somebody else does or suffers, and what is promised to everybody beside it."""


@dataclass(slots=True)
class Findings:
    """What a run has measured."""

    faults: list[Measured] = field(default_factory=list)
    neighbours: dict[str, str] = field(default_factory=dict)

    def beside(self, neighbour: str, seen: str) -> None:
        """Note what was seen beside one of `NEIGHBOURS`."""
        assert neighbour in NEIGHBOURS, neighbour
        self.neighbours[neighbour] = seen


def render(found: Findings) -> str:
    """The page; every fault and every neighbour has to have been measured."""
    measured = found.faults
    by_name = {one.fault.name: one for one in measured}
    missing = [fault.name for fault in FAULTS if fault.name not in by_name]
    missing += [neighbour for neighbour in NEIGHBOURS if neighbour not in found.neighbours]
    if missing:
        raise ValueError(f"not measured, so the page would not be whole: {', '.join(missing)}")
    parts = [HEAD, f"Measured on {os.cpu_count()} cores, Python {platform.python_version()}, Linux.\n"]
    for title, faults in SECTIONS.items():
        parts.append("\n".join([f"## {title}", "", *_table([by_name[fault.name] for fault in faults])]) + "\n")
    parts += ["## Neighbours", "", "| somebody's trouble | promised to everybody else | seen |", "|---|---|---|"]
    parts += [f"| {neighbour} | {promise} | {found.neighbours[neighbour]} |" for neighbour, promise in NEIGHBOURS.items()]
    return "\n".join(parts) + "\n"


def _table(rows: Sequence[Measured]) -> Iterator[str]:
    with_memory = any(row.fault.memory_cap for row in rows)
    columns = ["fault", "new resource says", "one in sync says", "requests (allowed)", "in s", "recovery, s"] + ["memory"] * with_memory
    yield f"| {' | '.join(columns)} |"
    yield "|---|---|---|" + "--:|" * (len(columns) - 3)
    for row in rows:
        cells = [
            row.fault.name,
            f"`{row.fault.owed}`" + (" (that one only)" if row.fault.one_item else ""),
            f"`{row.fault.lasting}`" if row.fault.lasting else "–",
            f"{row.requests} ({row.fault.allowed(row.lasted):.0f})",
            f"{row.lasted:.1f}",
            "–" if row.fault.is_harmless else f"{row.recovery:.1f}",
        ]
        cells += [f"{row.memory / MIB:.1f} of {2 * row.fault.memory_cap / MIB:.0f} MiB"] * with_memory
        yield f"| {' | '.join(cells)} |"
