"""The directory of `--state`: items, events, signing key and revocations outlast a restart.

No acknowledged change is lost. A snapshot holds everything at one moment; the journal of the same
number holds the changes since. The next snapshot appears by a rename, so there is always one
complete pair. One process at a time may use a directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from onepassword_operator.devconnect import ids, journal, json_codec
from onepassword_operator.devconnect.auth.signing import SigningKey
from onepassword_operator.devconnect.durable_file import sync_folder, write_whole
from onepassword_operator.devconnect.events.file import EventFile
from onepassword_operator.devconnect.journal import Journal
from onepassword_operator.devconnect.store import record_codec
from onepassword_operator.devconnect.store.contents import Change, Contents

# A journal longer than this and than the snapshot before it is folded into the next snapshot.
FOLD_BYTES: Final = 4 * 1024 * 1024
_NUMBERED: Final = re.compile(r"(snapshot|journal)-([0-9]+)")


class StateError(Exception):
    """An unusable directory; the message has the directory and the remedy."""


class State:
    """An open state directory; the store's keeper."""

    key: SigningKey
    revoked: frozenset[str]
    events: EventFile

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self._lock = lock
        self._contents = Contents()
        self._number = 0
        self._journal: Journal | None = None
        self._fold_at = FOLD_BYTES
        self.is_new = True

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a directory, made if need be, or raise StateError."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / "files").mkdir(mode=0o700, exist_ok=True)
            state = cls(folder, _locked(folder))
            state._load()
            state._load_tokens()
            state.events = EventFile.open(folder / "events")
        except journal.JournalError as error:
            raise StateError(f"{folder}: {error}") from None
        except OSError as error:
            raise StateError(
                f"{folder}: cannot be used ({error.strerror}); give a directory that can be "
                "written to"
            ) from None
        except (KeyError, TypeError, ValueError):
            raise StateError(
                f"{folder}: holds records of another version of this program; remove the directory"
            ) from None
        return state

    @property
    def contents(self) -> Contents:
        """The kept contents."""
        return self._contents.copy()

    def close(self) -> None:
        """Let go of the directory."""
        self._stop_journal()
        self.events.close()
        os.close(self._lock)

    def append(self, change: Change) -> None:
        """Keep a change for good, or raise OSError and keep nothing of it."""
        if self._journal is None:
            raise OSError(0, "the state directory is not open")
        self._keep_files(change)
        self._journal.append(record_codec.encode(change))
        self._contents.apply(change)
        if self._journal.size > self._fold_at:
            self._fold()

    def rewrite(self, contents: Contents) -> None:
        """Replace all contents by these, or raise OSError and change nothing."""
        for change in contents.changes():
            self._keep_files(change)
        records = [
            json_codec.encode({"retired": sorted(contents.retired)}),
            *map(record_codec.encode, contents.changes()),
        ]
        snapshot = b"".join(journal.lines(records))
        self._write_snapshot(snapshot)
        self._stop_journal()
        self._number += 1
        self._contents = contents.copy()
        self._fold_at = max(FOLD_BYTES, len(snapshot))
        self._start_journal(0)
        with contextlib.suppress(OSError):  # remaining files are removed the next time
            self._remove_old()

    def keep_revoked(self, token_ids: frozenset[str]) -> None:
        """Keep the ids of revoked tokens."""
        write_whole(self._folder / "revoked.json", json_codec.encode(sorted(token_ids)))

    def _load(self) -> None:
        self._number = max(
            (number for _, kind, number in self._numbered() if kind == "snapshot"), default=0
        )
        self.is_new = self._number == 0
        if self.is_new:
            return
        snapshot, later = (
            self._folder / f"{kind}-{self._number}" for kind in ("snapshot", "journal")
        )
        first, *rest = journal.read_whole(snapshot.read_bytes(), name=snapshot.name)
        self._fold_at = max(FOLD_BYTES, snapshot.stat().st_size)
        records, end = journal.read(later.read_bytes() if later.exists() else b"", name=later.name)
        for record in (*rest, *records):
            self._contents.apply(record_codec.decode(record, load_file=self._load_file))
        self._contents.retired |= set(json_codec.decode(first)["retired"])
        self._start_journal(end)
        with contextlib.suppress(OSError):
            self._remove_old()

    def _load_tokens(self) -> None:
        key, revoked = self._folder / "key.pem", self._folder / "revoked.json"
        if not key.exists():
            write_whole(key, SigningKey.make().pem())
        self.key = SigningKey.load(key.read_bytes())
        self.revoked = (
            frozenset(str(token_id) for token_id in json_codec.decode(revoked.read_bytes()))
            if revoked.exists()
            else frozenset()
        )

    def _write_snapshot(self, snapshot: bytes) -> None:
        path = self._folder / f"snapshot-{self._number + 1}"
        try:
            write_whole(path, snapshot)
        except OSError:
            # The snapshot may exist all the same, and then the old journal would not count. Keep no
            # change until it is gone.
            journal_before, self._journal = self._journal, None
            path.unlink(missing_ok=True)
            sync_folder(self._folder)
            self._journal = journal_before
            raise

    def _stop_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _start_journal(self, size: int) -> None:
        self._journal = Journal(self._folder / f"journal-{self._number}", size=size)

    def _fold(self) -> None:
        try:
            self.rewrite(self._contents)
        except OSError:
            # The change itself is kept. Try again after as many more changes.
            if self._journal is not None:
                self._fold_at = 2 * self._journal.size

    def _numbered(self) -> Iterator[tuple[Path, str, int]]:
        for path in self._folder.iterdir():
            matched = _NUMBERED.fullmatch(path.name)
            if matched is not None:
                yield path, matched[1], int(matched[2])

    def _remove_old(self) -> None:
        for path, _, number in list(self._numbered()):
            if number != self._number:
                path.unlink()
        used = {
            ids.digest(file.content)
            for items in self._contents.items.values()
            for item in items.values()
            for file in item.files
        }
        for path in (self._folder / "files").iterdir():
            if path.name not in used:
                path.unlink()

    def _keep_files(self, change: Change) -> None:
        for file in change.item.files if change.item is not None else ():
            path = self._folder / "files" / ids.digest(file.content)
            if not path.exists():
                write_whole(path, file.content)

    def _load_file(self, digest: str) -> bytes:
        content = (self._folder / "files" / digest).read_bytes()
        if ids.digest(content) != digest:
            raise journal.JournalError(
                f"files/{digest} is damaged; restore it from a copy, or remove the directory"
            )
        return content


def _locked(folder: Path) -> int:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StateError(
            f"{folder}: another process uses this directory; end it, or give another directory"
        ) from None
    return lock
