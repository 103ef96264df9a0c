"""The restart mark, and what a workload says of itself."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model import names
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.secret import OwnerReference
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.model.workload import RestartMark
from unit.rules.samples import BARE_WORKLOAD

WORKLOAD = dataclasses.replace(BARE_WORKLOAD, finalizers=("theirs", names.OFFICIAL_FINALIZER))


def test_a_workload_is_found_and_owns_by_its_kind_and_name() -> None:
    assert WORKLOAD.ref == ObjectRef("Deployment", "team", "api")
    assert WORKLOAD.owner_reference == OwnerReference(kind="Deployment", name="api", uid="w1", api_version="apps/v1")
    assert WORKLOAD.owner_reference.raw == {}


@pytest.mark.parametrize(("finalizers", "held_up"), [((), False), (("theirs",), False), (("theirs", names.OFFICIAL_FINALIZER), True)])
def test_the_official_operators_finalizer_holds_a_workload_up(finalizers: tuple[str, ...], held_up: object) -> None:
    assert dataclasses.replace(WORKLOAD, finalizers=finalizers).has_legacy_finalizer is held_up


IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=26)
MARKS = st.builds(
    RestartMark,
    st.lists(st.builds(Revision, IDS, IDS, st.integers(0, 10**18 - 1)), min_size=1, max_size=3).map(Revisions).map(str)
    | st.text("0123456789abcdef", min_size=32, max_size=32),
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")),
)


@given(MARKS)
def test_a_printed_mark_parses_to_itself(mark: RestartMark) -> None:
    assert RestartMark.parse(str(mark)) == mark


@given(st.text() | MARKS.map(lambda mark: str(mark)[1:]))
def test_only_what_a_mark_prints_is_parsed(text: str) -> None:
    parsed = RestartMark.parse(text)
    assert parsed is None or str(parsed) == text


@pytest.mark.parametrize(
    "text", [None, "", "@", "v/i@3", "v/i@3@", "@3@2024-01-01T00:00:00Z", "v/i@x@2024-01-01T00:00:00Z", "v/i@" + "9" * 5000 + "@x"]
)
def test_a_mark_has_a_revision_and_a_time(text: str | None) -> None:
    assert RestartMark.parse(text) is None
