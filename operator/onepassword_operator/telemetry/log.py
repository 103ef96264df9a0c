"""The log: constant messages with fields, on standard error, as console lines or JSON."""

from __future__ import annotations

import datetime
import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "settings",
    "stack_info",
}
_QUIET: Final = ("kopf", "aiohttp", "asyncio")
_REPORTED_BY_US: Final = (
    "kopf._cogs.clients",
    "kopf._core.reactor.orchestration",
    "kopf._core.reactor.running",
)
"""Where kopf logs each try of a watch, and the end of its tasks; `handlers/watches.py` tells once
what came of them.
"""
_LEVEL_NAMES: Final = {logging.WARNING: "WARN", logging.CRITICAL: "PANIC"}
"""zap's names of levels where they differ from Python's."""


def configure(*, level: int, encoder: str, time_encoding: str, stacktrace_level: int) -> None:
    """Send all log records to standard error.

    Records of kopf and aiohttp below WARNING are dropped at any level: kopf logs parts of objects
    there, Secrets included.
    """
    handler = logging.StreamHandler(sys.stderr)
    formatter = JsonFormatter if encoder == "json" else ConsoleFormatter
    handler.setFormatter(formatter(time_encoding=time_encoding, stacktrace_level=stacktrace_level))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in _REPORTED_BY_US:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a record: its `extra` without None."""
    return {
        key: value
        for key, value in vars(record).items()
        if key not in _STANDARD and not key.startswith("_") and value is not None
    }


def _whole_seconds(created: float) -> str:
    return datetime.datetime.fromtimestamp(created, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _milliseconds(created: float) -> str:
    return (
        datetime.datetime.fromtimestamp(created, datetime.UTC)
        .isoformat(timespec="milliseconds")
        .removesuffix("+00:00")
    )


def _fraction(created: float) -> str:
    # A float is precise to a microsecond for present times; as in Go, trailing zeros are left out.
    text = datetime.datetime.fromtimestamp(created, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").removesuffix(".")


TIME_ENCODINGS: Final[Mapping[str, Callable[[float], str | float | int]]] = {
    "epoch": lambda created: round(created, 6),
    "millis": lambda created: round(created * 1e3, 3),
    "nano": lambda created: round(created * 1e6) * 1000,
    "iso8601": lambda created: _milliseconds(created) + "Z",
    "rfc3339": lambda created: _whole_seconds(created) + "Z",
    "rfc3339nano": lambda created: _fraction(created) + "Z",
}
"""zap's time encodings by name, always in UTC; numbers where zap writes numbers."""


class _ZapFormatter(logging.Formatter):
    """Base of both encoders."""

    def __init__(self, *, time_encoding: str, stacktrace_level: int) -> None:
        super().__init__()
        self._encoded = TIME_ENCODINGS[time_encoding]
        self._stacktrace_level = stacktrace_level

    def time(self, record: logging.LogRecord) -> str | float | int:
        """Return the record's time in the configured encoding."""
        return self._encoded(record.created)

    def level(self, record: logging.LogRecord) -> str:
        """Return zap's name of the record's level."""
        return _LEVEL_NAMES.get(record.levelno, record.levelname)

    def traceback(self, record: logging.LogRecord) -> str:
        """Return the record's traceback, or an empty text if its level does not show one."""
        if record.exc_info and record.levelno >= self._stacktrace_level:
            return self.formatException(record.exc_info)
        return ""


class ConsoleFormatter(_ZapFormatter):
    """Writes the official operator's console lines: tab-separated columns, the fields as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one line, and the traceback if there is one."""
        parts = [
            str(self.time(record)),
            self.level(record),
            _logger_name(record),
            record.getMessage(),
        ]
        if fields := fields_of(record):
            parts.append(json.dumps(fields, default=str, ensure_ascii=False))
        trace = self.traceback(record)
        return "\t".join(parts) + (f"\n{trace}" if trace else "")


class JsonFormatter(_ZapFormatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Render the line."""
        line = {
            "ts": self.time(record),
            "level": self.level(record).lower(),
            "logger": _logger_name(record),
            "msg": record.getMessage(),
        }
        if trace := self.traceback(record):
            line["stacktrace"] = trace
        return json.dumps(line | fields_of(record), default=str, ensure_ascii=False)


def _logger_name(record: logging.LogRecord) -> str:
    return record.name.removeprefix("onepassword_operator.")
