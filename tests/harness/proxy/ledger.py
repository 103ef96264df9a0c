"""What passed the Kubernetes proxy: one record per request, in order of arrival, never a body.

Requests are named as RBAC and the audit log name them (`k8s.io/apiserver/pkg/endpoints/request`).
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

READS = frozenset({"get", "list", "watch"})
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
VERBS_WITHOUT_NAME = {"get": "list", "delete": "deletecollection"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as the proxy saw it."""

    number: int
    at: float  # time.monotonic() of arrival
    verb: str
    group: str
    resource: str  # "" for paths that are no resource: /version, /readyz, discovery
    subresource: str
    namespace: str
    name: str  # of a created object too, taken from its metadata; "" when the server generates it
    query: str
    user_agent: str
    dry_run: bool
    forwarded: bool = False  # the API server has answered it, whether or not the client ever learnt of it
    status: int | None = None  # None while under way, or dropped before it reached the API server
    faults: tuple[str, ...] = ()  # names of the actions of the rules that took it

    @property
    def is_write(self) -> bool:
        """Whether it asks for a change."""
        return self.resource != "" and self.verb in WRITES

    @property
    def is_event(self) -> bool:
        """Whether it is about Kubernetes Events, whose number and moment nobody promises."""
        return self.resource == "events"

    @property
    def committed(self) -> bool:
        """Whether it changed the cluster."""
        return self.is_write and self.forwarded and not self.dry_run and self.status is not None and self.status < 300


class Ledger:
    """The records; written by the proxy's thread, read by any."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._latest: dict[int, Request] = {}
        self._history: list[Request] = []  # every state of every record, so that a waiter looks at each only once

    def next_number(self) -> int:
        """A number for a request that has arrived."""
        return next(self._numbers)

    def put(self, request: Request) -> None:
        """Add the record, or replace the one of the same number."""
        with self._changed:
            self._latest[request.number] = request
            self._history.append(request)
            self._changed.notify_all()

    def settle(self, number: int, *, status: int, forwarded: bool) -> None:
        """Note the answer."""
        self.put(replace(self._latest[number], status=status, forwarded=forwarded))

    def requests(self) -> list[Request]:
        """The latest state of each, in order of arrival."""
        with self._changed:
            return list(self._latest.values())

    def wait_for(self, predicate: Callable[[Request], bool], timeout: float) -> Request:
        """The first recorded state, past or to come, that satisfies the predicate."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._changed:
            while True:
                for request in itertools.islice(self._history, seen, None):
                    if predicate(request):
                        return request
                seen = len(self._history)
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no such request within {timeout:.0f} s; the last ones were: {self._history[-5:]}")


def parse(number: int, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Name the request; the body is looked at for the name of an object that is created, and not kept."""
    path, _, query = path_and_query.partition("?")
    group, namespace, resource, name, subresource = parse_path(path)
    options = urllib.parse.parse_qs(query)
    verb = VERBS.get(method, method.lower())
    if resource and not name:
        verb = VERBS_WITHOUT_NAME.get(verb, verb)
    if verb in {"get", "list"} and options.get("watch", [""])[0] in {"1", "true"}:
        verb = "watch"
    return Request(
        number=number,
        at=time.monotonic(),
        verb=verb,
        group=group,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name or (name_in(body) if verb == "create" else ""),
        query=query,
        user_agent=headers.get("User-Agent", ""),
        dry_run="All" in options.get("dryRun", []),
    )


def parse_path(path: str) -> tuple[str, str, str, str, str]:
    """Group, namespace, resource, name and subresource of a path; all empty when it is no resource."""
    match [urllib.parse.unquote(part) for part in path.split("/") if part]:
        case ["api", _, *rest]:
            group = ""
        case ["apis", group, _, *rest]:
            pass
        case _:
            return "", "", "", "", ""
    namespace = ""
    match rest:
        case ["namespaces", namespace, resource, *more] if resource not in {"status", "finalize"}:
            return group, namespace, resource, *name_and_subresource(more)
        case ["namespaces", namespace, *more]:
            return group, namespace, "namespaces", namespace, "/".join(more)
        case [resource, *more]:
            return group, "", resource, *name_and_subresource(more)
    return "", "", "", "", ""


def name_and_subresource(parts: list[str]) -> tuple[str, str]:
    """What follows the resource in a path."""
    return (parts[0] if parts else ""), "/".join(parts[1:])


def name_in(body: bytes) -> str:
    """The name in the metadata of a JSON object; empty for anything else."""
    try:
        content = json.loads(body)
        return str(content["metadata"].get("name", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
