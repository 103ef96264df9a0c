"""Settings: the official operator's environment variables and flags, and a few of our own. The only reader of both.

Our own variables start with `ONEPASSWORD_OPERATOR_`; an unknown one with that prefix is refused, because a misspelt setting that is
silently ignored is worse than none.
"""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import pydantic
import pydantic_settings

PREFIX: Final = "ONEPASSWORD_OPERATOR_"
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
# For a Service named onepassword-operator the kubelet puts variables of these shapes into every pod.
_SERVICE_LINK: Final = re.compile(PREFIX + r"(\w+_)?(SERVICE_HOST|SERVICE_PORT|PORT)(_\w+)?\Z")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR, "panic": logging.CRITICAL}


class SettingsError(Exception):
    """A setting that can't be used; the message names it and the remedy, never a secret value."""


def go_boolean(value: object) -> object:
    """A boolean as Go's `strconv.ParseBool` reads it."""
    if isinstance(value, str):
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise ValueError("must be true or false")
    return value


GoBoolean = Annotated[bool, pydantic.BeforeValidator(go_boolean)]


class Settings(pydantic_settings.BaseSettings):
    """Everything that can be set, read once at start."""

    model_config = pydantic_settings.SettingsConfigDict(
        # Settings without a variable of their own fall under the prefix, where `load` refuses whatever it does not know: without it a
        # stray WORKERS or LEADER_ELECT in the environment would be taken for ours.
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        env_prefix=PREFIX,
        case_sensitive=True,
    )

    connect_host: str = pydantic.Field(
        validation_alias="OP_CONNECT_HOST", description="URL of the Connect server, for example http://onepassword-connect:8080. Required."
    )
    connect_token: pydantic.SecretStr = pydantic.Field(validation_alias="OP_CONNECT_TOKEN", description="Connect access token. Required.")
    watch_namespace: str = pydantic.Field(
        default="", validation_alias="WATCH_NAMESPACE", description="Namespaces to watch, separated by commas; empty: all."
    )
    polling_interval: Annotated[int, pydantic.Field(ge=1, le=86400)] = pydantic.Field(
        default=60, validation_alias="POLLING_INTERVAL", description="Seconds between polls of 1Password. An unchanged poll is one request."
    )
    auto_restart: GoBoolean = pydantic.Field(
        default=False,
        validation_alias="AUTO_RESTART",
        description="Restart workloads whose Secrets changed, unless a namespace, workload or resource says otherwise.",
    )
    kubeconfig: str = pydantic.Field(
        default="",
        validation_alias="KUBECONFIG",
        description="Kubeconfig to use instead of the pod's service account; the flag wins over the variable.",
    )
    staleness_seconds: Annotated[float, pydantic.Field(gt=0)] | None = pydantic.Field(
        default=None,
        validation_alias=PREFIX + "STALENESS_SECONDS",
        description="How long 1Password may be out of reach before synced resources say SourceUnavailable. "
        "Default: three polling intervals, at least 60.",
    )
    denied_probe_seconds: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=60.0,
        validation_alias=PREFIX + "DENIED_PROBE_SECONDS",
        description="Seconds between tries while Connect refuses the token (401).",
    )
    connect_timeout_seconds: Annotated[float, pydantic.Field(gt=0, le=300)] = pydantic.Field(
        default=15.0,
        validation_alias=PREFIX + "CONNECT_TIMEOUT_SECONDS",
        description="Seconds to wait for the first byte of an answer from Connect; a call with its retries ends after about twice that.",
    )
    sweep_seconds: Annotated[float, pydantic.Field(ge=10)] = pydantic.Field(
        default=600.0,
        validation_alias=PREFIX + "SWEEP_SECONDS",
        description="Seconds between full sweeps: complete LISTs of resources and Secrets, and a list of every followed vault.",
    )
    workers: Annotated[int, pydantic.Field(ge=1, le=64)] = pydantic.Field(
        default=16, validation_alias=PREFIX + "WORKERS", description="Secrets that are worked on at the same time."
    )
    health_probe_bind_address: str = pydantic.Field(default=":8081", description="Address of /healthz and /readyz; 0 disables.")
    metrics_bind_address: str = pydantic.Field(default=":8080", description="Address of /metrics; 0 disables.")
    zap_log_level: str = pydantic.Field(default="info", description="debug, info, warn, error, panic, or a number (1: debug).")
    zap_encoder: str = pydantic.Field(default="console", description="console or json.")
    enable_annotations: GoBoolean = pydantic.Field(default=False, description="Copy a resource's annotations onto its Secret.")
    allow_empty_values: GoBoolean = pydantic.Field(default=False, description="Keep empty fields as empty keys.")
    leader_elect: GoBoolean = pydantic.Field(default=False, description="Accepted for compatibility; election comes in a later release.")

    @pydantic.field_validator("connect_host", "watch_namespace", "kubeconfig", mode="before")
    @classmethod
    def _trimmed(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @pydantic.field_validator("connect_host")
    @classmethod
    def _url(cls, value: str) -> str:
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

    @pydantic.field_validator("connect_token")
    @classmethod
    def _token(cls, value: pydantic.SecretStr) -> pydantic.SecretStr:
        # It becomes an HTTP header: a line break inside would make every request fail with words that name no setting.
        if not re.fullmatch(r"[!-~]+", value.get_secret_value().strip()):
            raise ValueError("is empty, or has white space or other characters inside that no token has; paste it anew")
        return value

    @pydantic.field_validator("watch_namespace")
    @classmethod
    def _namespaces(cls, value: str) -> str:
        if any(not _NAMESPACE.fullmatch(name) for part in value.split(",") if (name := part.strip())):
            raise ValueError("must be names of namespaces, separated by commas")
        return value

    @pydantic.field_validator("zap_log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value not in _LEVELS and not value.removeprefix("-").isdecimal():
            raise ValueError("must be debug, info, warn, error, panic or a number")
        return value

    @pydantic.field_validator("zap_encoder")
    @classmethod
    def _encoder(cls, value: str) -> str:
        if value not in {"console", "json"}:
            raise ValueError("must be console or json")
        return value

    @pydantic.field_validator("health_probe_bind_address", "metrics_bind_address")
    @classmethod
    def _address(cls, value: str) -> str:
        bind_address(value)
        return value

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces to watch; empty for all."""
        return tuple(dict.fromkeys(name for part in self.watch_namespace.split(",") if (name := part.strip())))

    @property
    def staleness_limit_seconds(self) -> float:
        """The staleness limit in effect."""
        return self.staleness_seconds if self.staleness_seconds is not None else max(3.0 * self.polling_interval, 60.0)

    @property
    def log_level(self) -> int:
        """The level in effect; zap's numbers count verbosity upwards."""
        if self.zap_log_level in _LEVELS:
            return _LEVELS[self.zap_log_level]
        return logging.DEBUG if int(self.zap_log_level) > 0 else logging.INFO


def bind_address(text: str) -> tuple[str, int] | None:
    """Host and port of `:8081`, `127.0.0.1:8081` or `[::1]:8081`; None for `0`, which disables.

    Raises:
        ValueError: anything else.
    """
    if text in {"0", ""}:
        return None
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004
        raise ValueError("must be an address such as :8081 or 127.0.0.1:8081, or 0 to disable")
    return host.strip("[]"), int(port)


def flag_names() -> list[str]:
    """Settings that are flags: those without an environment variable, and kubeconfig, which has both."""
    return [n for n, field in Settings.model_fields.items() if field.validation_alias is None or n == "kubeconfig"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags, in Go's long form."""
    for name in flag_names():
        field = Settings.model_fields[name]
        shown = "" if name == "kubeconfig" else f" (default {str(field.default).lower() if field.annotation is bool else field.default})"
        metavar = "BOOL" if field.annotation is bool else "VALUE"
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, metavar=metavar, help=f"{field.description}{shown}")


def normalised(arguments: Sequence[str]) -> list[str]:
    """Go's flag syntax in argparse's: one or two dashes, and bare booleans."""
    booleans = {n.replace("_", "-") for n in flag_names() if Settings.model_fields[n].annotation is bool}
    result = []
    for argument in arguments:
        long = "-" + argument if argument.startswith("-") and not argument.startswith("--") and len(argument) > 2 else argument  # noqa: PLR2004
        result.append(f"{long}=true" if long.removeprefix("--") in booleans and long.startswith("--") else long)
    return result


def load(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Settings from parsed flags and the process environment.

    Raises:
        SettingsError: every unusable setting, one a line.
    """
    known = {field.validation_alias for field in Settings.model_fields.values()}
    problems = [
        f"{name} is not a known setting; see --help for those that start with {PREFIX}"
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.match(name)
    ]
    settings = None
    try:
        fields = Settings.model_fields
        given = {str(fields[n].validation_alias or n): value for n, value in flags.items() if n in fields and value is not None}
        settings = Settings(**given)
    except pydantic.ValidationError as error:
        problems += [_problem(str(entry["loc"][0]), entry["type"], message=entry["msg"]) for entry in error.errors(include_input=False)]
    if settings is None or problems:
        raise SettingsError("\n".join(problems))
    return settings


def _problem(name: str, kind: str, *, message: str) -> str:
    shown = name if name.isupper() else "--" + name.replace("_", "-")
    if kind == "missing":
        hints = {"OP_CONNECT_HOST": "the URL of your Connect server", "OP_CONNECT_TOKEN": "a Connect access token"}
        return f"{shown} is not set; set it to {hints.get(name, 'a value')}"
    return f"{shown}: {message.removeprefix('Value error, ')}"
