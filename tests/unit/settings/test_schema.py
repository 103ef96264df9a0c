"""Settings from the environment and from flags."""

import logging
import os
import pathlib
import re
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


@pytest.mark.parametrize("name", ["OP_CONNECT_HOST", "OP_CONNECT_TOKEN"])
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_what_is_required_is_asked_for_by_name(environment: pytest.MonkeyPatch, name: str, how: str) -> None:
    environment.delenv(name) if how == "absent" else environment.setenv(name, "")
    assert refused().startswith(f"{name} is not set; set it to ")


BAD_VARIABLES = {
    "OP_CONNECT_HOST": ["connect:8080", "ftp://connect", "http://", "http://[::1", "http://connect:99999", "http://me:canary@connect"],
    "OP_CONNECT_TOKEN": ["  ", "canary\nX-Header: 1", "canary token", "canary\x01", "canäry"],
    "POLLING_INTERVAL": ["canary", "0", "-60"],
    "AUTO_RESTART": ["canary"],
    "MANAGE_CONNECT": ["canary"],
    "HTTP_PROXY": ["socks5://canary"],
    "http_proxy": ["socks5://canary"],
    "HTTPS_PROXY": ["http://user:canary@"],
    "https_proxy": ["http://user:canary@"],
    "OP_SERVICE_ACCOUNT_TOKEN": ["canary"],
    "WATCH_NAMESPACE": ["app,Canary", "a" * 64],
    f"{PREFIX}STALENESS_SECONDS": ["0"],
    f"{PREFIX}DENIED_PROBE_SECONDS": ["-1"],
    f"{PREFIX}RESYNC_SECONDS": ["9"],
    f"{PREFIX}WORKERS": ["65"],
    f"{PREFIX}SECRET_WATCH": ["canary"],
    f"{PREFIX}RESTART_ON": ["canary"],
    f"{PREFIX}WORKLOAD_KINDS": ["canary", "Deployment,Pod"],
    f"{PREFIX}RESTART_WINDOW": [
        "canary",
        *(f"{hours} Europe/Berlin" for hours in ("2:00-05:00", "02:00-24:00", "02:00-02:00")),
        *(f"02:00-05:00 {zone}" for zone in ("Canary/Town", "/etc/canary", "Europe", "")),
    ],
    f"{PREFIX}RESTARTS_PER_SECOND": ["0"],
    f"{PREFIX}CONNECT_REQUESTS_PER_MINUTE": ["9", "-1"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_VARIABLES.items() for value in values])
def test_a_bad_variable_is_refused_by_name_and_without_its_value(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    assert refused().startswith((f"{name}: ", f"{name} and "))


BAD_FLAGS = {
    "health_probe_bind_address": ["8081"],
    "metrics_bind_address": [":99999", ":http"],
    "zap_log_level": ["loud", "0"],
    "zap_encoder": ["xml"],
    "zap_stacktrace_level": ["5"],
    "zap_time_encoding": ["unix"],
    **{name: ["maybe", "", "yes", "2"] for name in ("zap_devel", "metrics_secure", "enable_http2", "enable_annotations")},
    **{name: ["maybe"] for name in ("allow_empty_values", "leader_elect", "secret_watch")},
    "restart_on": ["change"],
    "workload_kinds": [",", "deployments"],
    "restart_window": ["02:00-05:00"],
    "restarts_per_second": ["nan"],
    "connect_requests_per_minute": ["9"],
    "leader_election_id": ["", "Team", "a/b", "-a", "a" * 254],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_FLAGS.items() for value in values])
def test_a_bad_flag_is_refused_by_name(name: str, value: str) -> None:
    assert refused(**{name: value}).startswith(f"--{name.replace('_', '-')}: ")


@pytest.mark.parametrize(
    ("value", "said"),
    [("0", "must be above 0"), ("1001", "must be at most 1000"), ("x", "must be a valid number")],
)
def test_a_limit_is_told_in_words_of_our_own(value: str, said: str) -> None:
    assert refused(restarts_per_second=value).startswith(f"--restarts-per-second: {said}")


def test_files_for_tls_are_warned_of_only_while_connect_is_asked_without(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SSL_CERT_DIR", "/absent")
    assert [warning.split(":")[0] for warning in loaded().warnings()] == ["SSL_CERT_DIR"]
    environment.setenv("SSL_CERT_DIR", "")
    environment.setenv("OP_CONNECT_HOST", "https://connect")
    assert loaded().warnings() == []


def test_all_problems_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("OP_CONNECT_HOST")
    environment.setenv("POLLING_INTERVAL", "x")
    environment.setenv("ONEPASSWORD_OPERATOR_WROKERS", "4")
    environment.setenv("OP_SERVICE_ACCOUNT_TOKEN", "canary")
    said = [re.split("[: ]", line)[0] for line in refused(zap_encoder="xml", metrics_secure="true").splitlines()]
    assert said == [f"{PREFIX}WROKERS", "POLLING_INTERVAL", "--zap-encoder", "OP_SERVICE_ACCOUNT_TOKEN", "--metrics-secure"]


@pytest.mark.parametrize("name", ["ONEPASSWORD_OPERATOR_WROKERS", "ONEPASSWORD_OPERATOR_LEADER_ELECT", "ONEPASSWORD_OPERATOR_leader_elect"])
def test_a_misspelt_variable_of_ours_and_a_flag_as_a_variable_are_refused(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "canary")
    assert refused().startswith(f"{name} is not a known setting")


KUBELETS = ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_X", "PORT", "PORT_8080_TCP_ADDR", "METRICS_SERVICE_HOST", "METRICS_PORT_8080_TCP"]
STRAY = ["WORKERS", "LEADER_ELECT", "leader_elect", "RESYNC_SECONDS", "ZAP_ENCODER", "METRICS_BIND_ADDRESS", "polling_interval"]


@pytest.mark.parametrize("name", [*[PREFIX + name for name in KUBELETS], *STRAY, *checks.IGNORED])
def test_variables_of_the_kubelet_and_of_others_are_passed_over(environment: pytest.MonkeyPatch, name: str) -> None:
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
    ("text", "level"), [("debug", "DEBUG"), ("Info", "INFO"), ("warn", "WARNING"), ("panic", "CRITICAL"), ("1", "DEBUG"), ("99", "DEBUG")]
)
def test_log_levels_are_zaps(text: str, level: str) -> None:
    assert logging.getLevelName(loaded(zap_log_level=text).log_level) == level


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

    def test_neither_their_passwords_nor_the_token_are_in_any_representation(self, environment: pytest.MonkeyPatch) -> None:
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
        environment.setenv("OP_CONNECT_HOST", "HTTPS://connect")
        assert loaded().connect_identity is None
        environment.setenv(f"{PREFIX}CONNECT_CLIENT_CERT", str(pair.certificate))
        environment.setenv(f"{PREFIX}CONNECT_CLIENT_KEY", str(pair.key))
        assert loaded().connect_identity == (pair.certificate, pair.key)
        environment.setenv("OP_CONNECT_HOST", "http://connect")
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
    assert [variables[name] for name in ("http_proxy", "kubeconfig", "workers")] == ["HTTP_PROXY", "KUBECONFIG", f"{PREFIX}WORKERS"]
