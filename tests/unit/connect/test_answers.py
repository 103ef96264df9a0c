"""What Connect's refusals mean, and how long they have us wait."""

import datetime
import email.utils
import time

import pytest

from onepassword_operator.connect import answers, asked
from onepassword_operator.connect.answers import pause_seconds, retry_after_seconds, to_error
from onepassword_operator.connect.asked import Asked
from onepassword_operator.model import errors
from onepassword_operator.model.errors import BackendAnswerError, BackendUnavailableError, Retry

VAULTS, ITEMS, ITEM, CONTENT = (Asked(route, "http://connect.example") for route in (asked.VAULTS, asked.ITEMS, asked.ITEM, asked.FILE))


def outage(code: int, call: Asked = VAULTS, *, headers: dict[str, str] | None = None) -> BackendUnavailableError:
    error = to_error(code, headers or {}, asked=call)
    assert isinstance(error, BackendUnavailableError)
    return error


@pytest.mark.parametrize(
    ("call", "codes", "kind", "retry"),
    [
        (VAULTS, [404, 307, 501], BackendAnswerError, Retry.LATER),
        (ITEM, [400], BackendAnswerError, Retry.LATER),
        (CONTENT, [413], BackendAnswerError, Retry.LATER),
        (VAULTS, [401], errors.BackendDeniedError, Retry.LATER),
        (ITEMS, [403], errors.BackendForbiddenError, Retry.LATER),
        (ITEMS, [404], errors.VaultNotFoundError, Retry.ON_CHANGE),
        (ITEM, [404], errors.ItemNotFoundError, Retry.ON_CHANGE),
        (CONTENT, [404], errors.ItemNotFoundError, Retry.ON_CHANGE),
        (VAULTS, [429], errors.BackendRateLimitedError, Retry.THEN),
        (VAULTS, [407, 408, 425, 502, 503, 504], BackendUnavailableError, Retry.SOON),
        (ITEM, [500], BackendUnavailableError, Retry.SOON),
    ],
)
def test_a_status_says_whose_matter_it_is_and_when_to_try_again(
    call: Asked, codes: list[int], kind: type[errors.OperatorError], retry: Retry
) -> None:
    for code in codes:
        error = to_error(code, {}, asked=call)
        assert (type(error), error.retry) == (kind, retry)
        assert str(code) in str(error)


def test_a_refused_token_is_told_with_what_it_may_be_and_where_it_goes() -> None:
    said = str(to_error(401, {}, asked=VAULTS))
    for word in ("revoked", "expired", "cut off", "encoded twice", "of another server", "OP_CONNECT_TOKEN", "OP_CONNECT_TOKEN_FILE"):
        assert word in said


def test_a_server_before_its_first_sync_says_so_and_no_other_does() -> None:
    assert "has not finished its first sync" in str(outage(408))
    assert [code for code in (408, 425, 500, 502, 503, 504) if outage(code).warming_up] == [408]


@pytest.mark.parametrize(("call", "alone"), [(VAULTS, []), (ITEMS, []), (ITEM, [500]), (CONTENT, [500])])
def test_a_500_about_an_item_may_be_the_items_alone_and_gateways_speak_of_the_server(call: Asked, alone: list[int]) -> None:
    assert [code for code in (500, 502, 503, 504) if outage(code, call).of_one_item] == alone


class TestRetryAfter:
    @pytest.mark.parametrize("text", [None, "", "soon", "-5", "Mon, 01 Jan 2024 00:00:00 +9999999999999999"])
    def test_what_is_neither_seconds_nor_a_date_asks_for_nothing(self, text: str | None) -> None:
        assert retry_after_seconds(text) is None

    @pytest.mark.parametrize(("text", "seconds"), [("0", 1), (" 7 ", 7), ("86400", 300), ("9" * 400, 300)])
    def test_seconds_are_kept_within_reason(self, text: str, seconds: float) -> None:
        assert retry_after_seconds(text) == seconds

    def test_a_date_is_a_moment_from_now(self) -> None:
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
        assert retry_after_seconds(email.utils.format_datetime(moment, usegmt=True)) == pytest.approx(60, abs=2)
        assert retry_after_seconds(email.utils.formatdate(time.time() - 60, usegmt=True)) == 1

    def test_every_passing_trouble_may_ask_for_a_pause_and_a_429_that_does_not_means_ten_seconds(self) -> None:
        for code in (408, 425, 429, 500, 502, 503, 504):
            assert to_error(code, {"Retry-After": "7"}, asked=VAULTS).delay_seconds == 7
        for headers in ({}, {"Retry-After": "soon"}):
            assert to_error(429, headers, asked=VAULTS).delay_seconds == 10


class TestPauses:
    def test_what_was_asked_for_is_kept(self) -> None:
        assert pause_seconds(1, outage(503, headers={"Retry-After": "7"})) == 7

    @pytest.mark.parametrize(("attempt", "ceiling"), [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 10.0), (1000, 10.0)])
    def test_otherwise_they_double_up_to_ten_seconds_and_are_spread(
        self, monkeypatch: pytest.MonkeyPatch, attempt: int, ceiling: float
    ) -> None:
        monkeypatch.setattr(answers, "FIRST_PAUSE_SECONDS", 0.25)
        for dice in (0.0, 0.5, 1.0):
            monkeypatch.setattr("random.random", lambda dice=dice: dice)
            assert pause_seconds(attempt, BackendUnavailableError("no answer")) == dice * ceiling


def test_a_server_that_is_none_of_connects_is_told_with_the_setting_and_may_want_tls() -> None:
    for code in (400, 404, 418, 501):
        said = str(to_error(code, {}, asked=VAULTS))
        assert f"the server answered {code}, which Connect does not; check that OP_CONNECT_HOST is a Connect server" in said
        assert ("begin it with https://" in said) == (code == 400)
