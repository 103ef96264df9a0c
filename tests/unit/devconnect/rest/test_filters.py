"""The filter grammar."""

from collections.abc import Mapping, Sequence

import pytest

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.rest import filters

ITEM: Mapping[str, Sequence[str]] = {"title": ('Billing "DB" é\\',), "tag": ("k8s", "team-a"), "id": ("a" * 26,), "category": ("LOGIN",)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'title eq "billing \"db\" é\\"', True),
        ('title eq "billing"', False),
        ('TITLE CO "DB"', True),
        ('title sw "bill"', True),
        ('title ew "bill"', False),
        ('tag eq "team-a"', True),
        ('tag ne "team-a"', False),
        ('tag ne "other"', True),
        ("tag pr", True),
        ('not (tag pr) or category eq "login"', True),
        ('title co "x" or title co "b" and tag eq "none"', False),
        ('(title co "x" or title co "b") and tag eq "k8s"', True),
        (r'title co "\u00e9"', True),
    ],
)
def test_a_filter_selects_by_attribute_operator_and_value(text: str, *, expected: bool) -> None:
    assert filters.parse(text, attributes=filters.ITEM_ATTRIBUTES, behaviour=Behaviour())(ITEM) is expected


@pytest.mark.parametrize(
    "text",
    [
        "'",
        "title",
        "title eq",
        "title eq x",
        'title is "x"',
        'color eq "x"',
        'title eq "x',
        'title eq "a"b"',
        '(title eq "x"',
        'title eq "x")',
        'not title eq "x"',
        'title eq "x" and',
        '"x" eq title',
        r'title eq "\q"',
        "(" * 5000,
    ],
)
def test_a_malformed_filter_is_a_400(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        filters.parse(text, attributes=filters.ITEM_ATTRIBUTES, behaviour=Behaviour())
    assert refused.value.status == 400


def test_vaults_answer_to_name_and_title() -> None:
    for attribute in ("name", "title"):
        assert filters.parse(f'{attribute} eq "prod"', attributes=filters.VAULT_ATTRIBUTES, behaviour=Behaviour())(
            {"name": ("Prod",), "title": ("Prod",)}
        )


def matches(text: str, **behaviour: str) -> bool:
    chosen = Behaviour()
    chosen.update(behaviour)
    return filters.parse(text, attributes=filters.ITEM_ATTRIBUTES, behaviour=chosen)({**ITEM, "tag": ("a/b",)})


def test_case_escapes_and_nested_tags_follow_the_behaviour() -> None:
    assert matches('title co "db"')
    assert not matches('title co "db"', title_case="exact")
    assert matches('category eq "login"', title_case="exact")
    assert matches(r'title ew "\\"', filter_escapes="json")
    assert matches('title ew "\\"', filter_escapes="literal")
    assert not matches('tag eq "a"')
    assert matches('tag eq "a"', tag_filter="nested")
    assert not matches('tag eq "a/"', tag_filter="nested")


def test_names_of_vaults_never_tell_upper_from_lower_case() -> None:
    exact = Behaviour(title_case="exact")
    vault = {"name": ("Prod",), "title": ("Prod",)}
    assert filters.parse('title eq "prod"', attributes=filters.VAULT_ATTRIBUTES, behaviour=exact)(vault)
