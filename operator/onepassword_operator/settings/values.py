"""Syntax of settings' values: Go's booleans and addresses, zap's words, URLs, tokens.

Pure; an error never quotes the value.
"""

from __future__ import annotations

import datetime
import logging
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

import pydantic

from onepassword_operator.model.workload_kind import KINDS
from onepassword_operator.rules import http_proxy, token_syntax
from onepassword_operator.rules.restart_window import RestartWindow

BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""The texts that Go's `strconv.ParseBool` accepts."""
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LEASE: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_WINDOW: Final = re.compile(
    r"(?P<start>([01][0-9]|2[0-3]):[0-5][0-9])-(?P<end>([01][0-9]|2[0-3]):[0-5][0-9])"
    r" +(?P<zone>[A-Za-z][-+_/A-Za-z0-9]*)"
)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "panic": logging.CRITICAL,
}
STACKTRACE_LEVELS: Final = ("info", "warn", "error", "panic")
ENCODERS: Final = ("console", "json")
RESTART_ON: Final = ("version", "content")
SWITCH: Final = ("on", "off")
TIME_ENCODINGS: Final = ("epoch", "millis", "nano", "iso8601", "rfc3339", "rfc3339nano")
LONGEST_INTERVAL_SECONDS: Final = 86400
_PYDANTICS: Final = {
    "Value error, ": "",
    "Input should be": "must be",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "above",
    "less than": "below",
}


def in_words(message: str) -> str:
    """Return a message of pydantic's in the words of the others."""
    for theirs, ours in _PYDANTICS.items():
        message = message.replace(theirs, ours)
    return message


def go_boolean(value: object) -> object:
    """Read a boolean as Go's `strconv.ParseBool` does."""
    if isinstance(value, str):
        if value not in BOOLEANS:
            raise ValueError("must be true or false")
        return BOOLEANS[value]
    return value


def bind_address(text: str) -> tuple[str, int] | None:
    """Split `:8081`, `127.0.0.1:8081` or `[::1]:8081` into host and port; None for `0` (disabled).

    Raises:
        ValueError: anything else.
    """
    if text in {"0", ""}:
        return None
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004
        raise ValueError("must be an address such as :8081 or 127.0.0.1:8081, or 0 to disable")
    return host.strip("[]"), int(port)


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must be a URL such as http://onepassword-connect:8080")
    if parts.username or parts.password:
        raise ValueError("must not contain credentials; the token goes into OP_CONNECT_TOKEN")
    return value


def _token(value: pydantic.SecretStr) -> pydantic.SecretStr:
    if problem := token_syntax.problem(value.get_secret_value().strip()):
        raise ValueError(problem)
    return value


def _namespaces(value: str) -> str:
    if any(not _NAMESPACE.fullmatch(name) for part in value.split(",") if (name := part.strip())):
        raise ValueError("must be names of namespaces, separated by commas")
    return value


def _lease(value: str) -> str:
    if not _LEASE.fullmatch(value):
        raise ValueError("must be the name of a Lease: lower-case letters, digits, '-' and '.'")
    return value


def _proxy(value: pydantic.SecretStr) -> pydantic.SecretStr:
    try:
        parts = urlsplit(http_proxy.with_scheme(value.get_secret_value().strip()))
        valid = parts.scheme in http_proxy.SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(
            "must be the URL of an HTTP proxy such as http://proxy:3128; "
            "proxies of other kinds (socks5) are not supported"
        )
    return value


def _kinds(value: str) -> str:
    known = {kind.lower(): kind for kind in KINDS}
    given = [name.strip().lower() for name in value.split(",") if name.strip()]
    if not given or not known.keys() >= set(given):
        raise ValueError(f"must be names out of {', '.join(KINDS)}, separated by commas")
    return ",".join(known[name] for name in dict.fromkeys(given))


def restart_window(text: str) -> RestartWindow:
    """Read `02:00-05:00 Europe/Berlin`.

    Raises:
        ValueError: it is anything else.
    """
    found = _WINDOW.fullmatch(text)
    try:
        zone = zoneinfo.ZoneInfo(found["zone"]) if found else None
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        zone = None
    if found is None or zone is None or found["start"] == found["end"]:
        raise ValueError(
            "must be the beginning and the end of a time of day and a time zone, "
            'for example "02:00-05:00 Europe/Berlin"'
        )
    start, end = (datetime.time.fromisoformat(found[each]) for each in ("start", "end"))
    return RestartWindow(start, end, zone, text)


def _window(value: str) -> str:
    if value:
        restart_window(value)
    return value


def _interval(value: object) -> object:
    # Stricter than pydantic, which takes `60.0` and `6_0`; Go's Atoi doesn't.
    if isinstance(value, str) and not (
        _INTEGER.fullmatch(value.strip()) and 1 <= int(value) <= LONGEST_INTERVAL_SECONDS
    ):
        raise ValueError(f"must be a whole number of seconds from 1 to {LONGEST_INTERVAL_SECONDS}")
    return value


def _address(value: str) -> str:
    bind_address(value)
    return value


def _level(value: str) -> str:
    # As in zap's flag parser: a number is a verbosity, so 0 and less have no meaning.
    level = value.lower()
    if level not in LEVELS and not (_INTEGER.fullmatch(level) and int(level) > 0):
        raise ValueError(
            "must be debug, info, warn, error, panic, or an integer greater than 0 (1: debug)"
        )
    return level


def _one_of(*words: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}")
        return value.lower()

    return check


def _time_encoding(value: str) -> str:
    # The official operator's help says nano, its parser wants nanos.
    return _one_of(*TIME_ENCODINGS)("nano" if value.lower() == "nanos" else value)


Trimmed = Annotated[str, pydantic.BeforeValidator(_trimmed)]
GoBoolean = Annotated[bool, pydantic.BeforeValidator(go_boolean)]
GoBooleanIfGiven = Annotated[bool | None, pydantic.BeforeValidator(go_boolean)]
ConnectUrl = Annotated[str, pydantic.BeforeValidator(_trimmed), pydantic.AfterValidator(_url)]
Token = Annotated[pydantic.SecretStr, pydantic.AfterValidator(_token)]
Namespaces = Annotated[
    str, pydantic.BeforeValidator(_trimmed), pydantic.AfterValidator(_namespaces)
]
LeaseName = Annotated[str, pydantic.BeforeValidator(_trimmed), pydantic.AfterValidator(_lease)]
ProxyUrl = Annotated[pydantic.SecretStr, pydantic.AfterValidator(_proxy)]
Interval = Annotated[int, pydantic.BeforeValidator(_interval)]
Address = Annotated[str, pydantic.AfterValidator(_address)]
LogLevel = Annotated[str, pydantic.AfterValidator(_level)]
StacktraceLevel = Annotated[str, pydantic.AfterValidator(_one_of(*STACKTRACE_LEVELS))]
Encoder = Annotated[str, pydantic.AfterValidator(_one_of(*ENCODERS))]
RestartOn = Annotated[str, pydantic.AfterValidator(_one_of(*RESTART_ON))]
WorkloadKinds = Annotated[str, pydantic.AfterValidator(_kinds)]
Window = Annotated[str, pydantic.BeforeValidator(_trimmed), pydantic.AfterValidator(_window)]
OnOff = Annotated[str, pydantic.AfterValidator(_one_of(*SWITCH))]
TimeEncoding = Annotated[str, pydantic.AfterValidator(_time_encoding)]
