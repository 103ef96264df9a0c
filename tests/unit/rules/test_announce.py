"""What Warning Events say."""

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    BackendRateLimitedError,
    BackendUnavailableError,
    ItemNotFoundError,
    OperatorError,
    TargetClaimedError,
)
from onepassword_operator.rules import announce
from unit.rules import samples

DEPLOYMENT = samples.claim(kind="Deployment", name="api")
ERRORS = [
    ItemNotFoundError("no such item"),
    TargetClaimedError("taken"),
    BackendUnavailableError("no answer"),
    BackendRateLimitedError("slow down", delay_seconds=1),
]


@pytest.mark.parametrize("error", ERRORS)
def test_a_resource_is_told_by_the_errors_own_reason_and_words(error: OperatorError) -> None:
    assert announce.warning(samples.CLAIM, error) == (error.reason, str(error))


@pytest.mark.parametrize("error", ERRORS[:-1])
def test_a_deployment_is_told_by_the_official_operators_reason_and_beginning(error: OperatorError) -> None:
    assert announce.warning(DEPLOYMENT, error) == ("ReconcileError", f"Failed to sync secret from 1Password: {error} ({error.reason})")


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("spec.itemPath is empty; set it to x", "the annotation operator.1password.io/item-path is empty; set it to x"),
        (
            'itemPath "my itemPath" must have the form x',
            'the annotation operator.1password.io/item-path "my itemPath" must have the form x',
        ),
        (f"set its ID as itemPath, or change the annotation {names.REFRESH} to take it", f"set its ID as the annotation {names.ITEM_PATH}"),
        (
            f'item "itemPath, or change the annotation {names.REFRESH} to x" is gone',
            f'item "itemPath, or change the annotation {names.REFRESH} to x" is gone',
        ),
    ],
)
def test_a_deployment_reads_of_its_annotations_and_a_resource_of_its_spec(said: str, heard: str) -> None:
    assert announce.words(DEPLOYMENT, ItemNotFoundError(said)) == heard
    assert announce.words(samples.CLAIM, ItemNotFoundError(said)) == said


def test_a_rate_limit_has_a_reason_of_its_own() -> None:
    reason, message = announce.warning(DEPLOYMENT, ERRORS[-1])
    assert (reason, message) == ("RateLimited", "Failed to sync secret from 1Password: slow down (RateLimited)")
