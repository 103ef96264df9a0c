"""The filter grammar."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.rest import filters

ITEM: Mapping[str, Sequence[str]] = {"title": ('Billing "DB" é\\',), "tag": ("k8s", "team-a"), "id": ("a" * 26,), "category": ("LOGIN",)}


def matches(text: str, item: Mapping[str, Sequence[str]] = ITEM, **behaviour: Any) -> bool:
    return filters.parse(text, attributes=filters.ITEM_ATTRIBUTES, behaviour=Behaviour(**behaviour))(item)


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
    assert matches(text) is expected


CUT_OFF = ["'", "title", "title eq", 'title eq "x', '(title eq "x"', 'title eq "x" and', "(" * 5000]
WRONG = [
    "title eq x",
    'title is "x"',
    'color eq "x"',
    'title eq "a"b"',
    'title eq "x")',
    'not title eq "x"',
    '"x" eq title',
    r'title eq "\q"',
]


@pytest.mark.parametrize("text", CUT_OFF + WRONG)
def test_a_malformed_filter_is_a_400(text: str) -> None:
    with pytest.raises(ApiError, check=lambda error: error.status == 400):
        matches(text)


@pytest.mark.parametrize("case", ["ignored", "exact"])
def test_vaults_answer_to_name_and_title_and_never_tell_upper_from_lower_case(case: str) -> None:
    for attribute in ("name", "title"):
        parsed = filters.parse(f'{attribute} eq "prod"', attributes=filters.VAULT_ATTRIBUTES, behaviour=Behaviour(title_case=case))
        assert parsed({"name": ("Prod",), "title": ("Prod",)})


def test_case_escapes_and_nested_tags_follow_the_behaviour() -> None:
    assert matches('title co "db"')
    assert not matches('title co "db"', title_case="exact")
    assert matches('category eq "login"', title_case="exact")
    assert matches(r'title ew "\\"', filter_escapes="json")
    assert matches('title ew "\\"', filter_escapes="literal")
    nested = {**ITEM, "tag": ("a/b",)}
    assert not matches('tag eq "a"', nested)
    assert matches('tag eq "a"', nested, tag_filter="nested")
    assert not matches('tag eq "a/"', nested, tag_filter="nested")
