"""Everything that can go wrong between the operator and 1Password, one row each: how it is brought about and what is promised meanwhile.

`test_client_faults.py` holds every row and measures it; `reliability_page.py` writes what was measured into docs/reliability.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from faults.stage import DENIED_PROBE_SECONDS, INTERVAL_SECONDS, NEW, Stage
from onepassword_operator.connect.breaker import CONCURRENCY, LISTS_AT_ONCE, PROBE_SECONDS
from onepassword_operator.connect.client import FILE_TRIES, FILES_BYTES, ITEM_BYTES, LIST_BYTES, REFUSALS, TRIES
from onepassword_operator.model.errors import BackendDeniedError, BackendForbiddenError

Allowed = Callable[[float], float]
"""Seconds that a fault lasted → the requests to Connect that may have been made in them."""

AT_ONCE = CONCURRENCY + LISTS_AT_ONCE + 1
"""Calls that may be under way when the circuit opens, the poll's own included."""


def breaker(seconds: float) -> float:
    """Nothing works: what was under way, and one probe after the other, each with its tries."""
    return TRIES * (AT_ONCE + 1 + seconds / PROBE_SECONDS)


def refused(seconds: float) -> float:
    """The token is refused: every look is a double one, and they are far apart."""
    return REFUSALS[BackendDeniedError] * (AT_ONCE + 1 + seconds / DENIED_PROBE_SECONDS)


def paused(retry_after: float) -> Allowed:
    """Connect says when to come back: a new round after every pause."""
    return lambda seconds: AT_ONCE * (2 + seconds / retry_after)


def answered(seconds: float) -> float:
    """It is there and says something else: every Secret that is owed something asks once per interval, and so does the poll."""
    return (NEW + 2) * (2 + seconds / (0.9 * INTERVAL_SECONDS))


def denied(seconds: float) -> float:
    """It is there and says no, which is believed the third time."""
    return REFUSALS[BackendForbiddenError] * answered(seconds)


def as_usual(seconds: float) -> float:
    """Work goes on: one read for each new Secret and for the changed item, the polls with their lists, and each once more."""
    return 2 * (NEW + 3) + 4 * (1 + seconds / INTERVAL_SECONDS)


def again_and_again(seconds: float) -> float:
    """One item fails: it is tried again and again, with pauses that grow to one interval, and the others have their turn."""
    return as_usual(seconds) + (FILE_TRIES + 1) * (1 + seconds / INTERVAL_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row."""

    name: str
    begin: Callable[[Stage], None]
    end: Callable[[Stage], None] = Stage.heal
    owed: str = "OnePasswordUnavailable"
    """What resources say that are owed an answer; Synced where nobody notices anything."""
    lasting: str = "OnePasswordUnavailable"
    """What resources in sync say once it lasts; empty where that is none of their business."""
    hides_changes: bool = False
    """Nobody can see what has changed until it is over."""
    allowed: Allowed = breaker
    retry_after: float = 0.0
    behind_tls: bool = False
    one_item: bool = False
    """Only one of the new resources meets it."""
    memory_cap: int = 0
    """The largest body that is read; memory may grow by twice that."""

    @property
    def is_harmless(self) -> bool:
        """Whether everything is done all the same."""
        return self.owed == "Synced" and not self.lasting and not self.hides_changes


class Rule:
    """A fault of the embedded server, switched on at its admin port."""

    def __init__(self, **members: Any) -> None:
        self.members = members

    def __call__(self, stage: Stage) -> None:
        stage.world.connect.faults(self.members)


def status(code: int, **more: Any) -> Rule:
    return Rule(action="status", status=code, **more)


def lag(**seconds: float) -> Callable[[Stage], None]:
    return lambda stage: stage.world.connect.lag(**seconds)


def with_certificate(name: str) -> Callable[[Stage], None]:
    return lambda stage: stage.show(name)


def endless(*ends: str) -> Callable[[Stage], None]:
    """Replies to paths with these ends never end."""

    def begin(stage: Stage) -> None:
        assert stage.front
        stage.front.endless = tuple(end.format(**stage.ids) for end in ends)

    return begin


WITH_FILES = ITEM_BYTES + FILES_BYTES
ANSWERED: Mapping[str, Any] = {"owed": "OnePasswordAnswerInvalid", "allowed": answered}
UNNOTICED: Mapping[str, Any] = {"owed": "Synced", "lasting": "", "allowed": as_usual}
ONE_ITEM: Mapping[str, Any] = {"lasting": "", "one_item": True, "allowed": again_and_again}
TOO_LARGE: Mapping[str, Any] = {**ONE_ITEM, "owed": "SecretTooLarge"}
FOREIGN: Mapping[str, Any] = {"behind_tls": True}

NETWORK = [
    Fault(name="connections are refused", begin=Rule(action="down")),
    Fault(name="connections are accepted and never answered", begin=Rule(action="hang")),
    Fault(name="connections are reset", begin=Rule(action="reset")),
    Fault(name="a byte of the reply now and then", begin=Rule(action="slow", delay_seconds=600)),
    Fault(name="replies are cut off in the middle", begin=Rule(action="truncate")),
]
GATEWAYS = [
    Fault(name="502 with a page of HTML", begin=Rule(action="html")),
    Fault(name="200 with a page of HTML", begin=Rule(action="html", status=200), **ANSWERED),
    Fault(name="200 with something that is no JSON", begin=Rule(action="garbage"), **ANSWERED),
    Fault(name="replies that are longer than they say", begin=Rule(action="wrong-length")),
    Fault(name="a redirect to another origin (302)", begin=Stage.redirect, **ANSWERED),
    Fault(name="a redirect to another origin that keeps the method (307)", begin=lambda stage: stage.redirect(307), **ANSWERED),
    Fault(name="504", begin=status(504)),
]
CONNECT = [
    Fault(name="500 for everything", begin=status(500)),
    Fault(name="503", begin=status(503)),
    Fault(name="503 with Retry-After: 2", begin=status(503, retry_after=2), allowed=paused(2), retry_after=2),
    Fault(name="429 with Retry-After: 2", begin=status(429, retry_after=2), owed="RateLimited", allowed=paused(2), retry_after=2),
    Fault(name="408 at once, for everything", begin=status(408)),
    Fault(name="a cold Connect: every request waits for the first sync, and is a 408", begin=Stage.grow_cold, end=Stage.finish_sync),
    Fault(name="401 for everything", begin=status(401), owed="Unauthorized", lasting="Unauthorized", allowed=refused),
    Fault(name="403 for everything", begin=status(403), owed="AccessDenied", allowed=denied),
    Fault(
        name="the token is revoked, and later restored",
        begin=Stage.revoke,
        end=Stage.restore,
        owed="Unauthorized",
        lasting="Unauthorized",
        allowed=refused,
    ),
    Fault(
        name="the token is revoked, and the next one put into its file",
        begin=Stage.revoke,
        end=Stage.swap_token,
        owed="Unauthorized",
        lasting="Unauthorized",
        allowed=refused,
    ),
    Fault(name="500 for one item", begin=Stage.break_item, **ONE_ITEM),
    Fault(name="a file that Connect has not fetched yet (500)", begin=Rule(action="unsynced-file"), **ONE_ITEM),
]
PASSING = [
    Fault(name="every third request is a 500", begin=status(500, every=3), **UNNOTICED),
    Fault(name="every third request is a 403", begin=status(403, every=3), **UNNOTICED),
    Fault(name="every third request is a 401", begin=status(401, every=3), **UNNOTICED),
    Fault(name="every third request is a reset", begin=Rule(action="reset", every=3), **UNNOTICED),
    Fault(name="every third reply is cut off", begin=Rule(action="truncate", every=3), **UNNOTICED),
    Fault(name="a file that Connect fetches at the fourth try", begin=Rule(action="unsynced-file", times=3), **UNNOTICED),
    Fault(name="writes are refused as conflicts (409)", begin=Rule(action="conflict"), **UNNOTICED),
]
LAGGING = [
    Fault(name="lists show changes two seconds late", begin=lag(list_seconds=2), end=Stage.catch_up, **UNNOTICED),
    Fault(name="vaults show changes two seconds late", begin=lag(vault_seconds=2), end=Stage.catch_up, **UNNOTICED),
    Fault(name="items show changes two seconds late", begin=lag(get_seconds=2), end=Stage.catch_up, **UNNOTICED),
    Fault(name="Connect can't reach 1Password: reads are stale", begin=Rule(action="offline"), hides_changes=True, **UNNOTICED),
]
TLS = [
    Fault(name="a certificate of an unknown authority", begin=with_certificate("unknown"), **FOREIGN),
    Fault(name="a certificate for another name", begin=with_certificate("misnamed"), **FOREIGN),
    Fault(name="a certificate that has expired", begin=with_certificate("expired"), **FOREIGN),
    Fault(
        name="a certificate of a new authority, which is then put into SSL_CERT_FILE",
        begin=with_certificate("next"),
        end=Stage.trust_next,
        **FOREIGN,
    ),
    Fault(name="no TLS where it is expected", begin=with_certificate("none"), **FOREIGN),
]
ENDLESS = [
    # What is new is found in the lists as they were last read, so it has its Secret.
    Fault(name="lists without end", begin=endless("/vaults", "/items"), owed="Synced", allowed=as_usual, memory_cap=LIST_BYTES, **FOREIGN),
    Fault(name="an item without end", begin=endless("/items/{item}"), memory_cap=WITH_FILES, **TOO_LARGE, **FOREIGN),
    Fault(name="a file without end", begin=endless("{file}/content"), memory_cap=WITH_FILES, **TOO_LARGE, **FOREIGN),
]

FAULTS = [*NETWORK, *GATEWAYS, *CONNECT, *PASSING, *LAGGING, *TLS, *ENDLESS]
