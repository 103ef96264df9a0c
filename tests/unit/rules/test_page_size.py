"""How much a page of a LIST asks for."""

import pytest

from onepassword_operator.rules import page_size

KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    ("limit", "objects", "size_bytes", "following"),
    [
        pytest.param(4, 4, 4 * KIB, 16, id="small objects let it grow by steps"),
        pytest.param(16, 16, 16 * KIB, 64, id="and again"),
        pytest.param(64, 64, 64 * KIB, 100, id="to the most there is"),
        pytest.param(100, 100, 100 * KIB, 100, id="where it stays"),
        pytest.param(100, 100, 4 * MIB, 50, id="twice the budget is answered by half of it"),
        pytest.param(4, 4, 5 * MIB, 1, id="large objects come one by one"),
        pytest.param(1, 1, 20 * MIB, 1, id="and never less than that"),
        pytest.param(1, 1, KIB, 4, id="a small one after large ones lets it grow again"),
        pytest.param(16, 0, 0, 64, id="an empty page says nothing of the next"),
        pytest.param(4, 1, 0, 16, id="objects that weigh nothing"),
    ],
)
def test_a_page_follows_what_the_one_before_it_weighed(limit: int, objects: int, size_bytes: int, following: int) -> None:
    assert page_size.after_read(limit, objects=objects, size_bytes=size_bytes) == following


def test_a_page_beyond_the_cap_is_asked_for_in_parts_until_a_single_object_is_left_which_has_none() -> None:
    limit, asked = page_size.MOST, []
    while cap := page_size.cap(limit):
        asked.append((limit, cap))
        limit = page_size.after_abandoned(limit)
    assert [each for each, _ in asked] == [100, 25, 6]
    assert {cap for _, cap in asked} == {page_size.CAP_BYTES}
    assert (limit, page_size.after_abandoned(limit)) == (1, 1)
    assert page_size.cap(2) == page_size.CAP_BYTES
