"""The append-only file behind `--state`."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.devconnect import journal
from onepassword_operator.devconnect.journal import Journal, JournalError

RECORDS = [b'{"a": 1}', b"{}", b'{"long": "' + b"x" * 5000 + b'"}']
CONTENT = b"".join(journal.lines(RECORDS))


def test_records_come_back_in_their_order() -> None:
    assert journal.read(CONTENT, name="j") == (RECORDS, len(CONTENT))
    assert journal.read(b"", name="j") == ([], 0)


def test_a_write_that_was_cut_off_anywhere_loses_that_record_only() -> None:
    ends = [len(b"".join(journal.lines(RECORDS[:count]))) for count in range(4)]
    for cut in range(len(CONTENT)):
        whole = max(count for count in range(4) if ends[count] <= cut)
        assert journal.read(CONTENT[:cut], name="j") == (RECORDS[:whole], ends[whole])


@given(st.binary(max_size=200))
def test_whatever_a_lost_write_left_at_the_end_is_left_out(rest: bytes) -> None:
    assert journal.read(CONTENT + b"\0" + rest, name="j") == (RECORDS, len(CONTENT))


def test_damage_before_whole_records_is_not_taken_for_a_cut() -> None:
    damaged = bytearray(CONTENT)
    damaged[12] ^= 1
    with pytest.raises(JournalError, match="j is damaged at byte 0"):
        journal.read(bytes(damaged), name="j")


def test_a_file_that_was_written_at_once_is_whole_or_damaged() -> None:
    assert journal.read_whole(CONTENT, name="s") == RECORDS
    with pytest.raises(JournalError, match="s is damaged"):
        journal.read_whole(CONTENT[:-1], name="s")


def test_an_append_is_on_the_disk_when_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Journal(tmp_path / "j", size=0)
    synced: list[int] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    for record in RECORDS:
        opened.append(record)
        assert synced[-1] == opened.size
    opened.close()
    assert (tmp_path / "j").read_bytes() == CONTENT


def test_a_journal_goes_on_where_the_last_whole_record_ended(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(CONTENT + b"cut")
    opened = Journal(tmp_path / "j", size=len(CONTENT))
    opened.append(b"[]")
    opened.close()
    assert journal.read((tmp_path / "j").read_bytes(), name="j")[0] == [*RECORDS, b"[]"]


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_a_failed_append_keeps_nothing_and_the_next_one_stands_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    opened = Journal(tmp_path / "j", size=0)
    opened.append(RECORDS[0])
    write = os.write

    def full(descriptor: int, content: bytes = b"") -> int:
        if failing == "write":
            write(descriptor, bytes(content[:5]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, failing, full)
        with pytest.raises(OSError, match="No space"):
            opened.append(RECORDS[1])
    assert journal.read((tmp_path / "j").read_bytes(), name="j") == (RECORDS[:1], opened.size)
    opened.append(RECORDS[2])
    opened.close()
    assert journal.read_whole((tmp_path / "j").read_bytes(), name="j") == [RECORDS[0], RECORDS[2]]
