"""What Connect's refusals mean, and how long they have us wait."""

import datetime
import email.utils
import time

import pytest

from onepassword_operator.connect import answers
from onepassword_operator.connect.answers import pause_seconds, retry_after_seconds, to_error
from onepassword_operator.model.errors import (
    BackendAnswerError,
    BackendDeniedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ItemNotFoundError,
    OperatorError,
    Retry,
    VaultNotFoundError,
)

VAULTS = "GET /v1/vaults"
ITEMS = "GET /v1/vaults/:uuid/items"
ITEM = f"{ITEMS}/:uuid"
CONTENT = f"{ITEM}/files/:uuid/content"
ROUTES = [VAULTS, ITEMS, ITEM, CONTENT]


@pytest.fixture(autouse=True)
def _usual_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "FIRST_PAUSE_SECONDS", 0.25)


@pytest.mark.parametrize("route", ROUTES)
def test_every_status_has_a_leaf_of_the_error_tree(route: str) -> None:
    for code in range(300, 600):
        error = to_error(code, {}, route=route)
        assert type(error).reason
        assert route in str(error)


@pytest.mark.parametrize(
    ("code", "route", "kind", "retry"),
    [
        (400, ITEM, BackendAnswerError, Retry.LATER),
        (401, VAULTS, BackendDeniedError, Retry.LATER),
        (403, ITEMS, BackendForbiddenError, Retry.LATER),
        (404, VAULTS, BackendAnswerError, Retry.LATER),
        (404, ITEMS, VaultNotFoundError, Retry.ON_CHANGE),
        (404, ITEM, ItemNotFoundError, Retry.ON_CHANGE),
        (404, CONTENT, ItemNotFoundError, Retry.ON_CHANGE),
        (407, VAULTS, BackendUnavailableError, Retry.SOON),
        (408, VAULTS, BackendUnavailableError, Retry.SOON),
        (413, CONTENT, BackendAnswerError, Retry.LATER),
        (425, VAULTS, BackendUnavailableError, Retry.SOON),
        (429, VAULTS, BackendRateLimitedError, Retry.THEN),
        (500, ITEM, BackendUnavailableError, Retry.SOON),
        (502, VAULTS, BackendUnavailableError, Retry.SOON),
        (503, VAULTS, BackendUnavailableError, Retry.SOON),
        (504, VAULTS, BackendUnavailableError, Retry.SOON),
        (307, VAULTS, BackendAnswerError, Retry.LATER),
        (501, VAULTS, BackendAnswerError, Retry.LATER),
    ],
)
def test_a_status_says_who_has_to_do_something_and_when_to_try_again(
    code: int, route: str, kind: type[OperatorError], retry: Retry
) -> None:
    error = to_error(code, {}, route=route)
    assert (type(error), error.retry) == (kind, retry)
    assert str(code) in str(error)


def test_a_refused_token_is_told_with_what_it_may_be_and_where_it_goes() -> None:
    said = str(to_error(401, {}, route=VAULTS))
    for word in ("revoked", "expired", "cut off", "encoded twice", "of another server", "OP_CONNECT_TOKEN", "OP_CONNECT_TOKEN_FILE"):
        assert word in said


def test_a_server_before_its_first_sync_says_so_and_no_other_does() -> None:
    cold = to_error(408, {}, route=VAULTS)
    assert isinstance(cold, BackendUnavailableError)
    assert cold.warming_up
    assert "has not finished its first sync" in str(cold)
    for code in (425, 500, 502, 503, 504):
        other = to_error(code, {}, route=VAULTS)
        assert isinstance(other, BackendUnavailableError)
        assert not other.warming_up


@pytest.mark.parametrize(("route", "alone"), [(VAULTS, False), (ITEMS, False), (ITEM, True), (CONTENT, True)])
def test_a_500_about_an_item_may_be_the_items_alone_and_gateways_speak_of_the_server(route: str, alone: object) -> None:
    for code, said in ((500, alone), (502, False), (503, False), (504, False)):
        error = to_error(code, {}, route=route)
        assert isinstance(error, BackendUnavailableError)
        assert error.of_one_item is said


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            (None, None),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("0", 1),
            (" 7 ", 7),
            ("86400", 300),
            ("9" * 400, 300),
            ("Mon, 01 Jan 2024 00:00:00 +9999999999999999", None),
        ],
    )
    def test_seconds_are_kept_within_reason(self, text: str | None, seconds: float | None) -> None:
        assert retry_after_seconds(text) == seconds

    def test_a_date_is_a_moment_from_now(self) -> None:
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
        assert retry_after_seconds(email.utils.format_datetime(moment, usegmt=True)) == pytest.approx(60, abs=2)
        assert retry_after_seconds(email.utils.formatdate(time.time() - 60, usegmt=True)) == 1

    def test_a_429_that_does_not_say_means_ten_seconds(self) -> None:
        for headers in ({}, {"Retry-After": "soon"}):
            assert to_error(429, headers, route=VAULTS).delay_seconds == 10

    @pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
    def test_every_passing_trouble_may_ask_for_a_pause(self, code: int) -> None:
        assert to_error(code, {"Retry-After": "7"}, route=VAULTS).delay_seconds == 7


class TestPauses:
    def test_what_was_asked_for_is_kept(self) -> None:
        assert pause_seconds(1, to_error(503, {"Retry-After": "7"}, route=VAULTS)) == 7  # type: ignore[arg-type]  # 503 is no look-up

    @pytest.mark.parametrize(("attempt", "ceiling"), [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 10.0), (1000, 10.0)])
    def test_otherwise_they_double_up_to_ten_seconds_with_full_jitter(
        self, monkeypatch: pytest.MonkeyPatch, attempt: int, ceiling: float
    ) -> None:
        for dice in (0.0, 0.5, 1.0):
            monkeypatch.setattr("random.random", lambda dice=dice: dice)
            assert pause_seconds(attempt, BackendUnavailableError("no answer")) == dice * ceiling
