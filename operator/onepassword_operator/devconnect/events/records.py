"""The events of the Events API: uses of items, sign-ins, and changes. They never hold a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, TypeAlias

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.items import rendering
from onepassword_operator.devconnect.items.records import Json

ITEM_USAGES: Final = "itemusages"
SIGN_IN_ATTEMPTS: Final = "signinattempts"
AUDIT_EVENTS: Final = "auditevents"
FEATURES: Final = (AUDIT_EVENTS, ITEM_USAGES, SIGN_IN_ATTEMPTS)
"""Features of tokens, and names of the endpoints."""

# The location of a development server's caller is not known.
_NOWHERE: Final = "ZZ"
_PEOPLE: Final[Mapping[str, tuple[str, str, str]]] = {
    ids.INTEGRATION_ID: ("Connect server", "connect@accounts.example", "service_account"),
    ids.PERSON_ID: ("Person in the app", "person@accounts.example", "user"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The client that a request came from; a change on the admin port has none in particular."""

    user_agent: str = ""
    address: str = ""

    def client(self) -> Json:
        """Show it as the client of an event."""
        name, _, version = self.user_agent.partition(" ")[0].partition("/")
        return {
            "app_name": name or "unknown",
            "app_version": version,
            "platform_name": "dev-connect",
            "platform_version": "",
            "os_name": "",
            "os_version": "",
            "ip_address": self.address,
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ItemUsage:
    """A read or a write of an item."""

    at: float
    action: str
    vault_id: str
    item_id: str
    version: int
    person: str
    origin: Origin

    def show(self, uuid: str) -> Json:
        """Write it as the API does."""
        return {
            "uuid": uuid,
            "timestamp": rendering.timestamp(self.at),
            "used_version": self.version,
            "vault_uuid": self.vault_id,
            "item_uuid": self.item_id,
            "action": self.action,
            "user": user(self.person),
            "client": self.origin.client(),
            "account_uuid": ids.ACCOUNT_ID,
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A token that was presented, and whether it was accepted.

    `session` tells one client's use of a token from another's.
    """

    at: float
    session: str
    accepted: bool
    origin: Origin

    def show(self, uuid: str) -> Json:
        """Write it as the API does."""
        return {
            "uuid": uuid,
            "session_uuid": self.session,
            "timestamp": rendering.timestamp(self.at),
            "category": "success" if self.accepted else "credentials_failed",
            "type": "credentials_ok" if self.accepted else "password_secret_bad",
            "country": _NOWHERE,
            "target_user": user(ids.INTEGRATION_ID),
            "client": self.origin.client(),
            "account_uuid": ids.ACCOUNT_ID,
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """A change of a vault, an item or a token; `vault_id` names the vault that an item is in."""

    at: float
    action: str
    object_type: str
    object_id: str
    person: str
    origin: Origin
    vault_id: str | None = None

    def show(self, uuid: str) -> Json:
        """Write it as the API does."""
        person = user(self.person)
        shown: Json = {
            "uuid": uuid,
            "timestamp": rendering.timestamp(self.at),
            "actor_uuid": self.person,
            "actor_details": {name: person[name] for name in ("uuid", "name", "email")},
            "actor_type": person["user_type"],
            "actor_account_uuid": ids.ACCOUNT_ID,
            "account_uuid": ids.ACCOUNT_ID,
            "action": self.action,
            "object_type": self.object_type,
            "object_uuid": self.object_id,
        }
        if self.vault_id is not None:
            shown["aux_uuid"] = self.vault_id
        if self.origin.address:
            shown["session"] = {"ip": self.origin.address}
        return shown


Event: TypeAlias = AuditEvent | ItemUsage | SignIn
"""Something that happened."""


def user(person: str) -> Json:
    """Render the user of an event."""
    name, email, kind = _PEOPLE[person]
    return {
        "uuid": person,
        "name": name,
        "email": email,
        "user_type": kind,
        "user_account_uuid": ids.ACCOUNT_ID,
    }
