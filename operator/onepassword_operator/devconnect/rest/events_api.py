"""The Events API beside Connect's: decides the order of checks for a request and answers it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from onepassword_operator.devconnect import ids, json_codec
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.events.feed import EventFeed
from onepassword_operator.devconnect.events.paging import Reader
from onepassword_operator.devconnect.events.tokens import INTEGRATION_ID, EventTokens
from onepassword_operator.devconnect.items import rendering
from onepassword_operator.devconnect.rest import routing
from onepassword_operator.devconnect.rest.calls import receive
from onepassword_operator.devconnect.rest.rate_limit import RateLimit
from onepassword_operator.devconnect.rest.replies import error_response, json_response

_LARGEST_BODY: Final = 64 * 1024


class EventsApi:
    """Answers the requests under `/api/v2`."""

    def __init__(self, feed: EventFeed, tokens: EventTokens, rate: RateLimit) -> None:
        self._feed = feed
        self._tokens = tokens
        self._rate = rate

    async def answer(self, request: web.BaseRequest, template: str) -> web.Response:
        """Answer a request of a known route, or raise its refusal."""
        grant = self._tokens.verify(request.headers.get("Authorization"))
        wait = self._rate.take()
        if wait is not None:
            refusal = error_response(429, "Too many requests")
            refusal.headers["Retry-After"] = str(wait)
            return refusal
        if template == routing.INTROSPECT:
            return _introspection(grant.issued_at, grant.features)
        feature = routing.EVENTS[template]
        grant.check(feature)
        return await self._events(request, feature)

    async def _events(self, request: web.BaseRequest, feature: str) -> web.Response:
        feed = self._feed
        reader = Reader.asked(await _body(request), feature=feature, run=feed.run)
        page, onwards = feed.page(reader)
        items = [event.show(feed.uuid(feature, position)) for position, event in page.events]
        shown = {"cursor": onwards.cursor(), "has_more": page.has_more, "items": items}
        return json_response(json_codec.encode(shown))


async def _body(request: web.BaseRequest) -> bytes:
    try:
        return await receive(request, limit=_LARGEST_BODY)
    except ApiError:
        # The Events API knows no 413.
        raise ApiError(400, "The request body is too large") from None


def _introspection(issued_at: float, features: tuple[str, ...]) -> web.Response:
    shown = {
        "uuid": INTEGRATION_ID,
        "issued_at": rendering.timestamp(issued_at),
        "features": features,
        "account_uuid": ids.ACCOUNT_ID,
    }
    return json_response(json_codec.encode(shown))
