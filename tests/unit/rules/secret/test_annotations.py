"""What is said of annotations that mean nothing."""

import pytest

from onepassword_operator.model import bounds, names
from onepassword_operator.model.workload_kind import DEPLOYMENT
from onepassword_operator.rules.secret.annotations import of_resource
from onepassword_operator.rules.secret.workload_claim import advice

PREFIX = names.PREFIX
BOTH = {"item-path": "vaults/v/items/i", "item-name": "db"}


def annotated(**named: str) -> dict[str, str]:
    return {PREFIX + name: value for name, value in named.items()}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"suspend": "yes"}, 'suspend is "yes", which counts as "false"; write "true" or "false"'),
        ({"auto-restart": "enabled"}, 'auto-restart is "enabled", which counts as "false"; write "true" or "false"'),
        ({"suspend": "a\nb" + "x" * 100}, 'suspend is "' + r"a\nb" + "x" * 57 + '", which counts'),
        ({"suspended": "true"}, f"suspended means nothing; did you mean {PREFIX}suspend?"),
        ({"auto-restart-now": "true"}, f"auto-restart-now means nothing; did you mean {PREFIX}auto-restart?"),
        ({"autorestart": "true"}, f"autorestart means nothing; did you mean {PREFIX}auto-restart?"),
    ],
)
def test_what_means_nothing_on_a_resource_is_said_with_what_does(given: dict[str, str], said: str) -> None:
    (message,) = of_resource(annotated(**given))
    assert message.startswith(f"annotation {PREFIX}{said}")


@pytest.mark.parametrize(
    "given",
    [{name: value} for name in ("suspend", "auto-restart") for value in ("", "true", "False", "T", "1", "0")]
    + [{"refresh": "anything"}, {"of-another-tool": "yes"}, BOTH, {"seal": "x"}, {"last-restarted": "x"}],
)
def test_nothing_is_said_of_what_the_operator_knows_or_of_what_may_be_anothers(given: dict[str, str]) -> None:
    assert of_resource(annotated(**given) | {"example.com/suspend": "yes", "suspended": "true"}) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"auto-restart": "yes"}, 'auto-restart is "yes", which counts as "false"'),
        ({"suspend": "true"} | BOTH, "suspend has no effect on a Deployment, only on a OnePasswordItem"),
        ({"refresh": "now"}, "refresh has no effect on a Deployment"),
        ({"item-path": "vaults/v/items/i"}, f"item-path alone asks for no Secret; name the Secret in the annotation {PREFIX}item-name"),
        ({"item-path": "vaults/v/items/i", "item-name": "___"}, "item-path alone asks for no Secret"),
        ({"item_path": "vaults/v/items/i", "item-name": "db"}, f"item_path means nothing; did you mean {PREFIX}item-path?"),
        (BOTH | {"auto-restart": "true"}, None),
        ({"item-name": "db"}, None),  # it asks for a Secret, and is told of the path by the failure
    ],
)
def test_what_means_nothing_on_a_deployment_is_said_with_what_does(given: dict[str, str], said: str | None) -> None:
    messages = advice(annotated(**given), {}, kind=DEPLOYMENT, secrets=())
    assert len(messages) == (said is not None)
    assert all(message.startswith(f"annotation {PREFIX}{said}") for message in messages)


def test_a_pod_template_that_asks_for_no_secret_is_told_so() -> None:
    assert len(advice({}, annotated(**{"item-path": "vaults/v/items/i"}), kind=DEPLOYMENT, secrets=())) == 1


@pytest.mark.parametrize(("value", "told"), [("a, b.c,", None), ("a,B", '"B"'), ("a b", '"a b"')])
def test_a_workload_that_says_it_uses_what_is_no_secret_is_told_so(value: str, told: str | None) -> None:
    messages = advice({names.USES_SECRETS: value}, {}, kind=DEPLOYMENT, secrets=())
    assert [told in message for message in messages if told] == [True] * len(messages)
    assert len(messages) == (told is not None)


def test_a_workload_with_more_secrets_than_are_kept_is_told_so() -> None:
    many = {str(number) for number in range(bounds.SECRETS_OF_A_WORKLOAD + 1)}
    (said,) = advice({}, {}, kind=DEPLOYMENT, secrets=many)
    assert "more than 256 Secrets" in said
    assert advice({}, {}, kind=DEPLOYMENT, secrets=set(list(many)[1:])) == ()


def test_of_thousands_of_names_a_few_are_compared() -> None:
    """Comparing takes the square of a name, and each edit of the object brings all of them again."""
    written = annotated(**{f"item-pat{number:05}": "" for number in range(9000)}, **{f"item-nam{number}": "" for number in range(20)})
    assert len(of_resource(annotated(**{f"suspen{number}": "" for number in range(20)}))) <= 10
    assert len(advice(written, {}, kind=DEPLOYMENT, secrets=())) <= 11
