"""The operator's log: constant messages with fields, on standard error, as console lines or JSON."""

from __future__ import annotations

import datetime
import json
import logging
import sys
from collections.abc import Callable
from typing import Any, Final

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "settings", "stack_info"}
_QUIET: Final = ("kopf", "aiohttp", "asyncio")


def configure(*, level: int, encoder: str) -> None:
    """Send everything to standard error.

    kopf and aiohttp speak from WARNING upwards only, at any level: below that kopf logs parts of the objects it carries, Secrets included.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if encoder == "json" else ConsoleFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields that came with a message."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD and not key.startswith("_") and value is not None}


def _time(record: logging.LogRecord) -> str:
    return datetime.datetime.fromtimestamp(record.created, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class ConsoleFormatter(logging.Formatter):
    """Tab-separated: time, level, logger, message, fields as JSON; the shape that the official operator's console lines have."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback if there is one."""
        parts = [_time(record), record.levelname, _logger_name(record), record.getMessage()]
        if fields := fields_of(record):
            parts.append(json.dumps(fields, default=str, ensure_ascii=False))
        return "\t".join(parts) + _traceback(self.formatException, record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {"ts": _time(record), "level": record.levelname.lower(), "logger": _logger_name(record), "msg": record.getMessage()}
        if trace := _traceback(self.formatException, record):
            line["stacktrace"] = trace.strip()
        return json.dumps(line | fields_of(record), default=str, ensure_ascii=False)


def _logger_name(record: logging.LogRecord) -> str:
    return record.name.removeprefix("onepassword_operator.")


def _traceback(format_exception: Callable[[Any], str], record: logging.LogRecord) -> str:
    return "\n" + format_exception(record.exc_info) if record.exc_info else ""
