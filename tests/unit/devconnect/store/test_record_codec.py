"""Stored changes as JSON and back."""

from typing import Any

import pytest

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.store import record_codec
from onepassword_operator.devconnect.store.contents import Change
from onepassword_operator.devconnect.store.editing import Editor
from onepassword_operator.devconnect.store.seed import Seed
from onepassword_operator.devconnect.store.vault_store import VaultStore

SEED = """
vaults:
  - name: Prod é
    type: PERSONAL
    items:
      - title: x
        tags: [a, b]
        urls: [{href: h, primary: true}]
        fields: [{label: k, value: v, section: {label: s}}, {label: code, type: OTP}]
        files: [{name: a, content: fake, section: s}, {name: b, content_base64: AP8=}]
"""


@pytest.fixture
def store(clock: Any) -> VaultStore:
    store = VaultStore(clock=clock)
    Seed.parse(SEED).fill(store)
    Editor(store).edit_item("Prod é", "x", edit={"state": "ARCHIVED"})
    return store


def test_every_change_reads_back_as_it_was(store: VaultStore) -> None:
    changes = [*store.snapshot().changes(), Change(vault_id="v", vault=None)]
    changes.append(Change(vault_id=changes[0].vault_id, vault=changes[0].vault, item_id="gone"))
    contents = {ids.digest(file.content): file.content for change in changes if change.item for file in change.item.files}
    assert len(contents) == 2
    for change in changes:
        assert record_codec.decode(record_codec.encode(change), load_file=contents.__getitem__) == change


def test_the_bytes_of_files_are_not_in_it(store: VaultStore) -> None:
    assert b"fake" not in b"".join(map(record_codec.encode, store.snapshot().changes()))


@pytest.mark.parametrize("record", [b"{}", b"[]", b'{"vault_id": "v", "vault": {"colour": 1}, "item_id": null, "item": null}', b"no json"])
def test_what_is_no_change_is_an_error(record: bytes) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        record_codec.decode(record, load_file=lambda _: b"")
