"""Sees when Secrets and resources reach a state, by one watch each.

A watch is cheap for the API server, and never late by a poll.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import urllib3

from controlplane.fixtures import Observer
from harness.world import PREFIX

METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
READY = "True"
LONGEST_SECONDS = 4 * 3600
"""Without it the API server ends a watch after half an hour to an hour."""


class Sightings:
    """A watch, in its own thread, that notes when each object was first seen in each state."""

    def __init__(
        self,
        observer: Observer,
        path: str,
        *,
        state: Callable[[dict[str, Any]], str],
        accept: str,
        selector: str = "",
    ) -> None:
        self._state = state
        self._changed = threading.Condition()
        self._seen: dict[tuple[str, str], float] = {}
        self._failure: Exception | None = None
        self._closing = False
        query = {"watch": "true", "timeoutSeconds": str(LONGEST_SECONDS)} | (
            {"fieldSelector": selector} if selector else {}
        )
        url = f"{observer.api.configuration.host}{path}?{urlencode(query)}"
        # The official client's own pool and credentials; its watch helper would parse whole
        # objects, and slow what it looks at.
        pool: urllib3.PoolManager = observer.api.rest_client.pool_manager
        self._open: Callable[[], urllib3.BaseHTTPResponse] = lambda: pool.request(
            "GET", url, headers={"Accept": accept}, preload_content=False
        )
        self._response = self._open()
        if self._response.status != 200:
            raise RuntimeError(f"the watch of {path} was refused with {self._response.status}")
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._closing = True
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._response.shutdown()
        self._thread.join(10)
        self._response.close()

    def wait(
        self,
        names: Iterable[str],
        state: str,
        *,
        timeout: float,
        report: Callable[[int], object] = bool,
    ) -> dict[str, float]:
        """Wait, and return when each object was first in the state, on the monotonic clock.

        `report` is called with the number of objects that are, as it grows.
        """
        wanted = [(name, state) for name in names]
        seen = self.wait_some(wanted, timeout=timeout, report=report)
        if missing := sorted(set(wanted) - seen.keys()):
            raise RuntimeError(
                f"{len(missing)} of {len(wanted)} never got there, such as {missing[:3]}"
            )
        return {name: moment for (name, _), moment in seen.items()}

    def wait_some(
        self,
        wanted: Iterable[tuple[str, str]],
        *,
        timeout: float,
        report: Callable[[int], object] = bool,
    ) -> dict[tuple[str, str], float]:
        """The same for objects and states of all kinds; after the timeout, as many as there are."""
        keys = set(wanted)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                report(len(keys & self._seen.keys()))
                if self._failure:
                    raise RuntimeError("the benchmark's own watch ended") from self._failure
                if keys <= self._seen.keys() or time.monotonic() > deadline:
                    return {key: self._seen[key] for key in keys & self._seen.keys()}
                self._changed.wait(0.1)

    def _follow(self) -> None:
        try:
            # The API server ends the watch of who can't keep up; what it held back comes first in
            # the next one, a moment late.
            while not self._ended():
                for line in self._lines():
                    self._take(json.loads(line))
                if not self._ended():
                    self._response = self._open()
        except (urllib3.exceptions.HTTPError, OSError, ValueError, KeyError, RuntimeError) as error:
            with self._changed:
                self._failure = None if self._closing else error

    def _ended(self) -> bool:
        return self._closing

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        for piece in self._response.stream(65536):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines

    def _take(self, event: dict[str, Any]) -> None:
        now = time.monotonic()
        if event["type"] not in {"ADDED", "MODIFIED"}:
            return
        key = (event["object"]["metadata"]["name"], self._state(event["object"]))
        # Nobody is woken: whoever waits looks again by itself, and the moment is already noted.
        with self._changed:
            self._seen.setdefault(key, now)


def secret_sightings(observer: Observer) -> Sightings:
    """All Secrets of the cluster; the state is the item version that they hold.

    Their data is not sent.
    """

    def version(secret: dict[str, Any]) -> str:
        return str((secret["metadata"].get("annotations") or {}).get(PREFIX + "item-version", ""))

    return Sightings(
        observer, "/api/v1/secrets", state=version, accept=METADATA_ONLY, selector="type=Opaque"
    )


def item_sightings(observer: Observer) -> Sightings:
    """The OnePasswordItems; the state is that of their Ready condition."""

    def ready(item: dict[str, Any]) -> str:
        conditions = (item.get("status") or {}).get("conditions") or []
        return next((str(c["status"]) for c in conditions if c["type"] == "Ready"), "")

    return Sightings(
        observer,
        "/apis/onepassword.com/v1/onepassworditems",
        state=ready,
        accept="application/json",
    )


def deployment_sightings(observer: Observer, namespace: str) -> Sightings:
    """A namespace's Deployments by generation, which each change of a pod template moves."""

    def generation(deployment: dict[str, Any]) -> str:
        return str(deployment["metadata"]["generation"])

    return Sightings(
        observer,
        f"/apis/apps/v1/namespaces/{namespace}/deployments",
        state=generation,
        accept=METADATA_ONLY,
    )
