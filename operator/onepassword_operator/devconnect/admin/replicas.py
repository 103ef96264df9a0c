"""The admin port's endpoints for lag, of all replicas or of one, and for balancing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from onepassword_operator.devconnect.admin.answers import json_reply, read_object, read_seconds
from onepassword_operator.devconnect.errors import ApiError, bad_request
from onepassword_operator.devconnect.items.records import Json
from onepassword_operator.devconnect.rest.balancing import BALANCES
from onepassword_operator.devconnect.server import Parts
from onepassword_operator.devconnect.store.visibility import FOR_EVER, Lag

_DURATION: Final = "for_seconds"
_LAGS: Final = tuple(field.name for field in dataclasses.fields(Lag))


class ReplicaActions:
    """Endpoints for replicas that are out of step. In JSON null stands for an endless lag."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/lag", self.show_lag),
            web.put("/lag", self.set_lag),
            web.get("/replicas", self.show_replicas),
            web.patch("/replicas", self.change_balance),
            web.put("/replicas/{number}", self.set_replica),
        ]

    async def show_lag(self, _: web.Request) -> web.Response:
        """Show the lag of readers; the largest one if replicas differ."""
        return json_reply(
            dataclasses.asdict(_furthest(view.lag for view in self._parts.store.replicas))
        )

    async def set_lag(self, request: web.Request) -> web.Response:
        """Set the lag of all replicas, for ever or for a while."""
        lag, for_seconds = _read_lag(await read_object(request))
        for view in self._parts.store.replicas:
            view.set_lag(lag, for_seconds=for_seconds)
        return await self.show_lag(request)

    async def show_replicas(self, _: web.Request) -> web.Response:
        """Show the way to balance, and lag and number of requests of each replica."""
        return json_reply(self._shown())

    async def change_balance(self, request: web.Request) -> web.Response:
        """Change the way to balance."""
        body = await read_object(request)
        _refuse_unknown(
            body,
            ("balance", "seed"),
            remedy=f"write balance ({' or '.join(BALANCES)}), seed (a whole number), or both",
        )
        seed = body.get("seed")
        if isinstance(seed, bool) or not isinstance(seed, int | None):
            raise bad_request("seed must be a whole number")
        self._parts.balancer.change(balance=body.get("balance"), seed=seed)
        return json_reply(self._shown())

    async def set_replica(self, request: web.Request) -> web.Response:
        """Set the lag of one replica, for ever or for a while."""
        number = self._number(request.match_info["number"])
        lag, for_seconds = _read_lag(await read_object(request))
        self._parts.store.replicas[number].set_lag(lag, for_seconds=for_seconds)
        return json_reply(self._replica(number))

    def _number(self, given: str) -> int:
        numbers = [str(number) for number in range(self._parts.balancer.replicas)]
        if given not in numbers:
            there = f"there are {', '.join(numbers)}" if len(numbers) > 1 else "there is 0 only"
            raise ApiError(
                404, f"replica {given} not found: {there}; --replicas at the start says how many"
            )
        return int(given)

    def _shown(self) -> Json:
        balancer = self._parts.balancer
        return {
            "balance": balancer.balance,
            "replicas": [self._replica(number) for number in range(balancer.replicas)],
        }

    def _replica(self, number: int) -> Json:
        lag = self._parts.store.replicas[number].lag
        return {
            "number": number,
            **dataclasses.asdict(lag),
            "requests": self._parts.requests.by_replica[number],
        }


def _read_lag(body: Mapping[str, Any]) -> tuple[Lag, float]:
    names = sorted((*_LAGS, _DURATION))
    _refuse_unknown(
        body, names, remedy=f"write numbers of seconds, or null for ever, for {', '.join(names)}"
    )
    lag = Lag(**{name: read_seconds(body, name, default=0.0, null=FOR_EVER) for name in _LAGS})
    return lag, read_seconds(body, _DURATION, default=FOR_EVER, null=FOR_EVER)


def _refuse_unknown(body: Mapping[str, Any], known: Iterable[str], *, remedy: str) -> None:
    unknown = sorted(set(body).difference(known))
    if unknown:
        raise bad_request(f"unknown member {unknown[0]!r}: {remedy}")


def _furthest(lags: Iterable[Lag]) -> Lag:
    seen = list(lags)
    return Lag(**{name: max(getattr(lag, name) for lag in seen) for name in _LAGS})
