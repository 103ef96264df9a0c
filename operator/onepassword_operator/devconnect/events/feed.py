"""Requests, edits and changes of tokens → events."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.events.file import EventFile
from onepassword_operator.devconnect.events.log import EventLog, Page
from onepassword_operator.devconnect.events.paging import Reader, unusable
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
from onepassword_operator.devconnect.items.records import Item

# A deletion is no use of an item.
_USAGES: Final[Mapping[str, str]] = {
    "read": "server-fetch",
    "create": "server-create",
    "update": "server-update",
}
_ON_THE_ADMIN_PORT: Final = Origin()
_MOST_SESSIONS: Final = 10_000


class EventFeed:
    """All events of a server.

    `run` names their numbering; without a file it is another one at every start, so old cursors are
    refused.
    """

    def __init__(
        self, *, clock: Callable[[], float], behaviour: Behaviour, file: EventFile | None = None
    ) -> None:
        self._file = file
        self.run = secrets.token_hex(8) if file is None else file.run
        self.logs: Mapping[str, EventLog] = {
            feature: EventLog(behaviour)
            for feature in (AUDIT_EVENTS, ITEM_USAGES, SIGN_IN_ATTEMPTS)
        }
        self._clock = clock
        self._sessions: dict[tuple[str, Origin], None] = {}
        if file is not None:
            file.fill(self.logs)

    def signed_in(self, token_id: str, origin: Origin) -> None:
        """Take note of a token that was accepted.

        Only a client's first use of it is a sign-in.
        """
        # Called for every request, so a session's name is made only if the session is new.
        if (token_id, origin) in self._sessions:
            return
        self._sessions[token_id, origin] = None
        if len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sign_in(_session(token_id, origin), origin, accepted=True)

    def turned_away(self, origin: Origin) -> None:
        """Take note of a token that was refused."""
        self._sign_in(_session("", origin), origin, accepted=False)

    def answered(self, item: Item, *, action: str, origin: Origin) -> None:
        """Take note of a request that read, created, updated or deleted an item."""
        self._happened(item, action=action, person=ids.INTEGRATION_ID, origin=origin)

    def edited_item(self, item: Item, action: str) -> None:
        """Record an edit of an item in the app."""
        self._happened(item, action=action, person=ids.PERSON_ID, origin=_ON_THE_ADMIN_PORT)

    def edited_vault(self, vault_id: str, action: str) -> None:
        """Record an edit of a vault in the app."""
        self._audit(action, object_type="vault", object_id=vault_id)

    def changed_token(self, token_id: str, action: str) -> None:
        """Take note of a token that was made, revoked or restored."""
        self._audit(action, object_type="token", object_id=token_id)

    def page(self, reader: Reader) -> tuple[Page, Reader]:
        """Return a page and the reader for the next one, or raise 400.

        The events before the next page are on the disk when it returns.
        """
        if reader.position > self.logs[reader.feature].end:
            raise unusable()
        page = self.logs[reader.feature].page(
            reader.position, limit=reader.limit, window=reader.window
        )
        if self._file is not None:
            self._file.sync()
        return page, reader.moved(page.next_position)

    def uuid(self, feature: str, position: int) -> str:
        """Return the identifier of an event."""
        return ids.derive("event", self.run, feature, position).upper()

    def _happened(self, item: Item, *, action: str, person: str, origin: Origin) -> None:
        now, usage = self._clock(), _USAGES.get(action)
        if usage is not None:
            self._add(
                ITEM_USAGES,
                ItemUsage(
                    at=now,
                    action=usage,
                    vault_id=item.vault_id,
                    item_id=item.id,
                    version=item.version,
                    person=person,
                    origin=origin,
                ),
            )
        if action != "read":
            self._add(
                AUDIT_EVENTS,
                AuditEvent(
                    at=now,
                    action=action,
                    object_type="item",
                    object_id=item.id,
                    person=person,
                    origin=origin,
                    vault_id=item.vault_id,
                ),
            )

    def _audit(self, action: str, *, object_type: str, object_id: str) -> None:
        event = AuditEvent(
            at=self._clock(),
            action=action,
            object_type=object_type,
            object_id=object_id,
            person=ids.PERSON_ID,
            origin=_ON_THE_ADMIN_PORT,
        )
        self._add(AUDIT_EVENTS, event)

    def _sign_in(self, session: str, origin: Origin, *, accepted: bool) -> None:
        self._add(
            SIGN_IN_ATTEMPTS,
            SignIn(at=self._clock(), session=session, accepted=accepted, origin=origin),
        )

    def _add(self, feature: str, event: Event) -> None:
        log = self.logs[feature]
        if self._file is not None:
            self._file.append(feature, log.end, event=event, logs=self.logs)
        log.add(event)


def _session(token_id: str, origin: Origin) -> str:
    return ids.derive("session", token_id, origin.user_agent, origin.address).upper()
