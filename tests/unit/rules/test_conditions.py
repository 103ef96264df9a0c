"""What a resource's status says, and when it is left alone."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model import errors
from onepassword_operator.model.item import ABSENT, Revision, Revisions
from onepassword_operator.model.outcome import Change, Condition, Failed, Outcome, Pause, Paused, Skipped, Synced
from onepassword_operator.rules import conditions
from unit.rules import samples

BEFORE = "2024-05-01T00:00:00Z"
FACT = f'Secret "db" holds version 3 of {samples.REVISION.path}'
SYNCED = Synced(reason="", revisions=samples.HELD, change=Change.NONE)
UNREAD = dataclasses.replace(SYNCED, skipped=None)
DOWN = errors.BackendUnavailableError("no answer")
GONE = errors.ItemNotFoundError("nothing there")
EMPTY = Skipped(label="otp", why="is empty", worth_reporting=False)
ODD = Skipped(label="Ключ", why="has no character that a Secret key may have")
ODD_TOLD = '"Ключ" (has no character that a Secret key may have; rename it in 1Password)'


def _ready(status: str = "True", **changes: object) -> Condition:
    condition = Condition(type="Ready", status=status, reason="Synced", message=FACT, last_transition_time=BEFORE, observed_generation=2)
    return dataclasses.replace(condition, **changes)  # type: ignore[arg-type]  # a table of replacements


def _decided(previous: Condition | None, outcome: Outcome, *, stale: bool = False) -> Condition | None:
    return conditions.ready(samples.saying(previous), outcome, now=samples.NOW, stale=stale)


def _told(previous: Condition | None, outcome: Outcome, *, stale: bool = False) -> Condition:
    reported = _decided(previous, outcome, stale=stale)
    assert reported is not None
    return reported


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "message"),
    [
        (SYNCED, "True", "Synced", FACT),
        (UNREAD, "True", "Synced", FACT),
        (dataclasses.replace(SYNCED, warning="2 items"), "True", "Synced", f"{FACT}; 2 items"),
        (dataclasses.replace(SYNCED, skipped=conditions.skipped([EMPTY])), "True", "Synced", FACT),
        (dataclasses.replace(SYNCED, skipped=conditions.skipped([EMPTY, ODD])), "True", "FieldsSkipped", f"{FACT}, without {ODD_TOLD}"),
        (dataclasses.replace(SYNCED, skipped=ODD_TOLD, warning="2 items"), "True", "FieldsSkipped", f"{FACT}, without {ODD_TOLD}; 2 items"),
        (Failed(DOWN), "False", "OnePasswordUnavailable", "no answer"),
        (Failed(GONE), "False", "ItemNotFound", "nothing there"),
    ],
)
def test_the_first_condition_tells_what_the_pass_came_to(outcome: Outcome, status: str, reason: str, message: str) -> None:
    assert _decided(None, outcome) == Condition(
        type="Ready", status=status, reason=reason, message=message, last_transition_time=samples.NOW, observed_generation=2
    )


FROZEN, SUSPENDED = (Paused(pause=pause, message="text") for pause in (Pause.FROZEN, Pause.SUSPENDED))


@pytest.mark.parametrize("previous", [None, _ready(), _ready("False"), _ready("Unknown")])
def test_a_frozen_secret_is_ready_as_it_is(previous: Condition | None) -> None:
    reported = _told(previous, FROZEN)
    assert (reported.status, reported.reason, reported.message) == ("True", "Frozen", "text")


@pytest.mark.parametrize(
    ("previous", "status", "since"),
    [
        (None, "Unknown", samples.NOW),
        (_ready(), "True", BEFORE),
        (_ready("False"), "False", BEFORE),
        (_ready("Unknown"), "Unknown", BEFORE),
    ],
)
def test_a_suspended_resource_keeps_its_status(previous: Condition | None, status: str, since: str) -> None:
    reported = _told(previous, SUSPENDED)
    assert (reported.status, reported.reason, reported.last_transition_time) == (status, "Suspended", since)


@pytest.mark.parametrize("pause", Pause)
def test_a_pause_is_told_even_if_1password_is_out_of_reach_and_cut_to_what_the_api_takes(pause: Pause) -> None:
    assert len(_told(_ready(), Paused(pause=pause, message="x" * 5000), stale=True).message) == 1024


@pytest.mark.parametrize(
    ("carried", "last_good", "reports"),
    [
        (_ready(), None, True),
        (_ready("False"), None, False),
        (_ready("False", message="down"), _ready(), True),
        (_ready(message=FACT.replace("version 3", "version 2")), None, False),
        (None, None, False),
    ],
)
def test_a_resource_tells_what_its_secret_holds_or_told_it_before_an_outage(
    carried: Condition | None, last_good: Condition | None, reports: object
) -> None:
    assert conditions.reports(samples.saying(carried), samples.HELD, last_good=last_good) is reports


@pytest.mark.parametrize(
    ("count", "ending"), [(1, "in 1Password)"), (5, "in 1Password)"), (6, "in 1Password) and 1 more"), (20, "in 1Password) and 15 more")]
)
def test_at_most_five_skipped_labels_are_named_by_their_beginning_and_the_rest_counted(count: int, ending: str) -> None:
    reported = _told(None, dataclasses.replace(SYNCED, skipped=conditions.skipped([ODD] * count)))
    assert "; ".join([ODD_TOLD] * min(count, 5)) in reported.message
    assert reported.message.count("Ключ") == min(count, 5)
    assert reported.message.endswith(ending)
    long = Skipped(label="ä" * 1000, why="is odd" * 1000)
    assert f'"{"ä" * 60}" (' in conditions.skipped([long])
    assert len(conditions.skipped([EMPTY, *[long] * count])) == 1024  # what is kept for each Secret


@pytest.mark.parametrize(("length", "shown"), [(1024, "x" * 1024), (1025, "x" * 1023 + "…"), (100_000, "x" * 1023 + "…")])
def test_a_message_has_at_most_1024_characters(length: int, shown: str) -> None:
    assert _told(None, Failed(errors.ItemNotFoundError("x" * length))).message == shown


@pytest.mark.parametrize(
    ("previous", "outcome", "transition"),
    [
        (None, SYNCED, samples.NOW),
        (_ready("True", message="old"), SYNCED, BEFORE),
        (_ready("True", message="old", last_transition_time=""), SYNCED, samples.NOW),
        (_ready("False"), SYNCED, samples.NOW),
        (_ready("Unknown"), SYNCED, samples.NOW),
        (_ready("True"), Failed(GONE), samples.NOW),
        (_ready("False"), Failed(GONE), BEFORE),
    ],
)
def test_the_transition_time_moves_only_with_the_status(previous: Condition | None, outcome: Outcome, transition: str) -> None:
    assert _told(previous, outcome).last_transition_time == transition


@pytest.mark.parametrize(
    ("previous", "outcome"),
    [
        (_ready(), SYNCED),
        (_ready(), UNREAD),
        (_ready(reason="", observed_generation=None), SYNCED),
        (_ready(reason="", observed_generation=None), UNREAD),
        (_ready("False", reason="ItemNotFound", message="nothing there"), Failed(GONE)),
        (_ready("False", reason="", message="nothing there", observed_generation=None), Failed(GONE)),
    ],
)
def test_a_status_that_says_so_already_is_not_written(previous: Condition, outcome: Outcome) -> None:
    """The CRD of the official operator keeps neither reason nor observedGeneration; what it drops is not written for ever."""
    assert _decided(previous, outcome) is None


@pytest.mark.parametrize(
    "previous",
    [
        _ready("False"),
        _ready(reason="FieldsSkipped", message=f"{FACT}, without {ODD_TOLD}"),
        _ready(message="another"),
        _ready(message=""),
        _ready(reason="FieldsSkipped"),
        _ready(reason=""),
        _ready(observed_generation=1),
        _ready(observed_generation=None),
        _ready(reason="", observed_generation=None, message=""),
        _ready("False", reason="", observed_generation=None),
    ],
)
def test_a_status_that_says_something_else_is_written(previous: Condition) -> None:
    reported = _told(previous, SYNCED)
    assert (reported.status, reported.reason, reported.message, reported.observed_generation) == ("True", "Synced", FACT, 2)


TRANSIENT = [
    DOWN,
    errors.BackendRateLimitedError("slow", delay_seconds=1.0),
    errors.BackendAnswerError("what?"),
    errors.ClusterUnavailableError("no answer"),
    errors.ClusterConflictError("changed"),
]
LASTING = [
    GONE,
    errors.BackendDeniedError("no"),
    errors.BackendForbiddenError("no"),
    errors.ClusterDeniedError("no"),
    errors.ItemPathError("?"),
]


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda error: error.reason)
@pytest.mark.parametrize("generation", [None, 2])
def test_a_blip_says_nothing_about_a_resource_that_was_in_sync(error: errors.OperatorError, generation: int | None) -> None:
    assert _decided(_ready(observed_generation=generation), Failed(error)) is None


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda error: error.reason)
@pytest.mark.parametrize(
    ("previous", "stale"),
    [(None, False), (_ready("False"), False), (_ready(observed_generation=1), False), (_ready(), True)],
    ids=["new", "failed before", "changed since", "out of reach for too long"],
)
def test_a_blip_is_told_to_whoever_is_owed_an_answer(error: errors.OperatorError, previous: Condition | None, *, stale: bool) -> None:
    reported = _told(previous, Failed(error), stale=stale)
    assert (reported.status, reported.reason) == ("False", error.reason)


@pytest.mark.parametrize("error", LASTING, ids=lambda error: error.reason)
def test_what_does_not_pass_by_itself_is_told_at_once(error: errors.OperatorError) -> None:
    reported = _told(_ready(), Failed(error))
    assert (reported.status, reported.reason, reported.last_transition_time) == ("False", error.reason, samples.NOW)


SKIPS = f"{FACT}, without {ODD_TOLD}"


@pytest.mark.parametrize(
    ("previous", "reason", "message"),
    [
        (_ready(reason="FieldsSkipped", message=SKIPS, observed_generation=1), "FieldsSkipped", SKIPS),
        (_ready(message=f"{FACT}; 2 items", observed_generation=1), "Synced", f"{FACT}; 2 items"),
        (_ready(message=FACT.replace("version 3", "version 2"), reason="FieldsSkipped"), "Synced", FACT),
        (_ready("False", reason="FieldsSkipped", message=SKIPS), "Synced", FACT),
        (None, "Synced", FACT),
    ],
)
def test_what_was_told_about_a_revision_stays_told_while_its_item_is_not_read_again(
    previous: Condition | None, reason: str, message: str
) -> None:
    reported = _told(previous, UNREAD)
    assert (reported.status, reported.reason, reported.message, reported.observed_generation) == ("True", reason, message, 2)


FAILURES = st.builds(Failed, st.sampled_from([*TRANSIENT, *LASTING]))
PAUSES = st.builds(Paused, pause=st.sampled_from(Pause), message=st.just("text"), change=st.sampled_from(Change))
SYNCS = st.builds(
    Synced,
    revisions=st.sampled_from([samples.HELD, samples.NEXT]),
    change=st.sampled_from(Change),
    skipped=st.none() | st.lists(st.sampled_from([EMPTY, ODD]), max_size=7).map(conditions.skipped),
    warning=st.sampled_from(["", "2 items"]),
)
OUTCOMES = FAILURES | PAUSES | SYNCS
PREVIOUS = st.none() | st.builds(
    Condition,
    type=st.just("Ready"),
    status=st.sampled_from(["True", "False", "Unknown"]),
    reason=st.sampled_from(["", "Synced", "FieldsSkipped", "ItemNotFound"]),
    message=st.sampled_from(["", FACT, SKIPS, "nothing there"]),
    last_transition_time=st.sampled_from(["", BEFORE]),
    observed_generation=st.sampled_from([None, 1, 2]),
)


@given(previous=PREVIOUS, outcome=OUTCOMES, stale=st.booleans(), pruned=st.booleans())
def test_once_written_a_condition_is_not_written_again(previous: Condition | None, outcome: Outcome, *, stale: bool, pruned: bool) -> None:
    reported = _decided(previous, outcome, stale=stale)
    if reported is not None:
        kept = dataclasses.replace(reported, reason="", observed_generation=None) if pruned else reported
        assert conditions.ready(samples.saying(kept), outcome, now="2099-01-01T00:00:00Z", stale=stale) is None


@given(previous=PREVIOUS, outcome=FAILURES | SYNCS, stale=st.booleans())
def test_the_status_is_true_exactly_if_the_secret_is_in_sync(previous: Condition | None, outcome: Outcome, *, stale: bool) -> None:
    reported = _decided(previous, outcome, stale=stale)
    if reported is not None:
        assert reported.status == ("True" if isinstance(outcome, Synced) else "False")
        assert reported.last_transition_time


def test_a_secret_of_many_items_is_told_in_words_that_are_short_and_differ_for_each_version_of_each() -> None:
    many = Revisions(dataclasses.replace(samples.REVISION, item_id=f"{number:026}") for number in range(32))
    told = [_told(None, dataclasses.replace(SYNCED, revisions=many.having(Revision(*many[at].item, 9), at=at))) for at in (0, 31)]
    assert told[0].message != told[1].message
    assert all("28 more items" in each.message and len(each.message) < 1024 for each in told)
    unread = dataclasses.replace(UNREAD, revisions=many.having(Revision(*many[31].item, 9), at=31))
    assert _decided(told[1], unread) is None


@pytest.mark.parametrize(
    ("outcome", "facts"),
    [
        (SYNCED, {"itemVersion": 3}),
        (dataclasses.replace(SYNCED, change=Change.RETOUCHED), {"itemVersion": 3}),
        (dataclasses.replace(SYNCED, change=Change.REPAIRED), {"itemVersion": 3, "lastChangeTime": samples.NOW}),
        (dataclasses.replace(SYNCED, revisions=Revisions(samples.HELD * 2)), {"itemVersion": 3}),  # by itself and by reference
        (dataclasses.replace(SYNCED, revisions=Revisions((*samples.HELD, ABSENT))), {"itemVersion": None}),
        (Failed(GONE), {}),
    ],
)
def test_besides_the_condition_a_status_names_the_secret_and_what_it_holds(outcome: Outcome, facts: dict[str, object]) -> None:
    found = conditions.facts(samples.CLAIM, outcome, now=samples.NOW)
    assert found == {"observedGeneration": samples.CLAIM.generation, "secretName": "db", **facts}
