"""LIST and WATCH of our Secrets' metadata. Values are never requested.

A tenant may give our label to Secrets of any size; their data never reach the operator.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp
import msgspec

from onepassword_operator.cluster import page as pages
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.api_errors import Status, asked_pause_seconds, to_error
from onepassword_operator.cluster.lines import Lines
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.model.secret import SecretKey, SecretSight, Sight
from onepassword_operator.wire.metadata import Undecodable

STREAM_SECONDS: Final = 290
"""How long the API server is asked to keep a stream open.

Each stream asks for up to a tenth less, so that they do not all end at once.
"""
SILENCE_SECONDS: Final = 90.0
"""A bookmark comes about every minute, so a stream that is silent for longer is dead."""
GRACE_SECONDS: Final = 30.0

_RESOURCE: Final = "secrets"
_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_KINDS: Final = {
    "ADDED": Sight.SEEN,
    "MODIFIED": Sight.SEEN,
    "DELETED": Sight.GONE,
    "BOOKMARK": Sight.UP_TO_HERE,
}

_log = logging.getLogger(__name__)


class _Object(msgspec.Struct):
    """The metadata of a Secret, or a Status."""

    metadata: pages.Metadata | None = None
    code: int = 0
    reason: str = ""


class _Event(msgspec.Struct):
    type: str
    object: _Object


_EVENTS: Final = msgspec.json.Decoder(_Event)


class KubernetesSecretWatch:
    """`SecretWatch` over the API server."""

    def __init__(self, api: KubernetesApi, *, jitter: Callable[[], float]) -> None:
        self._api = api
        self._jitter = jitter

    async def listed(self, namespace: str) -> AsyncIterator[SecretSight]:
        """Yield each Secret with our label, by page, and then the resourceVersion of the list."""
        state = ""
        async for page in self._api.pages(
            _path(namespace),
            resource=_RESOURCE,
            selector=names.MANAGED_SELECTOR,
            metadata_only=True,
        ):
            state = state or page.resource_version
            for raw in page.raw():
                yield _sight(Sight.SEEN, pages.header(raw))
        yield _sight(Sight.UP_TO_HERE, pages.Metadata(resource_version=state))

    async def changes(self, namespace: str, *, since: int) -> AsyncIterator[SecretSight]:
        """Yield the changes after that resourceVersion, until the API server ends the stream.

        Raises:
            ClusterExpiredError: the resourceVersion is too old (410); list again.
            ClusterError: the stream was refused, broke, fell silent, or sent an event that can't be
                read.
        """
        seconds = round(STREAM_SECONDS * (1 - 0.1 * self._jitter()))
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(since),
            "timeoutSeconds": str(seconds),
        }
        try:
            async with (
                self._api.new_session() as session,
                session.get(
                    self._api.server + _path(namespace),
                    params=query | {"labelSelector": names.MANAGED_SELECTOR},
                    headers={"Accept": _METADATA_ONLY},
                    timeout=aiohttp.ClientTimeout(
                        total=seconds + GRACE_SECONDS, connect=10, sock_read=SILENCE_SECONDS
                    ),
                    allow_redirects=False,
                ) as response,
            ):
                await _check(response)
                async for sight in _sights(response.content):
                    yield sight
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ClusterUnavailableError(
                f"watch {_RESOURCE}: the stream broke ({type(error).__name__})"
            ) from None


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets" if namespace else "/api/v1/secrets"


async def _check(response: aiohttp.ClientResponse) -> None:
    if response.status == 200:  # noqa: PLR2004
        return
    status = Status.read(await response.read())
    pause = asked_pause_seconds(response.headers.get("Retry-After"))
    raise to_error(response.status, status, what=f"watch {_RESOURCE}").anew(delay_seconds=pause)


async def _sights(content: aiohttp.StreamReader) -> AsyncIterator[SecretSight]:
    lines = Lines()
    async for piece in content.iter_any():
        for line in lines.feed(piece):
            if line is None:
                _log.debug(
                    "a watch event with too much metadata was skipped; "
                    "the next resync reads its Secret"
                )
            else:
                yield _reported(line)
    if lines.open():
        raise ClusterUnavailableError(f"watch {_RESOURCE}: the stream ended within an event")


def _reported(line: bytes) -> SecretSight:
    try:
        event = _EVENTS.decode(line)
    except Undecodable:
        raise ClusterUnavailableError(
            f"watch {_RESOURCE}: the stream sent something that is no event"
        ) from None
    if event.type in _KINDS and event.object.metadata:
        return _sight(_KINDS[event.type], event.object.metadata)
    raise to_error(event.object.code, Status(reason=event.object.reason), what=f"watch {_RESOURCE}")


def _sight(kind: Sight, metadata: pages.Metadata) -> SecretSight:
    try:
        return SecretSight(
            kind, SecretKey(metadata.namespace, metadata.name), int(metadata.resource_version)
        )
    except ValueError:
        raise ClusterUnavailableError(
            f"watch {_RESOURCE}: the stream sent a resourceVersion that is no number"
        ) from None
