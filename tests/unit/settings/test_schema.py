"""Settings from the environment and from flags."""

import logging
import os
import pathlib
from typing import Any

import pytest

from controlplane.certificates import Authority
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.rules.http_proxy import Proxies
from onepassword_operator.settings import checks
from onepassword_operator.settings import schema as settings
from onepassword_operator.settings.schema import SettingsError, load
from onepassword_operator.settings.tuning import PREFIX

TOKEN = "canary-token"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing but what is required."""
    for name in list(os.environ):
        if name.startswith(PREFIX) or name.upper() in settings.variable_names().values():
            monkeypatch.delenv(name)
    monkeypatch.setenv("OP_CONNECT_HOST", "http://connect:8080")
    monkeypatch.setenv("OP_CONNECT_TOKEN", TOKEN)
    return monkeypatch


def loaded(**flags: Any) -> settings.Settings:
    return load(flags, os.environ)


def refused(**flags: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(**flags)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_two_settings_are_enough_and_the_rest_is_as_in_the_official_operator() -> None:
    read = loaded()
    assert read.connect_host == "http://connect:8080"
    assert read.connect_credential == Confidential.of_text(TOKEN)
    assert (read.namespaces, read.polling_interval, read.auto_restart, read.kubeconfig) == ((), 60, False, "")
    assert (read.health_probe_bind_address, read.metrics_bind_address) == (":8081", ":8080")
    assert (read.enable_annotations, read.allow_empty_values, read.leader_elect) == (False, False, False)
    assert (read.staleness_limit_seconds, read.log_level, read.log_encoder) == (180, logging.INFO, "console")


def test_the_token_is_in_no_representation() -> None:
    assert "canary" not in f"{loaded()!r} {loaded()} {loaded().model_dump()}"


@pytest.mark.parametrize("name", ["OP_CONNECT_HOST", "OP_CONNECT_TOKEN"])
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_what_is_required_is_asked_for_by_name(environment: pytest.MonkeyPatch, name: str, how: str) -> None:
    environment.delenv(name) if how == "absent" else environment.setenv(name, "")
    assert refused().startswith(f"{name} is not set; set it to ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OP_CONNECT_HOST", "connect:8080"),
        ("OP_CONNECT_HOST", "ftp://connect"),
        ("OP_CONNECT_HOST", "http://"),
        ("OP_CONNECT_HOST", "http://[::1"),
        ("OP_CONNECT_HOST", "http://connect:port"),
        ("OP_CONNECT_HOST", "http://connect:99999"),
        ("OP_CONNECT_HOST", "http://me:canary@connect"),
        ("OP_CONNECT_TOKEN", "  "),
        ("OP_CONNECT_TOKEN", "canary\nX-Header: 1"),
        ("OP_CONNECT_TOKEN", "canary token"),
        ("OP_CONNECT_TOKEN", "canary\x00"),
        ("OP_CONNECT_TOKEN", "canäry"),
        ("POLLING_INTERVAL", "canary"),
        ("POLLING_INTERVAL", "0"),
        ("POLLING_INTERVAL", "-60"),
        ("AUTO_RESTART", "canary"),
        ("MANAGE_CONNECT", "canary"),
        ("HTTP_PROXY", "socks5://canary"),
        ("http_proxy", "socks5://canary"),
        ("HTTPS_PROXY", "http://user:canary@"),
        ("https_proxy", "http://user:canary@"),
        ("OP_SERVICE_ACCOUNT_TOKEN", "canary"),
        ("WATCH_NAMESPACE", "app,Canary"),
        ("WATCH_NAMESPACE", "a" * 64),
        ("ONEPASSWORD_OPERATOR_STALENESS_SECONDS", "0"),
        ("ONEPASSWORD_OPERATOR_DENIED_PROBE_SECONDS", "-1"),
        ("ONEPASSWORD_OPERATOR_RESYNC_SECONDS", "9"),
        ("ONEPASSWORD_OPERATOR_WORKERS", "65"),
        ("ONEPASSWORD_OPERATOR_SECRET_WATCH", "canary"),
        ("ONEPASSWORD_OPERATOR_RESTARTS_PER_SECOND", "0"),
        ("ONEPASSWORD_OPERATOR_CONNECT_REQUESTS_PER_MINUTE", "9"),
        ("ONEPASSWORD_OPERATOR_CONNECT_REQUESTS_PER_MINUTE", "-1"),
    ],
)
def test_a_bad_variable_is_refused_by_name_and_without_its_value(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    if "\x00" in value:
        value = value.replace("\x00", "\x01")  # the environment itself refuses a NUL
    environment.setenv(name, value)
    assert refused().startswith((f"{name}: ", f"{name} and "))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("health_probe_bind_address", "8081"),
        ("metrics_bind_address", ":99999"),
        ("metrics_bind_address", ":http"),
        ("zap_log_level", "loud"),
        ("zap_log_level", "0"),
        ("zap_encoder", "xml"),
        ("zap_devel", "maybe"),
        ("zap_stacktrace_level", "5"),
        ("zap_time_encoding", "unix"),
        ("metrics_secure", "maybe"),
        ("enable_http2", ""),
        ("enable_annotations", "yes"),
        ("allow_empty_values", "2"),
        ("leader_elect", "maybe"),
        ("secret_watch", "maybe"),
        ("restarts_per_second", "nan"),
        ("connect_requests_per_minute", "9"),
    ],
)
def test_a_bad_flag_is_refused_by_name(name: str, value: str) -> None:
    assert refused(**{name: value}).startswith(f"--{name.replace('_', '-')}: ")


def test_all_problems_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("OP_CONNECT_HOST")
    environment.setenv("POLLING_INTERVAL", "x")
    environment.setenv("ONEPASSWORD_OPERATOR_WROKERS", "4")
    environment.setenv("OP_SERVICE_ACCOUNT_TOKEN", "canary")
    assert [line.split(":")[0].split(" ")[0] for line in refused(zap_encoder="xml", metrics_secure="true").splitlines()] == [
        "ONEPASSWORD_OPERATOR_WROKERS",
        "POLLING_INTERVAL",
        "--zap-encoder",
        "OP_SERVICE_ACCOUNT_TOKEN",
        "--metrics-secure",
    ]


def test_a_misspelt_variable_of_ours_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ONEPASSWORD_OPERATOR_WROKERS", "canary")
    assert refused().startswith("ONEPASSWORD_OPERATOR_WROKERS is not a known setting")


@pytest.mark.parametrize("name", ["ONEPASSWORD_OPERATOR_LEADER_ELECT", "ONEPASSWORD_OPERATOR_leader_elect"])
def test_a_flag_is_no_variable(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "true")
    assert refused().startswith(f"{name} is not a known setting")


@pytest.mark.parametrize(
    "name",
    [
        "ONEPASSWORD_OPERATOR_SERVICE_HOST",
        "ONEPASSWORD_OPERATOR_SERVICE_PORT",
        "ONEPASSWORD_OPERATOR_SERVICE_PORT_METRICS",
        "ONEPASSWORD_OPERATOR_PORT",
        "ONEPASSWORD_OPERATOR_PORT_8080_TCP_ADDR",
        "ONEPASSWORD_OPERATOR_METRICS_SERVICE_HOST",
        "ONEPASSWORD_OPERATOR_METRICS_PORT_8080_TCP",
    ],
)
def test_what_the_kubelet_puts_into_every_pod_is_passed_over(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "tcp://10.0.0.1:8080")
    assert loaded().workers == 16


@pytest.mark.parametrize(
    "name", ["WORKERS", "LEADER_ELECT", "leader_elect", "RESYNC_SECONDS", "ZAP_ENCODER", "METRICS_BIND_ADDRESS", "polling_interval"]
)
def test_a_stray_variable_of_somebody_else_is_not_taken_for_ours(environment: pytest.MonkeyPatch, name: str) -> None:
    before = loaded()
    environment.setenv(name, "nonsense")
    assert loaded() == before


def test_variables_are_trimmed_and_split(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OP_CONNECT_HOST", " http://connect:8080 ")
    environment.setenv("OP_CONNECT_TOKEN", TOKEN + "\n")
    environment.setenv("WATCH_NAMESPACE", " b, a,,b ")
    assert loaded().connect_host == "http://connect:8080"
    assert loaded().namespaces == ("b", "a")


def test_a_flag_wins_over_its_variable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KUBECONFIG", "/from/environment")
    assert loaded().kubeconfig == "/from/environment"
    assert loaded(kubeconfig="/from/flag").kubeconfig == "/from/flag"
    environment.setenv("ONEPASSWORD_OPERATOR_SECRET_WATCH", "off")
    assert not loaded().watches_secrets
    assert loaded(secret_watch="on").watches_secrets


@pytest.mark.parametrize(("interval", "limit"), [("10", 60), ("60", 180), ("600", 1800)])
def test_the_staleness_limit_follows_the_interval(environment: pytest.MonkeyPatch, interval: str, limit: float) -> None:
    environment.setenv("POLLING_INTERVAL", interval)
    assert loaded().staleness_limit_seconds == limit
    environment.setenv("ONEPASSWORD_OPERATOR_STALENESS_SECONDS", "7")
    assert loaded().staleness_limit_seconds == 7


@pytest.mark.parametrize(
    ("devel", "encoder", "level", "stacktrace"),
    [
        (None, "console", logging.INFO, logging.ERROR),
        ("true", "console", logging.DEBUG, logging.WARNING),
        ("false", "json", logging.INFO, logging.ERROR),
    ],
)
def test_zap_devel_decides_what_is_not_given(devel: str | None, encoder: str, level: int, stacktrace: int) -> None:
    mode = {} if devel is None else {"zap_devel": devel}
    read = loaded(**mode)
    assert (read.log_encoder, read.log_level, read.stacktrace_level) == (encoder, level, stacktrace)
    given = loaded(**mode, zap_encoder="JSON", zap_log_level="error", zap_stacktrace_level="panic", zap_time_encoding="Epoch")
    assert (given.log_encoder, given.log_level, given.stacktrace_level) == ("json", logging.ERROR, logging.CRITICAL)
    assert (read.zap_time_encoding, given.zap_time_encoding) == ("iso8601", "epoch")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("debug", logging.DEBUG),
        ("Info", logging.INFO),
        ("warn", logging.WARNING),
        ("panic", logging.CRITICAL),
        ("1", logging.DEBUG),
        ("99", 10),
    ],
)
def test_log_levels_are_zaps(text: str, level: int) -> None:
    assert loaded(zap_log_level=text).log_level == level


class TestMetrics:
    def test_plain_http_is_the_default(self) -> None:
        assert loaded().metrics_certificate is None
        assert loaded(metrics_bind_address="").metrics_bind_address == ":8080"

    def test_a_certificate_is_for_https_unless_told_otherwise(self, tmp_path: pathlib.Path) -> None:
        for name in ("tls.crt", "tls.key", "own.crt"):
            (tmp_path / name).touch()
        path = str(tmp_path)
        assert loaded(metrics_cert_path=path).metrics_certificate == (tmp_path / "tls.crt", tmp_path / "tls.key")
        own = loaded(metrics_cert_path=path, metrics_secure="true", metrics_cert_name="own.crt")
        assert own.metrics_certificate == (tmp_path / "own.crt", tmp_path / "tls.key")
        assert loaded(metrics_cert_path=path, metrics_secure="false").metrics_certificate is None
        assert loaded(metrics_cert_path=path, metrics_bind_address="0").metrics_certificate is None


class TestProxies:
    def test_the_variables_are_read_in_either_case_and_the_upper_one_wins(self, environment: pytest.MonkeyPatch) -> None:
        assert loaded().proxies == Proxies()
        environment.setenv("http_proxy", "lower:1")
        environment.setenv("https_proxy", " https://user:fake@lower:2 ")
        environment.setenv("no_proxy", "lower")
        assert loaded().proxies == Proxies(http="lower:1", https="https://user:fake@lower:2", exceptions="lower")
        environment.setenv("HTTP_PROXY", "http://upper:1")
        environment.setenv("HTTPS_PROXY", "")
        environment.setenv("NO_PROXY", "upper")
        assert loaded().proxies == Proxies(http="http://upper:1", https="https://user:fake@lower:2", exceptions="upper")

    def test_their_passwords_are_in_no_representation(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HTTP_PROXY", "http://user:canary@p")
        assert "canary" not in f"{loaded()!r} {loaded()} {loaded().model_dump()} {loaded().proxies}"


class TestTokenFile:
    def test_the_token_may_be_in_a_file(self, environment: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
        (tmp_path / "token").write_text(TOKEN)
        environment.delenv("OP_CONNECT_TOKEN")
        environment.setenv("OP_CONNECT_TOKEN_FILE", f" {tmp_path}/token\n")
        assert loaded().connect_credential == tmp_path / "token"

    def test_without_either_the_two_are_named_once(self, environment: pytest.MonkeyPatch) -> None:
        environment.delenv("OP_CONNECT_TOKEN")
        assert refused().count("OP_CONNECT_TOKEN_FILE") == 1


class TestClientCertificate:
    def test_it_is_for_connect_over_tls(self, environment: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
        pair = Authority(tmp_path, "an authority").client("own", "operator", [])
        environment.setenv(f"{PREFIX}CONNECT_CLIENT_CERT", str(pair.certificate))
        environment.setenv(f"{PREFIX}CONNECT_CLIENT_KEY", str(pair.key))
        assert loaded().connect_identity is None
        environment.setenv("OP_CONNECT_HOST", "HTTPS://connect")
        assert loaded().connect_identity == (pair.certificate, pair.key)

    def test_as_a_rule_there_is_none(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("OP_CONNECT_HOST", "https://connect")
        assert loaded().connect_identity is None


class TestWarnings:
    def test_nothing_unusual_warns_of_nothing(self) -> None:
        assert loaded(leader_elect="false", enable_http2="false").warnings() == []

    def test_what_has_no_effect_is_told(self) -> None:
        (http2,) = loaded(leader_elect="true", enable_http2="true").warnings()
        assert http2.startswith("--enable-http2 is accepted, but has no effect")

    @pytest.mark.official(26, 27)
    def test_whoever_wants_connect_deployed_reads_how(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("MANAGE_CONNECT", "1")
        (warning,) = loaded().warnings()
        assert "does not deploy Connect" in warning
        assert "helm repo add 1password https://1password.github.io/connect-helm-charts ; " in warning
        assert "helm install connect 1password/connect --set-file connect.credentials=1password-credentials.json" in warning


@pytest.mark.parametrize("name", checks.IGNORED)
def test_what_means_nothing_here_is_passed_over(environment: pytest.MonkeyPatch, name: str) -> None:
    before = loaded()
    environment.setenv(name, "local")
    assert loaded() == before


def test_a_service_account_is_told_once_and_not_as_missing_variables(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("OP_CONNECT_HOST")
    environment.delenv("OP_CONNECT_TOKEN")
    environment.setenv("OP_SERVICE_ACCOUNT_TOKEN", "canary")
    (line,) = refused().splitlines()
    assert line.startswith("OP_SERVICE_ACCOUNT_TOKEN: ")


def test_every_setting_is_a_flag_or_a_variable() -> None:
    flags, variables = set(settings.flag_names()), settings.variable_names()
    assert flags | set(variables) == set(settings.Settings.model_fields)
    assert flags & set(variables) == settings.BOTH
    assert (variables["http_proxy"], variables["kubeconfig"], variables["workers"]) == (
        "HTTP_PROXY",
        "KUBECONFIG",
        "ONEPASSWORD_OPERATOR_WORKERS",
    )


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded().workers = 1
