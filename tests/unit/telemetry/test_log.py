"""Log lines."""

import json
import logging
import re
import sys
from typing import Any

import pytest

from onepassword_operator.settings import values
from onepassword_operator.telemetry import log

pytestmark = pytest.mark.usefixtures("loggers_as_before")


def record(**members: Any) -> logging.LogRecord:
    made = {"name": "onepassword_operator.service.resync", "levelname": "INFO", "msg": "a %s", "args": ("message",), "created": 1.5}
    return logging.makeLogRecord(made | members)


def console(made: logging.LogRecord, *, time_encoding: str = "iso8601", stacktrace_level: int = logging.ERROR) -> str:
    return log.ConsoleFormatter(time_encoding=time_encoding, stacktrace_level=stacktrace_level).format(made)


def json_line(made: logging.LogRecord, *, time_encoding: str = "iso8601", stacktrace_level: int = logging.ERROR) -> dict[str, Any]:
    (line,) = log.JsonFormatter(time_encoding=time_encoding, stacktrace_level=stacktrace_level).format(made).split("\n")
    return dict(json.loads(line))


def configured(*, level: int = logging.INFO, encoder: str = "console") -> None:
    log.configure(level=level, encoder=encoder, time_encoding="iso8601", stacktrace_level=logging.ERROR)


def failure() -> Any:
    try:
        raise ValueError("what went wrong")
    except ValueError:
        return sys.exc_info()


def test_console_lines_have_the_official_operators_shape() -> None:
    shown = console(record(secret="app/db", none=None, detail="a\nb"))
    assert shown == '1970-01-01T00:00:01.500Z\tINFO\tservice.resync\ta message\t{"secret": "app/db", "detail": "a\\nb"}'
    assert console(record()).endswith("\ta message")


def test_json_lines_are_one_object() -> None:
    parsed = json_line(record(secret="app/db", odd=object(), detail="a\nb"))
    assert parsed.pop("odd").startswith("<object")
    said = {"level": "info", "logger": "service.resync", "msg": "a message", "secret": "app/db", "detail": "a\nb"}
    assert parsed == {"ts": "1970-01-01T00:00:01.500Z"} | said


@pytest.mark.parametrize(
    ("shown_from", "level", "shown"),
    [
        (logging.ERROR, logging.ERROR, True),
        (logging.ERROR, logging.WARNING, False),
        (logging.WARNING, logging.WARNING, True),
        (logging.WARNING, logging.INFO, False),
        (logging.INFO, logging.INFO, True),
        (logging.CRITICAL, logging.ERROR, False),
    ],
)
def test_a_traceback_is_shown_from_the_level_on_that_was_chosen(shown_from: int, level: int, shown: object) -> None:
    failed = record(exc_info=failure(), levelno=level)
    line, *trace = console(failed, stacktrace_level=shown_from).split("\n", 1)
    assert line.endswith("\ta message")
    in_json = json_line(failed, stacktrace_level=shown_from).get("stacktrace", "")
    assert ["ValueError: what went wrong" in text for text in ("".join(trace), in_json)] == [shown, shown]


@pytest.mark.parametrize("level", [logging.ERROR, logging.INFO])
def test_without_a_traceback_none_is_shown(level: int) -> None:
    assert "\n" not in console(record(levelno=level), stacktrace_level=logging.INFO)
    assert "stacktrace" not in json_line(record(levelno=level), stacktrace_level=logging.INFO)


@pytest.mark.parametrize(
    ("encoding", "created", "shown"),
    [
        ("epoch", 1.5, 1.5),
        ("epoch", 1786900000.123457, 1786900000.123457),
        ("millis", 1786900000.123457, 1786900000123.457),
        ("nano", 1786900000.123457, 1786900000123457000),
        ("iso8601", 1786900000.123457, "2026-08-16T17:06:40.123Z"),
        ("iso8601", 1786900000.0, "2026-08-16T17:06:40.000Z"),
        ("rfc3339", 1786900000.999, "2026-08-16T17:06:40Z"),
        ("rfc3339nano", 1786900000.123457, "2026-08-16T17:06:40.123457Z"),
        ("rfc3339nano", 1786900000.5, "2026-08-16T17:06:40.5Z"),
        ("rfc3339nano", 1786900000.0, "2026-08-16T17:06:40Z"),
    ],
)
def test_times_are_in_zaps_forms(encoding: str, created: float, shown: object) -> None:
    assert console(record(created=created), time_encoding=encoding).split("\t")[0] == str(shown)
    assert json_line(record(created=created), time_encoding=encoding)["ts"] == shown


def test_every_time_encoding_of_the_flag_is_known_and_no_other() -> None:
    assert set(log.TIME_ENCODINGS) == set(values.TIME_ENCODINGS)


@pytest.mark.parametrize(("level", "name"), [(logging.DEBUG, "DEBUG"), (logging.WARNING, "WARN"), (logging.CRITICAL, "PANIC")])
def test_levels_have_the_names_that_the_flag_has(level: int, name: str) -> None:
    said = record(levelno=level, levelname=logging.getLevelName(level))
    assert console(said).split("\t")[1] == name
    assert json_line(said)["level"] == name.lower()


def test_fields_of_other_libraries_are_left_out() -> None:
    assert log.fields_of(record(settings=object(), _private=1, taskName="x")) == {}


@pytest.mark.parametrize(("encoder", "shape"), [("json", r'\{"ts": .*\}\n'), ("console", r"\S+Z\tINFO\troot\ta message\n")])
def test_everything_goes_to_standard_error(encoder: str, shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    configured(encoder=encoder)
    logging.getLogger().info("a message")
    logging.getLogger().debug("too quiet")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(shape, captured.err)


def test_the_libraries_that_carry_secrets_speak_up_from_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    configured(level=logging.DEBUG)
    for name in ("kopf.objects", "aiohttp.client", "asyncio"):
        logging.getLogger(name).info("canary")
        logging.getLogger(name).warning("trouble")
    captured = capsys.readouterr().err
    assert "canary" not in captured
    assert captured.count("trouble") == 3
    logging.getLogger("kopf._cogs.clients.watching").error("each try of a watch")
    configured(level=logging.ERROR)
    logging.getLogger("kopf").warning("trouble")
    assert capsys.readouterr().err == ""
