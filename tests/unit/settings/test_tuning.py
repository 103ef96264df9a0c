"""Settings of pace: what they are if nobody says, and what they may be."""

import datetime
import zoneinfo

import pydantic
import pytest

from onepassword_operator.rules.restart_window import RestartWindow
from onepassword_operator.settings.tuning import PREFIX, TuningSettings


def test_what_they_are_if_nobody_says() -> None:
    read = TuningSettings()
    assert (read.restarts_per_second, read.connect_requests_per_minute, read.workers, read.resync_seconds) == (10.0, 0, 16, 600.0)
    assert read.watches_secrets
    assert read.restart_on == "version"
    assert ([kind.kind for kind in read.kinds], read.window) == (["Deployment"], None)


def test_kinds_are_named_as_kubernetes_spells_them_in_any_case_and_once() -> None:
    read = TuningSettings.model_validate({PREFIX + "WORKLOAD_KINDS": " statefulset, CronJob,StatefulSet,"})
    assert [kind.kind for kind in read.kinds] == ["StatefulSet", "CronJob"]


def test_a_restart_window_has_two_times_and_a_zone() -> None:
    window = TuningSettings.model_validate({PREFIX + "RESTART_WINDOW": " 22:30-04:00 Europe/Berlin "}).window
    assert window == RestartWindow(datetime.time(22, 30), datetime.time(4), zoneinfo.ZoneInfo("Europe/Berlin"), "22:30-04:00 Europe/Berlin")


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
