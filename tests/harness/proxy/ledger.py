"""What passed the Kubernetes proxy: one record per request, in order of arrival, never a body.

Requests are named as RBAC and the audit log name them (`k8s.io/apiserver/pkg/endpoints/request`).
"""

import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
VERBS_WITHOUT_NAME = {"get": "list", "delete": "deletecollection"}


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """One request as the proxy saw it."""

    at: float  # time.monotonic() of arrival
    verb: str
    resource: str  # "" for paths that are no resource: /version, /readyz, discovery
    subresource: str
    namespace: str
    name: str  # of a created object too, taken from its metadata; "" when the server generates it
    user_agent: str
    forwarded: bool = False  # the API server has answered it, whether or not the client ever learnt of it
    status: int | None = None  # None while under way, or dropped before it reached the API server

    @property
    def is_write(self) -> bool:
        return self.resource != "" and self.verb in WRITES

    @property
    def is_event(self) -> bool:
        """Whether it is about Kubernetes Events, whose number and moment nobody promises."""
        return self.resource == "events"

    @property
    def committed(self) -> bool:
        """Whether it changed the cluster."""
        return self.is_write and self.forwarded and self.status is not None and self.status < 300


def parse(method: str, path_and_query: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Name the request; the body is looked at for the name of an object that is created, and not kept."""
    path, _, query = path_and_query.partition("?")
    namespace, resource, name, subresource = parse_path(path)
    verb = VERBS.get(method, method.lower())
    if resource and not name:
        verb = VERBS_WITHOUT_NAME.get(verb, verb)
    if verb in {"get", "list"} and urllib.parse.parse_qs(query).get("watch", [""])[0] in {"1", "true"}:
        verb = "watch"
    return Request(
        at=time.monotonic(),
        verb=verb,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name or (name_in(body) if verb == "create" else ""),
        user_agent=headers.get("User-Agent", ""),
    )


def parse_path(path: str) -> tuple[str, str, str, str]:
    """Namespace, resource, name and subresource of a path; all empty when it is no resource."""
    match [urllib.parse.unquote(part) for part in path.split("/") if part]:
        case ["api", _, *rest] | ["apis", _, _, *rest]:
            pass
        case _:
            return "", "", "", ""
    match rest:
        case ["namespaces", namespace, resource, *more] if resource not in {"status", "finalize"}:
            return namespace, resource, *name_and_subresource(more)
        case ["namespaces", namespace, *more]:
            return namespace, "namespaces", namespace, "/".join(more)
        case [resource, *more]:
            return "", resource, *name_and_subresource(more)
    return "", "", "", ""


def name_and_subresource(parts: list[str]) -> tuple[str, str]:
    return (parts[0] if parts else ""), "/".join(parts[1:])


def name_in(body: bytes) -> str:
    """The name in the metadata of a JSON object; empty for anything else."""
    try:
        content = json.loads(body)
        return str(content["metadata"].get("name", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
