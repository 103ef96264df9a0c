"""The memory that the items of one recipe may take together."""

import pytest

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import SpecError
from onepassword_operator.model.item import File, Item
from onepassword_operator.rules.contents.item_room import MAXIMUM_BYTES, ItemRoom


def _holding(size: int, *, version: int = 1) -> Item:
    return Item(id="i", vault_id="v", title="i", version=version, fields=(), files=(File(name="f", content=Confidential(b"x" * size)),))


def test_one_item_may_be_of_any_size_and_be_named_often_but_several_share_the_room() -> None:
    alone = _holding(MAXIMUM_BYTES + 1)
    assert ItemRoom().take(alone) is alone
    room, large = ItemRoom(), _holding(MAXIMUM_BYTES)
    assert [room.take(item) for item in (large, large, None)] == [large, large, None]
    assert room.take(_holding(MAXIMUM_BYTES)) is large  # read again meanwhile
    assert room.take(_holding(0, version=2))
    with pytest.raises(SpecError, match="more than 4194304 bytes together"):
        room.take(_holding(1, version=3))
