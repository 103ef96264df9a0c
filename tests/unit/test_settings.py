"""Settings from the environment and from flags in Go's spelling."""

import argparse
import logging
import os
from typing import Any

import pytest

from onepassword_operator import settings
from onepassword_operator.settings import SettingsError, bind_address, load, normalised

TOKEN = "canary-token"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing but what is required."""
    for name in list(os.environ):
        if name.startswith(settings.PREFIX) or name in {"WATCH_NAMESPACE", "POLLING_INTERVAL", "AUTO_RESTART", "KUBECONFIG"}:
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
    assert read.connect_token.get_secret_value() == TOKEN
    assert (read.namespaces, read.polling_interval, read.auto_restart, read.kubeconfig) == ((), 60, False, "")
    assert (read.health_probe_bind_address, read.metrics_bind_address) == (":8081", ":8080")
    assert (read.enable_annotations, read.allow_empty_values, read.leader_elect) == (False, False, False)
    assert (read.staleness_limit_seconds, read.log_level, read.zap_encoder) == (180, logging.INFO, "console")


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
        ("POLLING_INTERVAL", "86401"),
        ("POLLING_INTERVAL", "1.5"),
        ("AUTO_RESTART", "canary"),
        ("WATCH_NAMESPACE", "app,Canary"),
        ("WATCH_NAMESPACE", "a" * 64),
        ("ONEPASSWORD_OPERATOR_STALENESS_SECONDS", "0"),
        ("ONEPASSWORD_OPERATOR_DENIED_PROBE_SECONDS", "-1"),
        ("ONEPASSWORD_OPERATOR_SWEEP_SECONDS", "9"),
        ("ONEPASSWORD_OPERATOR_WORKERS", "65"),
    ],
)
def test_a_bad_variable_is_refused_by_name_and_without_its_value(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    if "\x00" in value:
        value = value.replace("\x00", "\x01")  # the environment itself refuses a NUL
    environment.setenv(name, value)
    assert refused().startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("health_probe_bind_address", "8081"),
        ("metrics_bind_address", ":99999"),
        ("metrics_bind_address", ":http"),
        ("zap_log_level", "loud"),
        ("zap_log_level", "--5"),
        ("zap_encoder", "xml"),
        ("enable_annotations", "yes"),
        ("allow_empty_values", "2"),
        ("leader_elect", "maybe"),
    ],
)
def test_a_bad_flag_is_refused_by_name(name: str, value: str) -> None:
    assert refused(**{name: value}).startswith(f"--{name.replace('_', '-')}: ")


def test_all_problems_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("OP_CONNECT_HOST")
    environment.setenv("POLLING_INTERVAL", "x")
    environment.setenv("ONEPASSWORD_OPERATOR_WROKERS", "4")
    assert len(refused(zap_encoder="xml").splitlines()) == 4


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
    "name", ["WORKERS", "LEADER_ELECT", "leader_elect", "SWEEP_SECONDS", "ZAP_ENCODER", "METRICS_BIND_ADDRESS", "polling_interval"]
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
    assert loaded(kubeconfig="/from/flag", unrelated="x", zap_encoder=None).kubeconfig == "/from/flag"


@pytest.mark.parametrize(
    ("value", "read"),
    [(text, True) for text in ("1", "t", "T", "true", "TRUE", "True")] + [(text, False) for text in ("0", "f", "F", "false")],
)
def test_booleans_are_gos(environment: pytest.MonkeyPatch, value: str, read: object) -> None:
    environment.setenv("AUTO_RESTART", value)
    assert loaded(leader_elect=value).auto_restart is read
    assert loaded(leader_elect=value).leader_elect is read
    assert settings.go_boolean(read) is read


@pytest.mark.parametrize(("interval", "limit"), [("10", 60), ("60", 180), ("600", 1800)])
def test_the_staleness_limit_follows_the_interval(environment: pytest.MonkeyPatch, interval: str, limit: float) -> None:
    environment.setenv("POLLING_INTERVAL", interval)
    assert loaded().staleness_limit_seconds == limit
    environment.setenv("ONEPASSWORD_OPERATOR_STALENESS_SECONDS", "7")
    assert loaded().staleness_limit_seconds == 7


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("debug", logging.DEBUG),
        ("info", logging.INFO),
        ("warn", logging.WARNING),
        ("error", logging.ERROR),
        ("panic", logging.CRITICAL),
        ("5", logging.DEBUG),
        ("0", logging.INFO),
        ("-1", logging.INFO),
    ],
)
def test_log_levels_are_zaps(text: str, level: int) -> None:
    assert loaded(zap_log_level=text).log_level == level


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0", None),
        ("", None),
        (":8081", ("", 8081)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:8081", ("::1", 8081)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_addresses_are_gos(text: str, address: tuple[str, int] | None) -> None:
    assert bind_address(text) == address


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["-leader-elect"], ["--leader-elect=true"]),
        (["--leader-elect"], ["--leader-elect=true"]),
        (["-leader-elect=false"], ["--leader-elect=false"]),
        (["--metrics-bind-address", "0"], ["--metrics-bind-address", "0"]),
        (["-zap-log-level=-1"], ["--zap-log-level=-1"]),
        (["-h"], ["-h"]),
        (["-help"], ["--help"]),
        (["-1"], ["-1"]),
        (["leader-elect"], ["leader-elect"]),
    ],
)
def test_flags_may_be_spelt_as_in_go(given: list[str], meant: list[str]) -> None:
    assert normalised(given) == meant


def test_every_flag_is_declared_with_its_default() -> None:
    parser = argparse.ArgumentParser(prog="x")
    settings.add_flags(parser)
    shown = " ".join(parser.format_help().split())
    for name in settings.flag_names():
        assert f"--{name.replace('_', '-')}" in shown
    assert "(default false)" in shown
    assert "(default :8081)" in shown
    assert vars(parser.parse_args(["--kubeconfig", "x"]))["kubeconfig"] == "x"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded().workers = 1
