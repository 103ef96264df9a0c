"""The part of the settings for tuning, which the official operator does not have."""

from __future__ import annotations

from typing import Annotated, Final

import pydantic

from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS, WorkloadKind
from onepassword_operator.rules.restart_window import RestartWindow
from onepassword_operator.settings.values import (
    OnOff,
    RestartOn,
    Window,
    WorkloadKinds,
    restart_window,
)

PREFIX: Final = "ONEPASSWORD_OPERATOR_"
WITH_FLAG: Final[pydantic.types.JsonDict] = {"flag": True}
"""Marks a setting with both a variable and a flag; the flag wins."""
LEAST_REQUESTS_PER_MINUTE: Final = 10
"""Fewer requests would be used up by polls alone."""


def _requests(value: int) -> int:
    if 0 < value < LEAST_REQUESTS_PER_MINUTE:
        raise ValueError(f"must be 0 (no limit) or at least {LEAST_REQUESTS_PER_MINUTE}")
    return value


class TuningSettings(pydantic.BaseModel):
    """Mixed into `settings.Settings`, which reads them."""

    staleness_seconds: Annotated[float, pydantic.Field(gt=0)] | None = pydantic.Field(
        default=None,
        validation_alias=PREFIX + "STALENESS_SECONDS",
        description="Seconds for which 1Password may be unavailable before synced resources report "
        "OnePasswordUnavailable. Default: three polling intervals, at least 60.",
    )
    denied_probe_seconds: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=60.0,
        validation_alias=PREFIX + "DENIED_PROBE_SECONDS",
        description="Seconds between tries while Connect refuses the token (401).",
    )
    connect_timeout_seconds: Annotated[float, pydantic.Field(gt=0, le=300)] = pydantic.Field(
        default=15.0,
        validation_alias=PREFIX + "CONNECT_TIMEOUT_SECONDS",
        description="Seconds to wait for the first byte from Connect; "
        "a call ends after twice that, the first of all after four times.",
    )
    connect_requests_per_minute: Annotated[
        int, pydantic.Field(ge=0), pydantic.AfterValidator(_requests)
    ] = pydantic.Field(
        default=0,
        validation_alias=PREFIX + "CONNECT_REQUESTS_PER_MINUTE",
        json_schema_extra=WITH_FLAG,
        description="Most requests to Connect in any minute, at least 10; 0 sets no limit. "
        "Requests beyond it wait, polls go first, and conditions do not mention it.",
    )
    restarts_per_second: Annotated[float, pydantic.Field(gt=0, le=1000)] = pydantic.Field(
        default=10.0,
        validation_alias=PREFIX + "RESTARTS_PER_SECOND",
        json_schema_extra=WITH_FLAG,
        description="Most workloads that restart in a second, evenly spaced, over all namespaces.",
    )
    restart_on: RestartOn = pydantic.Field(
        default="version",
        validation_alias=PREFIX + "RESTART_ON",
        json_schema_extra=WITH_FLAG,
        description="version: each new version of an item restarts the workloads of its Secrets. "
        "content: not if their data stay the same, as after a new title, tag or favourite.",
    )
    restart_window: Window = pydantic.Field(
        default="",
        validation_alias=PREFIX + "RESTART_WINDOW",
        json_schema_extra=WITH_FLAG,
        description="Time of day in which workloads restart, for example "
        "`02:00-05:00 Europe/Berlin`; empty: at any time. Secrets are written at once; restarts "
        "outside of it stay due until it opens.",
    )
    workload_kinds: WorkloadKinds = pydantic.Field(
        default=DEPLOYMENT.kind,
        validation_alias=PREFIX + "WORKLOAD_KINDS",
        json_schema_extra=WITH_FLAG,
        description="Kinds of workloads that are watched, separated by commas: they may ask for "
        f"Secrets by annotation, and restart for changed ones. Out of {', '.join(KINDS)}; "
        "a CronJob or Job is never restarted, because its next pods read the new Secret.",
    )
    secret_watch: OnOff = pydantic.Field(
        default="on",
        validation_alias=PREFIX + "SECRET_WATCH",
        json_schema_extra=WITH_FLAG,
        description="off: never list or watch Secrets, for clusters that do not grant it. "
        "Each Secret is read by itself instead, at the start and once per resync "
        "interval, so an edit by hand may stay that long.",
    )
    resync_seconds: Annotated[float, pydantic.Field(ge=10)] = pydantic.Field(
        default=600.0,
        validation_alias=PREFIX + "RESYNC_SECONDS",
        description="Seconds between full resyncs: complete LISTs of resources and Secrets, "
        "and a list of every followed vault.",
    )
    workers: Annotated[int, pydantic.Field(ge=1, le=64)] = pydantic.Field(
        default=16,
        validation_alias=PREFIX + "WORKERS",
        description="Secrets that are reconciled at the same time; a reconcile that takes over two "
        "seconds makes room for another, so up to three times as many run if some are slow.",
    )

    @property
    def window(self) -> RestartWindow | None:
        """The time of day in which workloads restart; None for any time."""
        return restart_window(self.restart_window) if self.restart_window else None

    @property
    def kinds(self) -> tuple[WorkloadKind, ...]:
        """The kinds of workloads to watch."""
        return tuple([KINDS[kind] for kind in self.workload_kinds.split(",")])

    @property
    def watches_secrets(self) -> bool:
        """Whether Secrets may be listed and watched."""
        return self.secret_watch != "off"  # noqa: S105  a switch
