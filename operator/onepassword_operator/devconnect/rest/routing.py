"""Path → endpoint. A trailing slash is ignored, and ids never appear in a route's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from onepassword_operator.devconnect.events.records import FEATURES

HEARTBEAT: Final = "/heartbeat"
HEALTH: Final = "/health"
METRICS: Final = "/metrics"
ACTIVITY: Final = "/v1/activity"
VAULTS: Final = "/v1/vaults"
VAULT: Final = "/v1/vaults/:uuid"
ITEMS: Final = "/v1/vaults/:uuid/items"
ITEM: Final = "/v1/vaults/:uuid/items/:uuid"
FILES: Final = "/v1/vaults/:uuid/items/:uuid/files"
FILE: Final = "/v1/vaults/:uuid/items/:uuid/files/:uuid"
CONTENT: Final = "/v1/vaults/:uuid/items/:uuid/files/:uuid/content"
INTROSPECT: Final = "/api/v2/auth/introspect"
UNKNOWN: Final = "(unknown)"

OPEN: Final = frozenset({HEARTBEAT, HEALTH, METRICS})
"""Endpoints that need no token."""
EVENTS: Final[Mapping[str, str]] = {f"/api/v2/{feature}": feature for feature in FEATURES}
"""Endpoints of the Events API that list events, with their features."""
_WITHOUT_IDS: Final = OPEN | {ACTIVITY, INTROSPECT} | EVENTS.keys()
_BY_LENGTH: Final = {2: VAULTS, 3: VAULT, 4: ITEMS, 5: ITEM, 6: FILES, 7: FILE, 8: CONTENT}
_ID_POSITIONS: Final = (2, 4, 6)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The endpoint's template and the ids in the path: vault, item, file."""

    template: str
    ids: tuple[str, ...] = ()


def resolve(path: str) -> Target:
    """Find the endpoint of a path; an unknown path gets the template `(unknown)`."""
    path = path.removesuffix("/")
    if path in _WITHOUT_IDS:
        return Target(template=path)
    parts = path.split("/")[1:]
    template = _BY_LENGTH.get(len(parts), UNKNOWN)
    if template == UNKNOWN or any(
        part != name
        for part, name in zip(parts, template.split("/")[1:], strict=True)
        if name != ":uuid"
    ):
        return Target(template=UNKNOWN)
    return Target(
        template=template,
        ids=tuple(parts[position] for position in _ID_POSITIONS if position < len(parts)),
    )
