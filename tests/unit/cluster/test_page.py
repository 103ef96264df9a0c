"""Pages of a LIST, object by object."""

import tracemalloc
from typing import Any

import msgspec
import pytest

from onepassword_operator.cluster import page as pages
from onepassword_operator.cluster.page import PAGES, Metadata
from onepassword_operator.model.errors import ClusterUnavailableError

MIB = 1024 * 1024
OBJECT = msgspec.json.Decoder(dict[str, Any]).decode


def test_an_object_is_decoded_when_its_turn_comes_and_its_header_without_the_rest() -> None:
    page = PAGES.decode(
        b'{"metadata":{"continue":"t","resourceVersion":"9"},"items":[{"metadata":{"namespace":"a","name":"b"},"x":1},{"y":2}]}'
    )
    assert (page.token, page.resource_version, len(page)) == ("t", "9", 2)
    first, second = page.raw()
    assert pages.header(first) == Metadata(namespace="a", name="b")
    assert pages.decoded(second, OBJECT) == {"y": 2}


def test_going_through_a_page_uses_it_up() -> None:
    page = PAGES.decode(b'{"items":[{"a":1},{"b":2}]}')
    assert list(page.decoded(OBJECT)) == [{"a": 1}, {"b": 2}]
    assert (len(page), list(page.decoded(OBJECT))) == (0, [])


def test_a_page_takes_no_more_than_it_weighs_and_one_object() -> None:
    payload = bytearray(b'{"items":[' + b",".join(b'{"data":"%s"}' % (b"x" * MIB) for _ in range(8)) + b"]}")
    tracemalloc.start()
    try:
        page = PAGES.decode(payload)
        assert page.size_bytes() > 8 * MIB
        for each in page.decoded(OBJECT):
            assert each
        assert tracemalloc.get_traced_memory()[1] < 3 * MIB  # two of them live while the loop turns
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("body", [b"{}", b'{"items":null,"metadata":null}', b'{"items":[],"metadata":{}}'])
def test_a_page_may_be_empty(body: bytes) -> None:
    page = PAGES.decode(body)
    assert (page.token, page.resource_version, len(page), page.size_bytes(), list(page.decoded(OBJECT))) == ("", "", 0, 0, [])


@pytest.mark.parametrize("item", [b"1", b'"canary"', b"[]", b"[" * 100_000 + b"]" * 100_000, b'{"metadata":{"name":"\xff"}}'])
def test_what_is_no_object_is_an_error_of_ours_without_what_it_said(item: bytes) -> None:
    for decode in (pages.header, lambda raw: pages.decoded(raw, OBJECT)):
        with pytest.raises(ClusterUnavailableError) as caught:
            decode(msgspec.Raw(item))
        assert "canary" not in str(caught.value)
        assert caught.value.__cause__ is None
