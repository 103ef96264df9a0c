"""Which workloads restart, for which Secrets, and that it happens once."""

import dataclasses
import datetime
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onepassword_operator.model import names
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.workload import RestartMark, Workload
from onepassword_operator.rules import restart
from unit.rules.samples import BARE_WORKLOAD

TIME = "2024-06-01T12:00:00Z"
LATER = "2024-06-01T12:30:00Z"
MARK = RestartMark("v/i@3", TIME)
OTHER_MARK = RestartMark("v/j@9", LATER)
EVERYBODY = restart.Levels(namespace=None, operator=True)
NOBODY = restart.Levels(namespace=None, operator=False)
WORKLOAD = dataclasses.replace(BARE_WORKLOAD, created_at="2024-01-01T00:00:00Z", secrets=frozenset({"db", "cache"}))


def _pending(*marks: tuple[str, RestartMark], setting: str | None = None) -> dict[str, restart.PendingSecret]:
    return {name: restart.PendingSecret(name=name, mark=mark, auto_restart=setting) for name, mark in marks}


DB = _pending(("db", MARK))
BOTH = _pending(("db", MARK), ("cache", OTHER_MARK))


def _annotated(restarted_for: str, last: str | None = LATER) -> Workload:
    return dataclasses.replace(
        WORKLOAD, template_annotations={names.RESTARTED_FOR: restarted_for} | ({names.LAST_RESTARTED: last} if last is not None else {})
    )


@pytest.mark.parametrize(
    ("pending", "secrets", "restarted_for", "time"),
    [(DB, ("db",), '{"db":"v/i@3"}', TIME), (BOTH, ("cache", "db"), '{"cache":"v/j@9","db":"v/i@3"}', LATER)],
)
def test_a_user_of_changed_secrets_is_restarted_once_with_their_revisions_and_the_time_of_the_newest_change(
    pending: dict[str, restart.PendingSecret], secrets: tuple[str, ...], restarted_for: str, time: str
) -> None:
    annotations = {names.RESTARTED_FOR: restarted_for, names.LAST_RESTARTED: time}
    assert restart.decide(WORKLOAD, pending, levels=EVERYBODY) == restart.Restart(secrets=secrets, record=annotations)


@pytest.mark.parametrize(
    ("workload", "pending"),
    [
        (WORKLOAD, {}),
        (WORKLOAD, _pending(("other", MARK))),
        (dataclasses.replace(WORKLOAD, secrets=frozenset()), DB),
        (dataclasses.replace(WORKLOAD, terminating=True), DB),
        (_annotated('{"db":"v/i@3"}', TIME), DB),
        (_annotated('{"cache":"v/j@9","db":"v/i@3"}'), BOTH),
    ],
)
def test_who_does_not_use_it_is_going_or_was_restarted_for_it_is_left_alone(
    workload: Workload, pending: dict[str, restart.PendingSecret]
) -> None:
    assert restart.decide(workload, pending, levels=EVERYBODY) is None


def test_only_what_is_due_is_a_reason_and_what_was_done_stays_recorded_as_long_as_it_is_used() -> None:
    decided = restart.decide(_annotated('{"gone":"v/x@1","db":"v/i@3"}'), BOTH, levels=EVERYBODY)
    assert decided is not None
    assert decided.secrets == ("cache",)
    assert decided.record[names.RESTARTED_FOR] == '{"cache":"v/j@9","db":"v/i@3"}'


@pytest.mark.parametrize(
    ("revision", "last"),
    [*((revision, LATER) for revision in ("v/i@2", "v/i@4", "v/k@3", "w/i@3", "")), ("v/i@3", "2024-06-01T11:59:59Z"), ("v/i@3", None)],
)
def test_a_restart_for_another_revision_or_before_the_secret_had_this_one_again_does_not_count(revision: str, last: str | None) -> None:
    assert restart.decide(_annotated(json.dumps({"db": revision}), last), DB, levels=EVERYBODY) is not None


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2024-06-01T11:59:59Z", TIME),
        ("2024-06-01T12:00:01Z", "2024-06-01T12:00:01Z"),
        ("2024-06-01T15:00:00+02:00", "2024-06-01T15:00:00+02:00"),
        ("2024-06-01T13:00:00+02:00", TIME),
        ("yesterday", TIME),
        ("", TIME),
    ],
)
def test_the_time_of_the_last_restart_is_never_lowered(last: str, expected: str) -> None:
    decided = restart.decide(_annotated("{}", last), DB, levels=EVERYBODY)
    assert decided is not None
    assert decided.record[names.LAST_RESTARTED] == expected


@pytest.mark.parametrize(
    ("created_at", "due"),
    [
        ("2024-06-01T11:00:00Z", True),
        (TIME, True),
        ("2024-06-01T12:00:35Z", True),
        ("2024-06-01T12:00:36Z", False),
        ("2024-06-01T14:00:35+02:00", True),
        ("2024-06-01T12:00:36", False),
        ("2025-01-01T00:00:00Z", False),
        ("", True),
        ("some day", True),
    ],
)
def test_a_workload_created_when_the_write_was_over_for_sure_started_with_it(created_at: str, *, due: bool) -> None:
    """What is not a time counts as long ago: it can cause a restart, never lose one."""
    assert (restart.decide(dataclasses.replace(WORKLOAD, created_at=created_at), DB, levels=EVERYBODY) is not None) is due


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "soon"]
)
@pytest.mark.parametrize("created_at", ["2024-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", ""])
def test_a_mark_that_was_edited_to_the_end_of_time_is_no_accident(time: str, created_at: str) -> None:
    pending = _pending(("db", dataclasses.replace(MARK, time=time)))
    decided = restart.decide(dataclasses.replace(WORKLOAD, created_at=created_at), pending, levels=EVERYBODY)
    assert decided is None or decided.secrets == ("db",)


NOTHING = ["", "null", "[]", "3", '"db"', "{", "{]", '{"db":3}', '{"db":null}', "[" * 100_000, "9" * 5000, "nonsense"]


@pytest.mark.parametrize("text", NOTHING, ids=lambda text: text[:8])
def test_an_unreadable_record_counts_as_never_restarted(text: str) -> None:
    assert restart.parse_restarted_for(text) == {}
    assert restart.decide(_annotated(text), DB, levels=EVERYBODY) is not None


@pytest.mark.parametrize(("text", "record"), [(None, {}), ("{}", {}), ('{"db":"v/i@3","x":1}', {"db": "v/i@3"})])
def test_a_readable_record_is_read(text: str | None, record: dict[str, str]) -> None:
    assert restart.parse_restarted_for(text) == record


@pytest.mark.official(*range(33, 39), 41, 42)
@pytest.mark.parametrize(
    ("secret", "workload", "namespace", "operator", "restarts"),
    [
        (None, None, None, True, True),
        (None, None, None, False, False),
        (None, None, "true", False, True),
        (None, None, "false", True, False),
        (None, "true", "false", False, True),
        (None, "false", "true", True, False),
        ("true", "false", "false", False, True),
        ("false", "true", "true", True, False),
        ("", "", "", True, True),
        ("", "true", None, False, True),
        ("", "", "true", False, True),
        ("yes", "true", "true", True, False),
        (None, "on", "true", True, False),
        (None, None, "enabled", True, False),
    ],
)
def test_the_first_level_that_is_set_decides_and_nonsense_means_no(
    secret: str | None, workload: str | None, namespace: str | None, *, operator: bool, restarts: bool
) -> None:
    annotated = dataclasses.replace(WORKLOAD, annotations={names.AUTO_RESTART: workload} if workload is not None else {})
    levels = restart.Levels(namespace=namespace, operator=operator)
    assert restart.may_restart(secret, annotated, levels=levels) is restarts
    pending = {"db": restart.PendingSecret(name="db", mark=MARK, auto_restart=secret)}
    assert (restart.decide(annotated, pending, levels=levels) is not None) is restarts


@pytest.mark.parametrize(
    ("value", "restarts"),
    [("1", True), ("t", True), ("T", True), ("TRUE", True), ("tRuE", True), ("0", False), ("f", False), (" true", False), ("yes", False)],
)
def test_a_level_is_a_boolean_in_gos_words_without_case(value: str, *, restarts: bool) -> None:
    assert restart.may_restart(value, WORKLOAD, levels=NOBODY) is restarts


def test_each_secret_has_its_own_say_and_the_pod_template_has_none() -> None:
    workload = dataclasses.replace(WORKLOAD, template_annotations={names.AUTO_RESTART: "true"})
    assert not restart.may_restart(None, workload, levels=NOBODY)
    pending = _pending(("db", MARK), setting="true") | _pending(("cache", OTHER_MARK), setting="false")
    decided = restart.decide(WORKLOAD, pending, levels=EVERYBODY)
    assert decided is not None
    assert decided.secrets == ("db",)


MOMENTS = st.datetimes(min_value=datetime.datetime(2020, 1, 1), max_value=datetime.datetime(2030, 1, 1))  # noqa: DTZ001  Hypothesis wants them bare
TIMES = MOMENTS.map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
WILD_TIMES = TIMES | st.text(max_size=8) | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
SETTINGS = st.sampled_from([None, "", "true", "false", "maybe"])
REVISIONS = st.lists(st.builds(Revision, st.just("v"), st.sampled_from("ij"), st.integers(1, 3)), min_size=1, max_size=2).map(Revisions)
PENDING = st.dictionaries(
    st.sampled_from(["db", "cache", "other"]), st.tuples(st.builds(RestartMark, REVISIONS.map(str), WILD_TIMES), SETTINGS), max_size=3
).map(lambda drawn: {name: restart.PendingSecret(name=name, mark=mark, auto_restart=own) for name, (mark, own) in drawn.items()})
WORKLOADS = st.builds(
    lambda created_at, own, done, last: dataclasses.replace(
        WORKLOAD,
        created_at=created_at,
        annotations={names.AUTO_RESTART: own} if own is not None else {},
        template_annotations={names.RESTARTED_FOR: done, names.LAST_RESTARTED: last},
    ),
    WILD_TIMES,
    SETTINGS,
    st.sampled_from(["", "{}", '{"db":"v/i@3"}', '{"cache":"v/j@1","x":"y"}', "nonsense"]),
    WILD_TIMES,
)
LEVELS = st.builds(restart.Levels, namespace=SETTINGS, operator=st.booleans())


@given(workload=WORKLOADS, pending=PENDING, levels=LEVELS)
def test_after_its_annotations_are_applied_nothing_is_due(
    workload: Workload, pending: dict[str, restart.PendingSecret], levels: restart.Levels
) -> None:
    decided = restart.decide(workload, pending, levels=levels)
    if decided is not None:
        assert decided.secrets
        applied = {**workload.template_annotations, **decided.record}
        assert restart.decide(dataclasses.replace(workload, template_annotations=applied), pending, levels=levels) is None


@given(mark=MOMENTS, seconds=st.integers(-100, 100), pending=PENDING)
@example(mark=datetime.datetime(2024, 1, 1), seconds=35, pending={})  # noqa: DTZ001
@example(mark=datetime.datetime(2024, 1, 1), seconds=36, pending={})  # noqa: DTZ001
def test_a_workload_is_due_for_a_change_unless_it_is_younger_than_the_longest_write(
    mark: datetime.datetime, seconds: int, pending: dict[str, restart.PendingSecret]
) -> None:
    when = mark.replace(microsecond=0)
    created = when + datetime.timedelta(seconds=seconds)
    own = restart.PendingSecret(name="db", mark=dataclasses.replace(MARK, time=when.isoformat() + "Z"), auto_restart="true")
    decided = restart.decide(dataclasses.replace(WORKLOAD, created_at=created.isoformat() + "Z"), pending | {"db": own}, levels=NOBODY)
    assert (decided is not None and "db" in decided.secrets) is (seconds <= 35)
