"""Settings: the official operator's environment variables and flags, and a few of our own.

Only this module reads them.

Our own variables start with `ONEPASSWORD_OPERATOR_`; an unknown one with that prefix is refused,
because a misspelt setting that is silently ignored is worse than none.
"""

from __future__ import annotations

import logging
import pathlib
import re
from collections.abc import Mapping
from typing import Any, Final

import pydantic
import pydantic_settings

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.rules.http_proxy import Proxies
from onepassword_operator.settings import checks
from onepassword_operator.settings.tuning import PREFIX, WITH_FLAG, TuningSettings
from onepassword_operator.settings.values import (
    LEVELS,
    Address,
    ConnectUrl,
    Encoder,
    GoBoolean,
    GoBooleanIfGiven,
    Interval,
    LeaseName,
    LogLevel,
    Namespaces,
    ProxyUrl,
    StacktraceLevel,
    TimeEncoding,
    Token,
    Trimmed,
    in_words,
)

# The kubelet puts variables of these shapes into every pod if there is a Service named
# onepassword-operator.
_SERVICE_LINK: Final = re.compile(PREFIX + r"(\w+_)?(SERVICE_HOST|SERVICE_PORT|PORT)(_\w+)?\Z")
_WANTED: Final = {"OP_CONNECT_HOST": "the URL of your Connect server"}


class SettingsError(Exception):
    """Unusable settings; each line names one and the remedy, and never has a secret value."""


class Settings(pydantic_settings.BaseSettings, TuningSettings):
    """All settings, read once at the start."""

    model_config = pydantic_settings.SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        # Settings without a variable of their own get the prefix, and `load` refuses unknown
        # variables with it. Without a prefix, a stray WORKERS or LEADER_ELECT in the environment
        # would count as ours.
        env_prefix=PREFIX,
        case_sensitive=True,
    )

    connect_host: ConnectUrl = pydantic.Field(
        validation_alias="OP_CONNECT_HOST",
        description="URL of the Connect server, for example http://onepassword-connect:8080. "
        "Required.",
    )
    connect_token: Token | None = pydantic.Field(
        default=None,
        validation_alias="OP_CONNECT_TOKEN",
        description="Connect access token. Required, here or in a file.",
    )
    connect_token_file: Trimmed = pydantic.Field(
        default="",
        validation_alias="OP_CONNECT_TOKEN_FILE",
        description="File that holds the Connect access token, for example of a mounted Secret; "
        "read again when it changes.",
    )
    service_account_token: pydantic.SecretStr | None = pydantic.Field(
        default=None,
        validation_alias="OP_SERVICE_ACCOUNT_TOKEN",
        description="Refused: only 1Password Connect is supported so far. "
        "Set `OP_CONNECT_HOST` and `OP_CONNECT_TOKEN` instead.",
    )
    watch_namespace: Namespaces = pydantic.Field(
        default="",
        validation_alias="WATCH_NAMESPACE",
        description="Namespaces to watch, separated by commas; white space and empty parts do not "
        "matter; empty: all.",
    )
    polling_interval: Interval = pydantic.Field(
        default=60,
        validation_alias="POLLING_INTERVAL",
        description="Seconds between polls of 1Password, from 1 to 86400. "
        "An unchanged poll is one request.",
    )
    auto_restart: GoBoolean = pydantic.Field(
        default=False,
        validation_alias="AUTO_RESTART",
        description="Restart workloads whose Secrets changed, unless a namespace, "
        "workload or resource says otherwise.",
    )
    manage_connect: GoBoolean = pydantic.Field(
        default=False,
        validation_alias="MANAGE_CONNECT",
        description="Accepted with a warning: this operator does not deploy Connect, "
        "and works with the one at `OP_CONNECT_HOST`.",
    )
    kubeconfig: Trimmed = pydantic.Field(
        default="",
        validation_alias="KUBECONFIG",
        json_schema_extra=WITH_FLAG,
        description="Kubeconfig to use instead of the pod's service account; "
        "the flag wins over the variable.",
    )
    ssl_cert_file: str = pydantic.Field(
        default="",
        validation_alias="SSL_CERT_FILE",
        description="PEM file of authorities to trust instead of the system's file, "
        "for a Connect server with a private certificate.",
    )
    ssl_cert_dir: str = pydantic.Field(
        default="",
        validation_alias="SSL_CERT_DIR",
        description="Directories with PEM files of authorities, separated by colons, "
        "in place of the system's directory.",
    )
    http_proxy: ProxyUrl | None = pydantic.Field(
        default=None,
        validation_alias=pydantic.AliasChoices("HTTP_PROXY", "http_proxy"),
        description="Proxy for http:// URLs, of Connect and of the API server: "
        "`http://user:password@host:port` or `host:port`. "
        "This and the next two may be in lower case; the upper case wins.",
    )
    https_proxy: ProxyUrl | None = pydantic.Field(
        default=None,
        validation_alias=pydantic.AliasChoices("HTTPS_PROXY", "https_proxy"),
        description="Proxy for https:// URLs, in the same form.",
    )
    no_proxy: str = pydantic.Field(
        default="",
        validation_alias=pydantic.AliasChoices("NO_PROXY", "no_proxy"),
        description="Where no proxy is used, separated by commas: `host`, `.domain`, `*.domain`, "
        "`10.0.0.1`, `10.96.0.0/12`, any of the first four with `:port`, or `*`. "
        "Loopback addresses and `localhost` never need it.",
    )
    connect_client_cert: str = pydantic.Field(
        default="",
        validation_alias=PREFIX + "CONNECT_CLIENT_CERT",
        description="PEM file of the certificate that the operator shows to a Connect server or "
        "gateway that asks for one, with its chain; read again when it changes.",
    )
    connect_client_key: str = pydantic.Field(
        default="",
        validation_alias=PREFIX + "CONNECT_CLIENT_KEY",
        description="PEM file of the key of that certificate, without a password.",
    )
    health_probe_bind_address: Address = pydantic.Field(
        default=":8081", description="Address of /healthz and /readyz; 0 disables."
    )
    metrics_bind_address: Address = pydantic.Field(
        default=":8080", description="Address of /metrics; 0 disables."
    )
    metrics_secure: GoBooleanIfGiven = pydantic.Field(
        default=None,
        description="Serve /metrics over HTTPS, with the certificate of --metrics-cert-path; "
        "any client that reaches the address may read. Default: "
        "true if there is a certificate, plain HTTP if not.",
    )
    metrics_cert_path: str = pydantic.Field(
        default="",
        description="Directory of the certificate for /metrics; read again when it changes.",
    )
    metrics_cert_name: str = pydantic.Field(
        default="tls.crt", description="File name of the certificate."
    )
    metrics_cert_key: str = pydantic.Field(
        default="tls.key", description="File name of the private key."
    )
    leader_elect: GoBoolean = pydantic.Field(
        default=False,
        description="Elect one of several replicas; the others stand by with everything in memory.",
    )
    leader_election_namespace: Trimmed = pydantic.Field(
        default="", description="Namespace of the Lease. Default: the operator's own."
    )
    leader_election_id: LeaseName = pydantic.Field(
        default=names.LEADER_ELECTION_ID,
        description="Name of the Lease. Operators in one namespace with different tokens need a "
        "name each.",
    )
    enable_http2: GoBoolean = pydantic.Field(
        default=False, description="Accepted without effect; /metrics is served over HTTP/1.1."
    )
    enable_annotations: GoBoolean = pydantic.Field(
        default=False, description="Copy a resource's annotations onto its Secret."
    )
    allow_empty_values: GoBoolean = pydantic.Field(
        default=False, description="Keep empty fields as empty keys."
    )
    zap_devel: GoBooleanIfGiven = pydantic.Field(
        default=None,
        description="Defaults of the other zap flags. true: console, debug, tracebacks from warn; "
        "false: json, info, tracebacks from error; not given: "
        "console, info, tracebacks from error.",
    )
    zap_encoder: Encoder | None = pydantic.Field(
        default=None, description="Form of the log: console or json."
    )
    zap_log_level: LogLevel | None = pydantic.Field(
        default=None,
        description="debug, info, warn, error, panic, or an integer greater than 0 (1: debug).",
    )
    zap_stacktrace_level: StacktraceLevel | None = pydantic.Field(
        default=None,
        description="The level from which records show their traceback: "
        "info, warn, error or panic.",
    )
    zap_time_encoding: TimeEncoding = pydantic.Field(
        default="iso8601",
        description="Form of the log's time: epoch, millis, nano, iso8601, rfc3339 or rfc3339nano.",
    )

    @pydantic.field_validator("metrics_bind_address", mode="before")
    @classmethod
    def _empty_is_default(cls, value: object) -> object:
        return (
            value or ":8080"
            # As in controller-runtime. For the probes' address it is different: empty disables.
        )

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces to watch; empty for all."""
        return tuple(
            dict.fromkeys(
                name for part in self.watch_namespace.split(",") if (name := part.strip())
            )
        )

    @property
    def staleness_limit_seconds(self) -> float:
        """The staleness limit: as set, else three polling intervals, at least 60."""
        return (
            self.staleness_seconds
            if self.staleness_seconds is not None
            else max(3.0 * self.polling_interval, 60.0)
        )

    @property
    def metrics_certificate(self) -> tuple[pathlib.Path, pathlib.Path] | None:
        """The files of certificate and key for /metrics; None for plain HTTP, or no /metrics."""
        secure = (
            bool(self.metrics_cert_path) if self.metrics_secure is None else self.metrics_secure
        )
        folder = pathlib.Path(self.metrics_cert_path)
        return (
            (folder / self.metrics_cert_name, folder / self.metrics_cert_key)
            if secure and self.metrics_bind_address != "0"
            else None
        )

    @property
    def connect_credential(self) -> Confidential | pathlib.Path:
        """The Connect token, or the file that holds it."""
        given = self.connect_token.get_secret_value().strip() if self.connect_token else ""
        return Confidential.of_text(given) if given else pathlib.Path(self.connect_token_file)

    @property
    def connect_identity(self) -> tuple[pathlib.Path, pathlib.Path] | None:
        """The files of the client certificate for Connect and its key; None for plain HTTP."""
        wanted = self.connect_client_cert and self.connect_host.lower().startswith("https:")
        return (
            (pathlib.Path(self.connect_client_cert), pathlib.Path(self.connect_client_key))
            if wanted
            else None
        )

    @property
    def proxies(self) -> Proxies:
        """The settings of proxies and their exceptions."""
        http, https = (
            "" if url is None else url.get_secret_value().strip()
            for url in (self.http_proxy, self.https_proxy)
        )
        return Proxies(http=http, https=https, exceptions=self.no_proxy)

    def warnings(self) -> list[str]:
        """Warnings about settings that are accepted without their usual effect."""
        ignored = [text for name, text in checks.WITHOUT_EFFECT.items() if getattr(self, name)]
        files = {
            "SSL_CERT_FILE": self.ssl_cert_file,
            "SSL_CERT_DIR": self.ssl_cert_dir,
            PREFIX + "CONNECT_CLIENT_CERT": self.connect_client_cert,
            PREFIX + "CONNECT_CLIENT_KEY": self.connect_client_key,
        }
        plain = self.connect_host.lower().startswith("http:")
        return [*ignored, *(checks.unused_tls(files) if plain else ())]

    @property
    def log_encoder(self) -> str:
        """The log's encoder: as set, else by `--zap-devel`."""
        return self.zap_encoder or ("json" if self.zap_devel is False else "console")

    @property
    def log_level(self) -> int:
        """The log's level: as set, else by `--zap-devel`."""
        level = self.zap_log_level or ("debug" if self.zap_devel else "info")
        return LEVELS.get(level, logging.DEBUG)

    @property
    def stacktrace_level(self) -> int:
        """The level from which records show their traceback: as set, else by `--zap-devel`."""
        return LEVELS[self.zap_stacktrace_level or ("warn" if self.zap_devel else "error")]


def _fields() -> list[tuple[str, pydantic.fields.FieldInfo]]:
    # In the order of the documentation: the official operator's settings first. By default
    # inherited fields would come first.
    return sorted(
        Settings.model_fields.items(), key=lambda entry: entry[0] in TuningSettings.model_fields
    )


def flag_names() -> list[str]:
    """Return the names of the settings that have a flag."""
    return [n for n, field in _fields() if field.validation_alias is None or n in BOTH]


def variable_names() -> dict[str, str]:
    """Return the settings with an environment variable, by name, with the variable's name."""
    aliases = {n: field.validation_alias for n, field in _fields() if field.validation_alias}
    return {
        n: str(alias.choices[0] if isinstance(alias, pydantic.AliasChoices) else alias)
        for n, alias in aliases.items()
    }


_VARIABLES: Final = variable_names()
BOTH: Final = frozenset(n for n, field in _fields() if field.json_schema_extra == WITH_FLAG)
"""Settings with both a variable and a flag; the flag wins."""


def load(flags: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """Read settings from flags, by names with underscores, and the process environment.

    Raises:
        SettingsError: names every unusable setting, one a line.
    """
    known = set(_VARIABLES.values())
    problems = [
        f"{name} is not a known setting; see --help for those that start with {PREFIX}"
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.match(name)
    ]
    settings = None
    given: dict[str, Any] = {_VARIABLES[n] if n in BOTH else n: flags[n] for n in flags}
    try:
        settings = Settings(**given)
    except pydantic.ValidationError as error:
        for entry in error.errors(include_input=False):
            name = str(entry["loc"][0])
            if entry["type"] == "missing" and checks.explains(name, environment):
                continue
            shown = _given_as(name, flags)
            problems.append(
                _problem(shown, entry["type"], message=entry["msg"], environment=environment)
            )
    problems += checks.find(flags, environment)
    if settings is None or problems:
        raise SettingsError("\n".join(problems))
    return settings


def _given_as(name: str, flags: Mapping[str, str]) -> str:
    return next((flag for flag in BOTH & flags.keys() if _VARIABLES[flag] == name), name)


def _problem(name: str, kind: str, *, message: str, environment: Mapping[str, str]) -> str:
    if kind == "missing":
        return f"{name} is not set; set it to {_WANTED[name]}"
    shown = name if name.isupper() else "--" + name.replace("_", "-")
    if environment.get(name.lower()) and not environment.get(name):
        shown = name.lower()  # one of the variables for proxies
    return f"{shown}: {in_words(message)}"
