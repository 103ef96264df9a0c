"""The state directory: what is kept, and what happens at every bad moment."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onepassword_operator.devconnect.store import state as state_module
from onepassword_operator.devconnect.store.editing import Editor
from onepassword_operator.devconnect.store.seed import Seed
from onepassword_operator.devconnect.store.state import State, StateError
from onepassword_operator.devconnect.store.vault_store import VaultStore

SEED = "vaults: [{name: v, items: [{title: x, fields: {password: fake-1}, files: [{name: f, content: fake}]}]}]"


class Disk:
    """Opens and closes one directory, as restarts do."""

    def __init__(self, folder: Path, clock: Any) -> None:
        self.folder = folder
        self._clock = clock
        self._state: State | None = None

    def start(self) -> tuple[VaultStore, Editor]:
        self.stop()
        self._state = State.open(self.folder)
        store = VaultStore(clock=self._clock)
        if self._state.is_new:
            Seed.parse(SEED).fill(store)
            self._state.rewrite(store.snapshot())
        else:
            store.restore(self._state.contents)
        store.keep(self._state)
        return store, Editor(store)

    def stop(self) -> None:
        if self._state is not None:
            self._state.close()
            self._state = None

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.name[-1].isdigit()}

    @property
    def state(self) -> State:
        assert self._state is not None
        return self._state


@pytest.fixture
def disk(tmp_path: Path, clock: Any) -> Iterator[Disk]:
    disk = Disk(tmp_path / "state", clock)
    yield disk
    disk.stop()


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def shown(store: VaultStore) -> Any:
    contents = store.snapshot()
    return contents.vaults, contents.items


def test_everything_comes_back_after_a_restart(disk: Disk) -> None:
    store, editor = disk.start()
    editor.edit_item("v", "x", edit={"fields": {"password": "fake-2"}, "files": [{"name": "g", "content": "fake"}]})
    editor.create_item("v", {"title": "new"})
    editor.create_item("v", {"title": "gone"})
    editor.delete_item("v", "gone")
    editor.create_vault("w")
    editor.rename_vault("v", "renamed")
    editor.create_vault("z")
    editor.delete_vault("z")
    before = shown(store)
    assert shown(disk.start()[0]) == before
    assert shown(disk.start()[0]) == before


def test_an_id_is_not_given_again_after_a_restart(disk: Disk) -> None:
    _, editor = disk.start()
    gone = editor.create_item("v", {"title": "gone"}).id
    editor.delete_item("v", "gone")
    _, editor = disk.start()
    again = editor.create_item("v", {"title": "gone"}).id
    disk.state.rewrite(disk.state.contents)
    _, editor = disk.start()
    editor.delete_item("v", "gone")
    assert len({gone, again, editor.create_item("v", {"title": "gone"}).id}) == 3


def test_the_directory_is_for_the_owner_only(disk: Disk) -> None:
    disk.start()
    disk.state.keep_revoked(frozenset({"a"}))
    assert disk.folder.stat().st_mode & 0o077 == 0
    assert not [path for path in disk.folder.rglob("*") if path.stat().st_mode & 0o077]


def test_a_cut_at_any_byte_of_the_last_write_loses_that_write_only(disk: Disk) -> None:
    store, editor = disk.start()
    editor.create_item("v", {"title": "first"})
    before = shown(store)
    journal = disk.folder / "journal-1"
    start = journal.stat().st_size
    editor.create_item("v", {"title": "second"})
    disk.stop()
    content = journal.read_bytes()
    for cut in range(start, len(content)):
        journal.write_bytes(content[:cut])
        assert shown(disk.start()[0]) == before
        disk.stop()
    journal.write_bytes(content)
    assert len(disk.start()[0].snapshot().items[next(iter(before[0]))]) == 3


def test_a_change_that_cannot_be_kept_is_not_made(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    store, editor = disk.start()
    before = shown(store)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for change in (
            lambda: editor.create_item("v", {"title": "new"}),
            lambda: editor.delete_vault("v"),
            lambda: disk.state.keep_revoked(frozenset()),
        ):
            with pytest.raises(OSError, match="No space"):
                change()
    assert shown(store) == before
    editor.create_item("v", {"title": "later"})
    assert shown(disk.start()[0]) == shown(store)


def test_a_long_journal_is_folded_into_a_snapshot_and_old_files_go(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "FOLD_BYTES", 4000)
    store, editor = disk.start()
    for number in range(60):
        editor.edit_item("v", "x", edit={"fields": {"password": f"fake-{number}"}, "files": [{"name": "f", "content": str(number)}]})
    last = max(int(name.rpartition("-")[2]) for name in disk.names())
    assert last > 2
    assert disk.names() == {f"snapshot-{last}", f"journal-{last}"}
    assert len(list((disk.folder / "files").iterdir())) < 60
    assert shown(disk.start()[0]) == shown(store)


@pytest.mark.parametrize("failing", ["_write_snapshot", "_remove_old"])
def test_a_fold_that_fails_loses_nothing(disk: Disk, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    monkeypatch.setattr(state_module, "FOLD_BYTES", 1000)
    store, editor = disk.start()
    monkeypatch.setattr(State, failing, full)
    for number in range(20):
        editor.edit_item("v", "x", edit={"fields": {"password": f"fake-{number}"}})
    monkeypatch.undo()
    assert shown(disk.start()[0]) == shown(store)


def test_a_snapshot_whose_name_may_or_may_not_be_on_the_disk_does_not_hide_later_writes(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, editor = disk.start()
    with monkeypatch.context() as patch:
        patch.setattr("onepassword_operator.devconnect.durable_file.sync_folder", full)
        with pytest.raises(OSError, match="No space"):
            disk.state.rewrite(disk.state.contents)
    editor.create_item("v", {"title": "later"})
    assert shown(disk.start()[0]) == shown(store)


def test_a_crash_between_snapshot_and_clean_up_is_tidied(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    store, editor = disk.start()
    editor.create_item("v", {"title": "new"})
    monkeypatch.setattr(State, "_start_journal", full)
    with pytest.raises(OSError, match="No space"):
        disk.state.rewrite(store.snapshot())
    with pytest.raises(OSError, match="not open"):
        editor.create_item("v", {"title": "not kept"})
    monkeypatch.undo()
    disk.stop()
    (disk.folder / ".snapshot-9.123.tmp").write_text("half")
    assert shown(disk.start()[0]) == shown(store)
    assert disk.names() == {"snapshot-2", "journal-2"}


def test_a_restored_snapshot_is_kept_as_a_whole(disk: Disk) -> None:
    store, editor = disk.start()
    before = store.snapshot()
    editor.create_item("v", {"title": "later"})
    editor.delete_item("v", "x")
    store.restore(before)
    assert shown(disk.start()[0]) == shown(store) == (before.vaults, before.items)


def test_key_and_revocations_stay(disk: Disk) -> None:
    disk.start()
    key = disk.state.key.id
    disk.state.keep_revoked(frozenset({"a", "b"}))
    disk.start()
    assert (disk.state.key.id, disk.state.revoked) == (key, frozenset({"a", "b"}))


def test_two_processes_do_not_share_a_directory(disk: Disk) -> None:
    disk.start()
    with pytest.raises(StateError, match="another process uses this directory"):
        State.open(disk.folder)


@pytest.mark.parametrize("name", ["snapshot-1", "journal-1", "key.pem", "revoked.json"])
def test_a_damaged_file_is_said_and_nothing_is_overwritten(disk: Disk, name: str) -> None:
    _, editor = disk.start()
    for title in ("a", "b"):
        editor.create_item("v", {"title": title})
    disk.state.keep_revoked(frozenset({"a"}))
    disk.stop()
    damaged = bytearray((disk.folder / name).read_bytes())
    damaged[len(damaged) // 3] ^= 1
    damaged[0] ^= 1
    (disk.folder / name).write_bytes(damaged)
    with pytest.raises(StateError, match="remove the directory"):
        State.open(disk.folder)
    assert (disk.folder / name).read_bytes() == damaged


def test_a_damaged_file_of_an_item_is_said(disk: Disk) -> None:
    disk.start()
    disk.stop()
    (path,) = (disk.folder / "files").iterdir()
    path.write_text("other")
    with pytest.raises(StateError, match=r"files/.* is damaged"):
        State.open(disk.folder)


def test_a_place_that_cannot_be_a_directory_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be used"):
        State.open(tmp_path / "file")
