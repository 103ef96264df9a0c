"""Which requests the Kubernetes proxy treats badly, and how.

    proxy.add(Rule(CallAfter(lambda _: False), verb="patch", resource="secrets", nth=2))
    held = proxy.add(Rule(HoldEvents(), resource="onepassworditems"))
    held.release()

Everything here runs in the proxy's thread; a rule is used by one proxy at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import ClassVar

from aiohttp import web

from harness.proxy.ledger import Request


class Dropped(Exception):  # noqa: N818  it ends a request, as asked for, and is no error
    """The client's connection is to be aborted without an answer."""


@dataclass(frozen=True, slots=True)
class Action:
    """What happens to a request that a rule takes; by itself nothing."""

    watches_only: ClassVar[bool] = False

    async def before(self, request: Request, /) -> web.Response | None:
        """Called before it is forwarded; a response is the answer in place of the API server's."""

    async def after(self, request: Request, /) -> None:
        """Called when the API server has answered and the client doesn't know yet."""


@dataclass(frozen=True, slots=True)
class Delay(Action):
    """Forward later, also when the client has given up by then: a slow network delivers too."""

    seconds: float

    async def before(self, _request: Request, /) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Respond(Action):
    """Answer in place of the API server, as it would: with a Status object."""

    status: int
    reason: str = ""
    message: str = "answered by the fault proxy"
    retry_after: int | None = None  # seconds

    async def before(self, request: Request, /) -> web.Response:
        details: dict[str, object] = {"name": request.name, "kind": request.resource}
        headers = {}
        if self.retry_after is not None:
            details["retryAfterSeconds"], headers["Retry-After"] = self.retry_after, str(self.retry_after)
        body: dict[str, object] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message}
        body |= {"reason": self.reason, "details": details, "code": self.status}
        return web.json_response(body, status=self.status, headers=headers)


@dataclass(frozen=True, slots=True)
class CallBefore(Action):
    """Call before forwarding. If it returns False, the request is not forwarded and the connection is aborted.

    The proxy stands still during the call. An exception in it is logged and answered with 500.
    """

    hook: Callable[[Request], object]

    async def before(self, request: Request, /) -> None:
        if self.hook(request) is False:
            raise Dropped


@dataclass(frozen=True, slots=True)
class CallAfter(Action):
    """Call when the API server has answered. If it returns False, the answer is dropped and the connection aborted."""

    hook: Callable[[Request], object]

    async def after(self, request: Request, /) -> None:
        if self.hook(request) is False:
            raise Dropped


@dataclass(frozen=True, slots=True)
class HoldEvents(Action):
    """Watches, open ones included, pass nothing on until the rule is released or removed; then everything, in order."""

    watches_only: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class CutWatches(Action):
    """End watches as the API server ends them at their time limit: open ones at once, new ones after their lifetime.

    To cut the open ones and no other: `proxy.remove(proxy.add(Rule(CutWatches())))`.
    """

    watches_only: ClassVar[bool] = True
    lifetime: float = 0.0  # seconds


@dataclass(eq=False, slots=True)
class Rule:
    """An action and the requests it is for; what is left out matches everything.

    `nth` takes only that one of the matching requests, counted from 1 when the rule is added; `times` takes that many first ones.
    """

    action: Action
    verb: str | Collection[str] | None = field(default=None, kw_only=True)
    resource: str | None = field(default=None, kw_only=True)
    subresource: str | None = field(default=None, kw_only=True)  # "" means none
    namespace: str | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    where: Callable[[Request], bool] | None = field(default=None, kw_only=True)
    nth: int | None = field(default=None, kw_only=True)
    times: int | None = field(default=None, kw_only=True)
    matched: int = field(init=False, default=0)
    on_release: Callable[[Rule], None] | None = field(init=False, default=None, repr=False)

    def takes(self, request: Request) -> bool:
        """Whether the action is due for this request; counts it if it matches."""
        if not self.matches(request):
            return False
        self.matched += 1
        if self.nth is not None:
            return self.matched == self.nth
        return self.times is None or self.matched <= self.times

    def matches(self, request: Request) -> bool:
        verbs = (self.verb,) if isinstance(self.verb, str) else self.verb
        wanted = (self.resource, self.subresource, self.namespace, self.name)
        actual = (request.resource, request.subresource, request.namespace, request.name)
        return (
            (verbs is None or request.verb in verbs)
            and (request.verb == "watch" or not self.action.watches_only)
            and all(want is None or want == have for want, have in zip(wanted, actual, strict=True))
            and (self.where is None or self.where(request))
        )

    def release(self) -> None:
        """End a HoldEvents for good: what it held back passes now, and it holds no later watch; callable from any thread."""
        if self.on_release is not None:
            self.on_release(self)
