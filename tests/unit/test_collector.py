"""The garbage collector looks at what comes and goes."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from onepassword_operator import collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_has_been_there_for_a_while_is_not_looked_at_again() -> None:
    kept: list[object] = [[] for _ in range(1000)]
    collector.keep_what_is_there()
    assert gc.get_freeze_count() > len(kept)
    assert not any(found is kept for found in gc.get_objects())


def test_a_list_of_a_vault_comes_and_goes_between_two_looks() -> None:
    collector.look_less_often()
    assert gc.get_threshold()[0] > 5000
