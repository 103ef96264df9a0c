"""The activity log of the API, as `GET /v1/activity` shows it.

A record has the token, vault and item of a request, and never a value.
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.items import rendering
from onepassword_operator.devconnect.items.records import Json

DEFAULT_LIMIT: Final = 50
_MOST_DIGITS: Final = 9
_ACTIONS: Final = {
    "GET": "READ",
    "POST": "CREATE",
    "PUT": "UPDATE",
    "PATCH": "UPDATE",
    "DELETE": "DELETE",
}
_ITEM_PART: Final = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One authenticated request; `denied` when the token did not allow it."""

    number: int
    at: float
    method: str
    ids: tuple[str, ...]
    about_items: bool
    item_version: int | None
    token_id: str
    user_agent: str
    address: str
    denied: bool

    def show(self) -> Json:
        """Write the record as the API does."""
        return {
            "requestId": str(
                uuid.UUID(
                    bytes=hashlib.sha256(f"request {self.number}".encode()).digest()[:16], version=4
                )
            ),
            "timestamp": rendering.timestamp(self.at),
            "action": _ACTIONS[self.method],
            "result": "DENY" if self.denied else "SUCCESS",
            "actor": {
                "id": ids.INTEGRATION_ID,
                "account": ids.ACCOUNT_ID,
                "jti": self.token_id,
                "userAgent": self.user_agent,
                "requestIp": self.address,
            },
            "resource": self._resource(),
        }

    def _resource(self) -> Json:
        resource: Json = {}
        if not self.denied:
            resource["type"] = "ITEM" if self.about_items else "VAULT"
        if self.ids:
            resource["vault"] = {"id": self.ids[0]}
        if len(self.ids) >= _ITEM_PART:
            resource["item"] = {"id": self.ids[1]}
        if self.item_version is not None:
            resource["itemVersion"] = self.item_version
        return resource


class ActivityLog:
    """The newest records, as many as the behaviour says."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._records: deque[Activity] = deque()
        self.arrived = 0

    def add(self, record: Activity) -> None:
        """Take note of a request."""
        self.arrived += 1
        self._records.appendleft(record)
        while len(self._records) > self._behaviour.activity_kept:
            self._records.pop()

    def page(self, limit: str | None, offset: str | None) -> tuple[Sequence[Activity], str]:
        """Return the requested records, newest first, and the Content-Range.

        The range is first and last, counted from 1, and the number of all records.
        """
        first = _number(offset, "offset", least=0, default=0)
        wanted = min(
            _number(limit, "limit", least=1, default=DEFAULT_LIMIT), self._behaviour.activity_limit
        )
        found = tuple(islice(self._records, first, first + wanted))
        span = f"{first + 1}-{first + len(found)}" if found else "0-0"
        return found, f"{span}/{len(self._records)}"


def _number(given: str | None, name: str, *, least: int, default: int) -> int:
    if given is None or given == "":
        return default
    if (
        not given.isascii()
        or not given.isdigit()
        or len(given) > _MOST_DIGITS
        or int(given) < least
    ):
        raise bad_request(f"Invalid {name}: write a whole number from {least}")
    return int(given)
