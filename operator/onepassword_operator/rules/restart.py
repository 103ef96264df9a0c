"""Workload × pending marks × settings → the record that restarts it exactly once, or none.

For each Secret the first of four levels with a setting decides: the Secret (its resource's
annotation), the workload, the namespace, the operator. A value that is not a Go boolean counts as
false and does not fall through, as in the official operator.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.text import is_true
from onepassword_operator.model.workload import RestartMark, Workload
from onepassword_operator.model.workload_kind import DEPLOYMENT

GRACE_SECONDS: Final = 35
"""Seconds. A workload created later than this after the mark has started with the new Secret: the
mark is of the time before the write, which may take half a minute, and clocks have seconds.
"""

_SETTINGS: Final = (names.AUTO_RESTART, names.RESTART_AT_ONCE)
"""Of whoever lends a pod template, unless the one that runs it has its own."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PendingSecret:
    """A Secret whose users are due for a restart, with the setting of its own level."""

    name: str
    mark: RestartMark
    auto_restart: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The settings of the levels below the workload: its namespace and the operator."""

    namespace: str | None
    operator: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """A due workload: the Secrets it restarts for, and the annotations that record it."""

    secrets: tuple[str, ...]
    record: Mapping[str, str]


def resolved(listed: Sequence[Workload], *, borrowers_known: bool = True) -> list[Workload]:
    """Return a namespace's workloads, each with the Secrets of its pod template.

    An Argo Rollout may run the template of a Deployment. It gets the Deployment's Secrets, and the
    Deployment is left out: a changed template would be a new version of the program to the Rollout.
    If Rollouts are not known, Deployments without pods are left out, because a Rollout may run
    their template.
    """
    deployments = {each.name: each for each in listed if each.kind is DEPLOYMENT}
    lent = {each.template_of for each in listed if not each.terminating}
    return [
        _borrowing(each, deployments[each.template_of]) if each.template_of in deployments else each
        for each in listed
        if each.kind is not DEPLOYMENT
        or not (each.name in lent or (each.has_no_pods and not borrowers_known))
    ]


def refreshed(live: Workload, listed: Workload) -> Workload:
    """Return a workload that was read again, with what it had borrowed in the list."""
    return _borrowing(live, listed) if live.template_of else live


def _borrowing(workload: Workload, lender: Workload) -> Workload:
    settings = {name: lender.annotations[name] for name in _SETTINGS if name in lender.annotations}
    return dataclasses.replace(
        workload,
        secrets=workload.secrets | lender.secrets,
        annotations=settings | dict(workload.annotations),
    )


def decide(
    workload: Workload, pending: Mapping[str, PendingSecret], *, levels: Levels
) -> Restart | None:
    """Return the one restart that all pending Secrets of the workload make, or None."""
    if workload.terminating or not workload.kind.restarts:
        return None
    restarted_for = parse_restarted_for(workload.record.get(names.RESTARTED_FOR))
    due = {
        name: pending[name].mark
        for name in sorted(workload.secrets & pending.keys())
        if may_restart(pending[name].auto_restart, workload, levels=levels)
        and not _is_served(workload, pending[name].mark, done=restarted_for.get(name))
        and not _created_after(workload, pending[name].mark)
    }
    if not due:
        return None
    used = {name: done for name, done in restarted_for.items() if name in workload.secrets}
    merged = used | {name: mark.content for name, mark in due.items()}
    newest = max(
        [mark.time for mark in due.values()] + [workload.record.get(names.LAST_RESTARTED, "")],
        key=_instant,
    )
    return Restart(
        secrets=tuple(due),
        record={
            names.RESTARTED_FOR: json.dumps(merged, sort_keys=True, separators=(",", ":")),
            names.LAST_RESTARTED: newest,
        },
    )


def may_restart(secret_level: str | None, workload: Workload, *, levels: Levels) -> bool:
    """Whether the first level with a setting allows the restart."""
    for value in (secret_level, workload.annotations.get(names.AUTO_RESTART), levels.namespace):
        if value:
            return is_true(value)
    return levels.operator


def parse_restarted_for(text: str | None) -> dict[str, str]:
    """Read Secret name → revision from an annotation; unreadable counts as never restarted."""
    try:
        parsed = json.loads(text or "{}")
    except (ValueError, RecursionError):
        # Deeply nested brackets: anybody who may edit a workload can write them.
        return {}
    return (
        {k: v for k, v in parsed.items() if isinstance(v, str)} if isinstance(parsed, dict) else {}
    )


def _is_served(workload: Workload, mark: RestartMark, *, done: str | None) -> bool:
    # The time counts, too: the Secret may have held something else in between, and the pods may
    # have been restarted by somebody else then.
    last = _instant(workload.record.get(names.LAST_RESTARTED, ""))
    return done == mark.content and last >= _instant(mark.time)


def _created_after(workload: Workload, mark: RestartMark) -> bool:
    # A difference, because a sum overflows if somebody edits the mark's time to the year 9999.
    return _instant(workload.created_at) - _instant(mark.time) > datetime.timedelta(
        seconds=GRACE_SECONDS
    )


def _instant(text: str) -> datetime.datetime:
    # An invalid time counts as long ago, which can cause a restart, but never lose one.
    try:
        instant = datetime.datetime.fromisoformat(text)
    except ValueError:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
    return instant if instant.tzinfo else instant.replace(tzinfo=datetime.UTC)
