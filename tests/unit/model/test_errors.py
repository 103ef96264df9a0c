"""The error tree: complete in words, and the drawing is true."""

import inspect
import re

import pytest

from onepassword_operator.model import errors


def _classes(root: type[errors.OperatorError]) -> list[type[errors.OperatorError]]:
    children = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return [root, *(below for child in children for below in _classes(child))]


TREE = _classes(errors.OperatorError)
LEAVES = [kind for kind in TREE if not kind.__subclasses__()]


@pytest.mark.parametrize("kind", TREE)
def test_a_class_is_called_an_error_and_explains_itself(kind: type[errors.OperatorError]) -> None:
    assert kind.__name__.endswith("Error")
    assert inspect.getdoc(kind) != inspect.getdoc(Exception)


def test_the_drawing_equals_the_classes() -> None:
    drawn: list[tuple[str, str]] = []
    ancestors: list[tuple[int, str]] = [(-1, "Exception")]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"( +)(\w+Error)\b", line):
            depth, name = len(match.group(1)), match.group(2)
            while ancestors[-1][0] >= depth:
                ancestors.pop()
            drawn.append((ancestors[-1][1], name))
            ancestors.append((depth, name))
    assert drawn == [(kind.__bases__[0].__name__, kind.__name__) for kind in TREE]


def test_every_error_of_the_module_is_in_the_tree() -> None:
    defined = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)}
    assert defined == set(TREE)


@pytest.mark.parametrize("leaf", [errors.BackendUnavailableError, errors.ClusterUnavailableError])
def test_an_outage_may_last_as_long_as_the_server_said(leaf: type[errors.BackendUnavailableError | errors.ClusterUnavailableError]) -> None:
    assert leaf("busy", delay_seconds=7.5).delay_seconds == 7.5


@pytest.mark.parametrize("leaf", [errors.BackendRateLimitedError, errors.AnotherOperatorActiveError])
def test_being_told_to_wait_says_how_long(leaf: type[errors.BackendRateLimitedError | errors.AnotherOperatorActiveError]) -> None:
    error = leaf("slow down", delay_seconds=7.5)
    assert (str(error), error.delay_seconds, error.retry) == ("slow down", 7.5, errors.Retry.THEN)


VERDICTS = {
    errors.Retry.SOON: {"OnePasswordUnavailable", "ClusterUnavailable", "Conflict", "Expired"},
    errors.Retry.THEN: {"RateLimited", "AnotherOperatorActive", "InternalError"},
    errors.Retry.ON_CHANGE: {
        *("InvalidItemPath", "MetadataTooLarge", "VaultNotFound", "ItemNotFound", "ItemArchived", "ItemAmbiguous"),
        *("SecretInvalid", "TypeNotAllowed", "SecretTooLarge", "NoUsableFields", "InvalidSpec"),
        *("FieldNotFound", "FieldAmbiguous", "KeyConflict", "NotText", "NotConvertible"),
    },
    errors.Retry.LATER: {
        *("Unauthorized", "AccessDenied", "OnePasswordAnswerInvalid"),
        *("ClusterAccessDenied", "Absent", "NamespaceTerminating", "QuotaExceeded", "AdmissionDenied"),
        *("TargetNotOwned", "TargetClaimed", "SecretTypeImmutable", "TargetImmutable"),
    },
}


def test_each_leaf_has_a_reason_of_its_own_and_a_retry_as_dashboards_and_people_rely_on() -> None:
    """A changed reason is a breaking change: alerts select by it."""
    for verdict, reasons in VERDICTS.items():
        assert {leaf.reason for leaf in LEAVES if leaf.retry is verdict} == reasons
    assert len(LEAVES) == sum(len(reasons) for reasons in VERDICTS.values())
    assert all("reason" in vars(leaf) for leaf in LEAVES)


def test_a_log_line_has_an_errors_reason_and_its_message() -> None:
    assert errors.ItemPathError("wrong").log_fields == {"reason": "InvalidItemPath", "detail": "wrong"}
    assert len(errors.ItemPathError("long" * 1000).log_fields["detail"]) == 1024


def test_an_internal_error_says_where_it_came_from_and_keeps_the_text_to_itself() -> None:
    error = errors.InternalError.of(KeyError("canary"))
    assert "KeyError;" in str(error)
    try:
        dict[str, str]()["canary"]
    except KeyError as raised:
        error = errors.InternalError.of(raised)
    assert re.search(r"KeyError in test_an_internal_error_\w+, line \d+;", str(error))
    assert error.__traceback__
    assert "canary" not in str(error)
