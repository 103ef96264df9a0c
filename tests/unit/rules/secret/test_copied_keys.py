"""The record of what came from the resource."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.rules.secret.copied_keys import CopiedKeys

KEYS = st.frozensets(st.from_regex(r"\A([a-z.]{1,8}/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,8}[A-Za-z0-9])?\Z"), max_size=4)


@given(labels=KEYS, annotations=KEYS)
def test_a_printed_record_parses_to_itself(labels: frozenset[str], annotations: frozenset[str]) -> None:
    record = CopiedKeys(labels=labels, annotations=annotations)
    assert CopiedKeys.parse(str(record)) == record


@given(st.text() | st.from_regex(r"\A((labels|annotations|other)=?[ab,]*;?){0,4}\Z"))
def test_any_text_parses_to_a_record_that_prints_stably(text: str) -> None:
    record = CopiedKeys.parse(text)
    assert CopiedKeys.parse(str(record)) == record


@pytest.mark.parametrize(
    ("labels", "annotations", "text"),
    [("", "", ""), ("ba", "", "labels=a,b"), ("", "c", "annotations=c"), ("ba", "dc", "labels=a,b;annotations=c,d")],
)
def test_a_record_prints_sorted_and_without_what_is_empty(labels: str, annotations: str, text: str) -> None:
    assert str(CopiedKeys(labels=frozenset(labels), annotations=frozenset(annotations))) == text


@pytest.mark.parametrize("text", ["", "nonsense", "labels", "labels=", "labels=,,;annotations=,", "taints=a,b", "=a"])
def test_what_is_no_record_names_nothing(text: str) -> None:
    assert CopiedKeys.parse(text) == CopiedKeys()


def test_parts_that_a_later_version_adds_are_ignored() -> None:
    assert CopiedKeys.parse("finalizers=f;labels=a;annotations=b") == CopiedKeys(labels=frozenset("a"), annotations=frozenset("b"))
