"""The admin port's endpoints for request log, faults, first sync and settings."""

from __future__ import annotations

import dataclasses

from aiohttp import web

from onepassword_operator.devconnect.admin.answers import (
    done,
    json_reply,
    read_any,
    read_object,
    read_seconds,
)
from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.items.records import Json
from onepassword_operator.devconnect.rest.request_log import LoggedRequest
from onepassword_operator.devconnect.rest.upstream import SERVICES, TIMEOUT_SECONDS
from onepassword_operator.devconnect.server import Parts


class SteeringActions:
    """Endpoints by which tests read and change the behaviour of a running server."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/requests", self.show_requests),
            web.delete("/requests", self.reset_requests),
            web.get("/faults", self.show_faults),
            web.put("/faults", self.replace_faults),
            web.delete("/faults", self.clear_faults),
            web.get("/sync", self.show_sync),
            web.put("/sync", self.restart_sync),
            web.post("/sync/finish", self.finish_sync),
            web.put("/health", self.override_health),
            web.get("/behaviour", self.show_behaviour),
            web.patch("/behaviour", self.change_behaviour),
        ]

    async def show_requests(self, _: web.Request) -> web.Response:
        """Show counters, and the newest requests."""
        log = self._parts.requests
        entries = [_entry(entry) for entry in log.entries]
        return json_reply(
            {
                "total": log.total,
                "by_route": log.by_route,
                "item_reads": log.item_reads,
                "log": entries,
            }
        )

    async def reset_requests(self, _: web.Request) -> web.Response:
        """Start counting from zero."""
        self._parts.requests.clear()
        return done()

    async def show_faults(self, _: web.Request) -> web.Response:
        """List the rules in force."""
        return json_reply(self._parts.faults.show())

    async def replace_faults(self, request: web.Request) -> web.Response:
        """Put a list of rules in force."""
        rules = await read_any(request)
        if not isinstance(rules, list):
            raise bad_request("write a list of rules")
        await self._parts.faults.replace(rules)
        return json_reply(self._parts.faults.show())

    async def clear_faults(self, _: web.Request) -> web.Response:
        """Remove all fault rules."""
        await self._parts.faults.clear()
        return done()

    async def show_sync(self, _: web.Request) -> web.Response:
        """Show the progress of the first sync."""
        return json_reply(self._sync())

    async def restart_sync(self, request: web.Request) -> web.Response:
        """Act as a server that has just started.

        Null as the time of its first sync: the sync ends with `finish_sync`.
        """
        body = await read_object(request)
        if not set(body) <= {"sync_seconds", "timeout_seconds"}:
            raise bad_request("write numbers of seconds for sync_seconds and timeout_seconds")
        endless = "sync_seconds" in body and body["sync_seconds"] is None
        seconds = None if endless else read_seconds(body, "sync_seconds", default=0.0)
        self._parts.upstream.restart(
            sync_seconds=seconds,
            timeout_seconds=read_seconds(body, "timeout_seconds", default=TIMEOUT_SECONDS),
        )
        return json_reply(self._sync())

    async def finish_sync(self, _: web.Request) -> web.Response:
        """Complete the first sync."""
        self._parts.upstream.finish()
        return json_reply(self._sync())

    async def override_health(self, request: web.Request) -> web.Response:
        """Set statuses of services in /health; null restores the real one."""
        body = await read_object(request)
        are_statuses = all(isinstance(status, str | None) for status in body.values())
        if not are_statuses or not set(body) <= set(SERVICES):
            raise bad_request(f"write a status or null for {', '.join(SERVICES)}")
        merged: dict[str, str | None] = {**self._parts.upstream.overrides, **body}
        self._parts.upstream.overrides = {
            service: status for service, status in merged.items() if status is not None
        }
        return json_reply(self._parts.upstream.dependencies())

    async def show_behaviour(self, _: web.Request) -> web.Response:
        """List the settings."""
        return json_reply(self._parts.behaviour.show())

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Change some settings."""
        self._parts.behaviour.update(await read_object(request))
        return json_reply(self._parts.behaviour.show())

    def _sync(self) -> Json:
        return {
            "state": self._parts.upstream.state.value,
            "dependencies": self._parts.upstream.dependencies(),
        }


def _entry(entry: LoggedRequest) -> Json:
    # With only one replica its number is left out.
    return {name: value for name, value in dataclasses.asdict(entry).items() if value is not None}
