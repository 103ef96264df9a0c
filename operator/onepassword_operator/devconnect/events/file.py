"""The file of `--state` that keeps events over restarts.

An event is in the file before the reply to the request that caused it, so a process that is killed
loses none. It is on the disk before a cursor leads past it, so that even after a loss of power a
cursor names the same events.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from onepassword_operator.devconnect import journal, json_codec
from onepassword_operator.devconnect.durable_file import write_whole
from onepassword_operator.devconnect.events.log import EventLog
from onepassword_operator.devconnect.events.records import (
    AUDIT_EVENTS,
    ITEM_USAGES,
    SIGN_IN_ATTEMPTS,
    AuditEvent,
    Event,
    ItemUsage,
    Origin,
    SignIn,
)
from onepassword_operator.devconnect.journal import Journal

_KINDS: Final[Mapping[str, type[Event]]] = {
    AUDIT_EVENTS: AuditEvent,
    ITEM_USAGES: ItemUsage,
    SIGN_IN_ATTEMPTS: SignIn,
}
# A file is rewritten once it has so many events more than are remembered.
_SURPLUS: Final = 100_000


class EventFile:
    """An open file of events.

    `run` names the numbering of their positions, which goes on where it was.
    """

    run: str

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: list[Any] = []
        self._written = 0
        self._journal: Journal

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file, made if need be.

        Raises OSError, JournalError, or the decoder's error for a record of another version.
        """
        file = cls(path)
        records, end = journal.read(path.read_bytes() if path.exists() else b"", name=path.name)
        if not records:
            file.run = secrets.token_hex(8)
            end = file._rewrite([])
        else:
            file.run = json_codec.decode(records[0])["run"]
            file._records = [json_codec.decode(record) for record in records[1:]]
        file._journal = Journal(path, size=end)
        return file

    def fill(self, logs: Mapping[str, EventLog]) -> None:
        """Fill the logs with the kept events."""
        for record in self._records:
            feature, position = record.pop("feature"), record.pop("position")
            logs[feature].restore(
                position, _KINDS[feature](**{**record, "origin": Origin(**record["origin"])})
            )
        self._written, self._records = len(self._records), []

    def append(
        self, feature: str, position: int, *, event: Event, logs: Mapping[str, EventLog]
    ) -> None:
        """Keep an event, or raise OSError and keep nothing of it.

        Now and then rewrite the file from the remembered events.
        """
        if self._written - sum(len(log) for log in logs.values()) >= _SURPLUS:
            kept = [
                _record(name, at, event=one) for name, log in logs.items() for at, one in log.all()
            ]
            size = self._rewrite(kept)
            self._journal.close()
            self._journal, self._written = Journal(self._path, size=size), len(kept)
        self._journal.write(_record(feature, position, event=event))
        self._written += 1

    def sync(self) -> None:
        """Have everything on the disk."""
        self._journal.sync()

    def close(self) -> None:
        """Close the file."""
        self._journal.close()

    def _rewrite(self, records: Iterable[bytes]) -> int:
        content = b"".join(journal.lines([json_codec.encode({"run": self.run}), *records]))
        write_whole(self._path, content)
        return len(content)


def _record(feature: str, position: int, *, event: Event) -> bytes:
    return json_codec.encode(
        {"feature": feature, "position": position, **dataclasses.asdict(event)}
    )
