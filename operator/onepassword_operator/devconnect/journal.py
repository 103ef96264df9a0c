"""An append-only file of records, one per line with a checksum.

After any crash it has all appended records, and none in part.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from onepassword_operator.devconnect.durable_file import sync_folder, write_all

_CHECKSUM_LENGTH: Final = 8


class JournalError(Exception):
    """A file that is damaged before its end, so not by an interrupted write."""


def frame(record: bytes) -> bytes:
    """Put a record, which has no line end in it, on a line behind its checksum."""
    return b"%08x %s\n" % (zlib.crc32(record), record)


def read(content: bytes, *, name: str) -> tuple[list[bytes], int]:
    """Return the records and the end of the last complete one.

    A partial record at the end was never acknowledged and is left out.
    """
    records, end = [], 0
    for line in content.splitlines(keepends=True):
        record = _record(line)
        if record is None:
            break
        records.append(record)
        end += len(line)
    if any(_record(line) is not None for line in content[end:].splitlines(keepends=True)):
        raise JournalError(
            f"{name} is damaged at byte {end}, with whole records behind it; "
            "restore it from a copy, or remove the directory"
        )
    return records, end


def read_whole(content: bytes, *, name: str) -> list[bytes]:
    """Return the records of a file that was written at once; any partial record is damage."""
    records, end = read(content, name=name)
    if end != len(content):
        raise JournalError(
            f"{name} is damaged at byte {end}; restore it from a copy, or remove the directory"
        )
    return records


def lines(records: Iterable[bytes]) -> Iterator[bytes]:
    """Frame records."""
    return map(frame, records)


def _record(line: bytes) -> bytes | None:
    record = line[_CHECKSUM_LENGTH + 1 : -1]
    return record if line == frame(record) else None


class Journal:
    """An open journal; `size` is the position of the next record."""

    def __init__(self, path: Path, *, size: int) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.size = size
        # The bytes behind it are an interrupted write.
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)
        sync_folder(path.parent)

    def append(self, record: bytes) -> None:
        """Keep a record for good, or raise OSError and keep nothing of it."""
        self._write(record, sync=True)

    def write(self, record: bytes) -> None:
        """Keep a record while the machine runs, or raise OSError and keep nothing of it."""
        self._write(record, sync=False)

    def sync(self) -> None:
        """Flush all written records to the disk."""
        os.fsync(self._descriptor)

    def _write(self, record: bytes, *, sync: bool) -> None:
        line = frame(record)
        os.lseek(self._descriptor, self.size, os.SEEK_SET)
        try:
            write_all(self._descriptor, line)
            if sync:
                os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
