"""A running server: owns the two ports, the data and the clock, from start to stop."""

from __future__ import annotations

import dataclasses
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Final, Self

from aiohttp import web

from onepassword_operator.devconnect.admin import endpoints as admin
from onepassword_operator.devconnect.admin.tokens import Mint
from onepassword_operator.devconnect.api_port import SHUTDOWN_SECONDS, ApiPort, url_of
from onepassword_operator.devconnect.auth.signing import SigningKey
from onepassword_operator.devconnect.auth.tokens import EVERY_VAULT, MODES, Tokens
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.events.activity import ActivityLog
from onepassword_operator.devconnect.events.feed import EventFeed
from onepassword_operator.devconnect.events.records import FEATURES
from onepassword_operator.devconnect.events.tokens import EventTokens
from onepassword_operator.devconnect.faults.injection import Faults
from onepassword_operator.devconnect.rest.balancing import BY_CONNECTION, Balancer
from onepassword_operator.devconnect.rest.events_api import EventsApi
from onepassword_operator.devconnect.rest.metrics import ApiMetrics
from onepassword_operator.devconnect.rest.rate_limit import RateLimit
from onepassword_operator.devconnect.rest.request_log import RequestLog
from onepassword_operator.devconnect.rest.upstream import Upstream
from onepassword_operator.devconnect.server import ConnectApi, Parts
from onepassword_operator.devconnect.store.editing import Editor
from onepassword_operator.devconnect.store.seed import Seed
from onepassword_operator.devconnect.store.state import State
from onepassword_operator.devconnect.store.vault_store import VaultStore

LOOPBACK: Final = ("127.0.0.1", 0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a server; port 0 takes a free one."""

    listen: tuple[str, int] = LOOPBACK
    admin: tuple[str, int] = LOOPBACK
    clock: Callable[[], float] = time.time
    behaviour: Behaviour = dataclasses.field(default_factory=Behaviour)
    id_seed: str = ""
    """Changes the ids that are derived from names."""
    tls: ssl.SSLContext | None = None
    """TLS context of the API port; the admin port has none."""
    state: State | None = None
    """Directory that keeps everything over restarts; closed with the server."""
    replicas: int = 1
    """Number of simulated Connect pods behind the address."""
    balance: str = BY_CONNECTION
    """Whether each new connection or each request goes to a replica at random."""
    balance_seed: int | None = None
    """Seed of the balancing: the same order of requests gives the same choices."""


class DevConnect:
    """An embedded Connect server, or replicas that share everything except the readers' view."""

    url: str
    admin_url: str

    def __init__(self, options: Options) -> None:
        clock = options.clock
        self.behaviour = options.behaviour
        self.balancer = Balancer(
            options.replicas, balance=options.balance, seed=options.balance_seed
        )
        self.store = VaultStore(
            clock=clock,
            behaviour=self.behaviour,
            id_seed=options.id_seed,
            replicas=options.replicas,
        )
        self.feed = EventFeed(
            clock=clock,
            behaviour=self.behaviour,
            file=None if options.state is None else options.state.events,
        )
        self.editor = Editor(self.store, self.feed)
        self.requests = RequestLog()
        self._state = options.state
        self.tokens = _tokens(options)
        event_tokens = EventTokens(self.tokens, clock=clock, behaviour=self.behaviour)
        self._port = ApiPort(*options.listen, tls=options.tls)
        self.faults = Faults(self._port, hold=self.store.hold, clock=clock)
        self.upstream = Upstream(reachable=self.faults.is_online)
        parts = Parts(
            store=self.store,
            balancer=self.balancer,
            tokens=self.tokens,
            faults=self.faults,
            requests=self.requests,
            activity=ActivityLog(self.behaviour),
            metrics=ApiMetrics(),
            upstream=self.upstream,
            behaviour=self.behaviour,
            clock=clock,
            feed=self.feed,
            events=EventsApi(
                self.feed, event_tokens, RateLimit(clock=clock, behaviour=self.behaviour)
            ),
        )
        self._api = ConnectApi(parts)
        self._mint = Mint(
            tokens=self.tokens, event_tokens=event_tokens, editor=self.editor, feed=self.feed
        )
        self._admin = web.AppRunner(
            admin.build(parts, self._mint), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
        )
        self.token = self.tokens.mint({EVERY_VAULT: MODES["rw"]})

    @classmethod
    async def start(cls, seed: Seed | None = None, options: Options | None = None) -> Self:
        """Fill the store and listen on both ports.

        A state directory with content replaces the seed.

        Raises:
            BalanceError: the replicas are invalid.
        """
        options = options or Options()
        server = cls(options)
        try:
            server._fill(seed or Seed(), options.state)
            await server._listen(options.admin)
        except OSError:
            await server.stop()
            raise
        return server

    def _fill(self, seed: Seed, state: State | None) -> None:
        if state is None or state.is_new:
            seed.fill(self.store)
        else:
            self.store.restore(state.contents)
        if state is not None:
            if state.is_new:
                state.rewrite(self.store.snapshot())
            self.store.keep(state)

    async def _listen(self, admin_address: tuple[str, int]) -> None:
        await self._port.serve(self._api)
        await self._admin.setup()
        host, port = admin_address
        await web.TCPSite(self._admin, host, port).start()
        self.url = self._port.url
        self.admin_url = url_of(host, self._admin.addresses[0][1], scheme="http")

    def mint(
        self, *, vaults: Mapping[str, str] | None = None, expires_in_seconds: float | None = None
    ) -> str:
        """Make a token for vaults by name or id with mode `r`, `w` or `rw`; none means all vaults.

        Raises:
            ApiError: a vault is unknown.
            ValueError: a mode is unknown.
        """
        return self._mint.for_vaults(vaults, expires_in_seconds=expires_in_seconds)

    def mint_for_events(self, *features: str, expires_in_seconds: float | None = None) -> str:
        """Make a token of the Events API for these features; without any, for all of them."""
        return self._mint.for_events(
            list(features or FEATURES), expires_in_seconds=expires_in_seconds
        )

    async def stop(self) -> None:
        """Close both ports; requests still open are cut off."""
        self.upstream.close()
        await self.faults.close()
        await self._port.stop()
        await self._admin.cleanup()
        if self._state is not None:
            self._state.close()


def _tokens(options: Options) -> Tokens:
    state, clock, behaviour = options.state, options.clock, options.behaviour
    if state is None:
        return Tokens(SigningKey.make(), clock=clock, behaviour=behaviour)
    return Tokens(
        state.key,
        clock=clock,
        behaviour=behaviour,
        revoked=state.revoked,
        remember=state.keep_revoked,
    )
