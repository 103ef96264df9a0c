"""One authorised request, as the endpoints see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from onepassword_operator.devconnect.auth.tokens import Access, Grant
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.events.activity import ActivityLog
from onepassword_operator.devconnect.events.records import Origin
from onepassword_operator.devconnect.items.records import Item
from onepassword_operator.devconnect.rest import routing
from onepassword_operator.devconnect.store.vault_store import VaultStore
from onepassword_operator.devconnect.store.visibility import Visibility


@dataclasses.dataclass(slots=True, kw_only=True)
class Call:
    """An authorised request: its token's grant, the ids of its path, and the data.

    `visible` is the view of the answering replica.

    The endpoint sets `item` and `stored` for the activity log and the events.
    """

    request: web.BaseRequest
    target: routing.Target
    grant: Grant
    origin: Origin
    store: VaultStore
    visible: Visibility
    behaviour: Behaviour
    activity: ActivityLog
    now: float
    item: Item | None = None
    stored: bool = False

    @property
    def vault_id(self) -> str:
        """The vault of the path."""
        return self.target.ids[0]

    @property
    def item_id(self) -> str:
        """The item of the path."""
        return self.target.ids[1]

    @property
    def may_read(self) -> bool:
        """Whether the token may see values of the path's vault."""
        return self.grant.access_to(self.vault_id) & Access.READ == Access.READ

    def query(self, name: str) -> str | None:
        """Return a query parameter; a plus sign in it means a space."""
        return self.request.query.get(name) if self.request.query_string else None

    async def receive(self) -> bytes:
        """Wait for the body.

        A write receives it before it reads the store, so that the store can't change in between.
        """
        return await receive(self.request, limit=self.behaviour.body_limit_bytes)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An endpoint: its function, and the permission that it needs in the path's vault."""

    answer: Callable[[Call], Awaitable[web.Response]]
    needs: Access = Access.NONE
    action: str = "read"


async def receive(request: web.BaseRequest, *, limit: int) -> bytes:
    """Wait for a body, or raise 413."""
    if (request.content_length or 0) > limit:
        raise _too_large()
    if (
        request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
        and request.transport is not None
    ):
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > limit:
            raise _too_large()
    return bytes(body)


def _too_large() -> ApiError:
    return ApiError(413, "The request body is too large")
