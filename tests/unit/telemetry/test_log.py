"""Log lines."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from onepassword_operator.telemetry import log


@pytest.fixture(autouse=True)
def _loggers() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in ("kopf", "aiohttp", "asyncio")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, former in quiet.items():
        logging.getLogger(name).setLevel(former)


def record(**members: Any) -> logging.LogRecord:
    made = {"name": "onepassword_operator.service.sweep", "levelname": "INFO", "msg": "a %s", "args": ("message",), "created": 1.5}
    return logging.makeLogRecord(made | members)


def failure() -> Any:
    try:
        raise ValueError("what went wrong")
    except ValueError:
        return sys.exc_info()


def test_console_lines_have_the_official_operators_shape() -> None:
    assert log.ConsoleFormatter().format(record(secret="app/db", none=None)) == (
        '1970-01-01T00:00:01.500Z\tINFO\tservice.sweep\ta message\t{"secret": "app/db"}'
    )
    assert log.ConsoleFormatter().format(record()).endswith("\ta message")


def test_json_lines_are_one_object() -> None:
    line = log.JsonFormatter().format(record(secret="app/db", odd=object()))
    parsed = json.loads(line)
    assert parsed.pop("odd").startswith("<object")
    assert parsed == {"ts": "1970-01-01T00:00:01.500Z", "level": "info", "logger": "service.sweep", "msg": "a message", "secret": "app/db"}


def test_line_breaks_in_fields_make_no_second_line() -> None:
    for formatter in (log.ConsoleFormatter(), log.JsonFormatter()):
        assert "\n" not in formatter.format(record(detail="a\nb"))


def test_tracebacks_follow() -> None:
    assert "ValueError: what went wrong" in log.ConsoleFormatter().format(record(exc_info=failure())).split("\n", 1)[1]
    assert "ValueError: what went wrong" in json.loads(log.JsonFormatter().format(record(exc_info=failure())))["stacktrace"]


def test_fields_of_other_libraries_are_left_out() -> None:
    assert log.fields_of(record(settings=object(), _private=1, taskName="x")) == {}


@pytest.mark.parametrize(("encoder", "shape"), [("json", r'\{"ts": .*\}\n'), ("console", r"\S+Z\tINFO\troot\ta message\n")])
def test_everything_goes_to_standard_error(encoder: str, shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(level=logging.INFO, encoder=encoder)
    logging.getLogger().info("a message")
    logging.getLogger().debug("too quiet")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(shape, captured.err)


def test_the_libraries_that_carry_secrets_speak_up_from_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(level=logging.DEBUG, encoder="console")
    for name in ("kopf.objects", "aiohttp.client", "asyncio"):
        logging.getLogger(name).info("canary")
        logging.getLogger(name).warning("trouble")
    captured = capsys.readouterr().err
    assert "canary" not in captured
    assert captured.count("trouble") == 3
    log.configure(level=logging.ERROR, encoder="console")
    logging.getLogger("kopf").warning("trouble")
    assert capsys.readouterr().err == ""
