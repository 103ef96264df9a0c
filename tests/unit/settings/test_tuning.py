"""Settings of pace: what they are if nobody says, and what they may be."""

import pydantic
import pytest

from onepassword_operator.settings.tuning import PREFIX, TuningSettings


def test_what_they_are_if_nobody_says() -> None:
    read = TuningSettings()
    assert (read.restarts_per_second, read.connect_requests_per_minute, read.workers, read.resync_seconds) == (10.0, 0, 16, 600.0)
    assert read.watches_secrets
    assert read.restart_on == "version"


@pytest.mark.parametrize("text", ["off", "OFF"])
def test_secrets_are_not_watched_if_it_is_said(text: str) -> None:
    assert not TuningSettings.model_validate({PREFIX + "SECRET_WATCH": text}).watches_secrets


def test_a_minute_has_no_limit_or_one_that_leaves_room_for_more_than_polls() -> None:
    name = PREFIX + "CONNECT_REQUESTS_PER_MINUTE"
    for number in ("0", "10", "100000"):
        assert TuningSettings.model_validate({name: number}).connect_requests_per_minute == int(number)
    for number in ("1", "9", "-1", "1.5"):
        with pytest.raises(pydantic.ValidationError):
            TuningSettings.model_validate({name: number})
