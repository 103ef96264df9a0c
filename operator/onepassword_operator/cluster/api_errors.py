"""Kubernetes Status objects → leaves of the error tree, by code and `reason`.

The API server gives no reason for four kinds of refusal (403). They are told apart by its fixed
English texts: a quota, a webhook or policy, a missing right to set ownerReferences, and RBAC.
"""

from __future__ import annotations

import re
from typing import Final, Self

import msgspec

from onepassword_operator.model.errors import (
    ClusterAbsentError,
    ClusterAdmissionError,
    ClusterConflictError,
    ClusterDeniedError,
    ClusterError,
    ClusterExpiredError,
    ClusterInvalidError,
    ClusterQuotaError,
    ClusterTerminatingError,
    ClusterUnavailableError,
)
from onepassword_operator.wire.metadata import NoList, NoObject, Undecodable

_TOO_MANY: Final = 429
_KEY: Final = re.compile(r"data\[([-._a-zA-Z0-9]{1,253})\]")
LONGEST_PAUSE_SECONDS: Final = 60.0
_REFUSED: Final = re.compile(
    r'is forbidden: User "(?P<user>[-.:@\w]{1,253})" cannot (?P<verb>[a-z]{1,20}) '
    r'resource "(?P<resource>[-./a-z]{1,100})" in API group "[-.a-z0-9]*" '
    r'(?:at the cluster scope|in the namespace "(?P<namespace>[-a-z0-9]{1,63})")'
)
"""RBAC's own words, which hold names and no values."""


class Cause(msgspec.Struct, gc=False):
    """One reason of a refusal, and the field that it is about."""

    field: object = None
    reason: object = None


class _Details(msgspec.Struct, gc=False):
    causes: list[Cause | NoObject] | NoList = None


class Status(msgspec.Struct, gc=False):
    """The body of an answer that is not a success; a proxy on the way may send any other."""

    reason: object = None
    message: object = None
    details: _Details | NoObject = None

    @classmethod
    def read(cls, raw: bytes | bytearray) -> Self:
        """Decode a body; whatever can't be read is left out."""
        try:
            return msgspec.json.decode(raw, type=cls)
        except Undecodable:
            return cls()

    @property
    def causes(self) -> list[Cause]:
        """The reasons that are given in a machine-readable form."""
        listed = self.details.causes if isinstance(self.details, _Details) else None
        entries = listed if isinstance(listed, list) else []
        return [cause for cause in entries if isinstance(cause, Cause)]


def to_error(code: int, status: Status, *, what: str) -> ClusterError:
    """Translate an answer that is not a success into an error.

    Args:
        code: the HTTP status.
        status: the body, empty if it was something else.
        what: the request in words, for example "update secrets".
    """
    reason = str(status.reason or "")
    match code:
        case 401:
            return ClusterDeniedError(
                f"{what}: the API server does not accept the operator's credentials (401)"
            )
        case 403:
            return _forbidden(status, what=what)
        case 404:
            return ClusterAbsentError(f"{what}: not found")
        case 410:
            return ClusterExpiredError(f"{what}: the list or resourceVersion is too old")
        case 409:
            return ClusterConflictError(f"{what}: the object changed meanwhile; trying again")
        case 400 | 413 | 422:
            return _invalid(status.causes, what, reason=reason)
        case _:
            message = f"{what}: the API server answered {code}{f' ({reason})' if reason else ''}"
            return ClusterUnavailableError(message, turned_away=code == _TOO_MANY)


def asked_pause_seconds(header: str | None) -> float | None:
    """Read `Retry-After` in seconds; None if it is absent or no number."""
    return (
        min(float(header), LONGEST_PAUSE_SECONDS) if header and header.strip().isdecimal() else None
    )


def _forbidden(status: Status, *, what: str) -> ClusterError:
    if any(cause.reason == "NamespaceTerminating" for cause in status.causes):
        return ClusterTerminatingError(f"{what}: the namespace is being deleted")
    message = str(status.message or "")
    if "exceeded quota:" in message:
        return ClusterQuotaError(
            f"{what}: a ResourceQuota of the namespace is used up; "
            "raise it, or delete unused objects"
        )
    external = "admission webhook" in message or "ValidatingAdmissionPolicy" in message
    if (
        "is forbidden: cannot set an ownerRef on a resource you can't delete" in message
        and not external
    ):
        remedy = "grant it (the chart's operator.ownerReferencesEnforced)"
        return ClusterDeniedError(
            f"{what}: this cluster requires delete permission to set ownerReferences; {remedy}"
        )
    if external or "is forbidden: User " not in message:
        return ClusterAdmissionError(
            f"{what}: refused by an admission webhook or policy; its own log says why"
        )
    if found := _REFUSED.search(message):
        where = (
            f'in namespace "{found["namespace"]}"' if found["namespace"] else "in all namespaces"
        )
        said = f"{found['user']} to {found['verb']} {found['resource']} {where}"
    else:
        said = "it"
    return ClusterDeniedError(
        f"{what}: RBAC does not allow {said}; grant it to the operator's service account, as "
        "deploy/rbac.yaml and the chart do"
    )


def _missing(cause: Cause) -> re.Match[str] | None:
    required = cause.reason == "FieldValueRequired"
    return _KEY.fullmatch(str(cause.field)) if required else None


def _invalid(causes: list[Cause], what: str, *, reason: str) -> ClusterError:
    missing = sorted({found[1] for cause in causes if (found := _missing(cause))})
    if missing:
        listed = " and ".join(f'"{key}"' for key in missing)
        return ClusterInvalidError(
            f"{what}: a Secret of this type needs the key{'s'[: len(missing) > 1]} {listed}; "
            "label fields of the item so in 1Password, or choose another type"
        )
    # Only field names and machine-readable reasons: messages may quote the values of the Secret.
    fields = ", ".join(
        sorted({f"{cause.field} ({cause.reason})" for cause in causes if cause.field})
    )
    if fields:
        return ClusterInvalidError(
            f"{what}: the API server refuses {fields}; "
            "a Secret of this type needs other keys or values"
        )
    return ClusterAdmissionError(
        f"{what}: refused by validation or admission{f' ({reason})' if reason else ''}"
    )
