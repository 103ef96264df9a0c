"""What single values may look like."""

from typing import Any

import pydantic
import pytest

from onepassword_operator.settings import values
from onepassword_operator.settings.values import bind_address, go_boolean


def read(kind: Any, value: str) -> object:
    return pydantic.TypeAdapter[object](kind).validate_python(value)


def refused(kind: Any, value: str) -> str:
    with pytest.raises(pydantic.ValidationError) as caught:
        read(kind, value)
    return str(caught.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("text", "address"), [("0", None), ("", None), (":8081", ("", 8081)), ("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:8081", ("::1", 8081))]
)
def test_addresses_are_gos(text: str, address: tuple[str, int] | None) -> None:
    assert bind_address(text) == address


def test_booleans_are_gos() -> None:
    for meant, texts in ((True, "1 t T true TRUE True"), (False, "0 f F false FALSE False")):
        assert {read(values.GoBoolean, text) for text in texts.split()} == {go_boolean(meant)} == {meant}


@pytest.mark.parametrize("value", ["", "yes", "on", "tRUE", " true", "2"])
def test_no_other_word_is_a_boolean(value: str) -> None:
    assert refused(values.GoBoolean, value) == "Value error, must be true or false"


@pytest.mark.parametrize(("value", "seconds"), [("1", 1), ("60", 60), (" 60\n", 60), ("+5", 5), ("007", 7), ("86400", 86400)])
def test_an_interval_is_whole_seconds(value: str, seconds: int) -> None:
    assert read(values.Interval, value) == seconds


@pytest.mark.parametrize("value", ["0", "-1", "86401", "1.5", "60.0", "6_0", "1e2", "60s", "", "٣", "9" * 5000])
def test_any_other_interval_is_refused(value: str) -> None:
    assert refused(values.Interval, value)


@pytest.mark.parametrize("value", ["debug", "info", "warn", "error", "panic", "1", "127"])
def test_log_levels_are_zaps_and_warn(value: str) -> None:
    assert read(values.LogLevel, value) == value
    assert read(values.LogLevel, value.upper()) == value


@pytest.mark.parametrize("value", ["0", "-1", "loud", "", "1.5", "--5"])
def test_a_level_that_zap_refuses_is_refused(value: str) -> None:
    assert "an integer greater than 0" in refused(values.LogLevel, value)


TIMES = ["epoch", "millis", "nano", "iso8601", "rfc3339", "rfc3339nano"]


@pytest.mark.parametrize(
    ("kind", "words", "refusal"),
    [
        (values.Encoder, ["console", "json"], "must be console or json"),
        (values.StacktraceLevel, ["info", "warn", "error", "panic"], "must be info, warn, error or panic"),
        (values.TimeEncoding, TIMES, "must be epoch, millis, nano, iso8601, rfc3339 or rfc3339nano"),
    ],
)
def test_zaps_words_in_any_case_and_no_others(kind: Any, words: list[str], refusal: str) -> None:
    for word in words:
        assert read(kind, word.title()) == word
    assert refused(kind, "other") == f"Value error, {refusal}"


def test_nanos_is_what_the_official_operators_parser_wants_and_nano_what_its_help_says() -> None:
    assert read(values.TimeEncoding, "nanos") == "nano"


@pytest.mark.parametrize("value", ["http://p:3128", "https://p", "p:3128", "http://user:fake@p:3128", " http://p "])
def test_a_proxy_is_an_http_proxy(value: str) -> None:
    read(values.ProxyUrl, value)


@pytest.mark.parametrize("value", ["socks5://canary:1", "canary://p", "http://", "http://p:canary", "http://p:99999", "http://[::1"])
def test_any_other_proxy_is_refused_without_its_value(value: str) -> None:
    assert "canary" not in refused(values.ProxyUrl, value)
