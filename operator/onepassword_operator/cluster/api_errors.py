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
_KEYS: Final = (
    *(".dockercfg", ".dockerconfigjson", "password", "ssh-privatekey"),
    *("tls.crt", "tls.key", "username"),
)
"""Keys that the API server asks for, by the type of a Secret."""
_FIELDS: Final = (
    *(f"data[{key}]" for key in _KEYS),
    *("data", "immutable", "type", "stringData"),
    *("metadata.annotations", "metadata.finalizers", "metadata.labels", "metadata.name"),
    *("metadata.namespace", "metadata.ownerReferences", "metadata", "spec.template", "spec"),
    *("status.conditions", "status"),
)
_REASONS: Final = frozenset(
    {
        *("Unauthorized", "Forbidden", "NotFound", "AlreadyExists", "Conflict", "Gone", "Invalid"),
        *("ServerTimeout", "StoreReadError", "Timeout", "TooManyRequests", "BadRequest"),
        *("MethodNotAllowed", "NotAcceptable", "RequestEntityTooLarge", "UnsupportedMediaType"),
        *("InternalError", "Expired", "ServiceUnavailable", "FieldValueNotFound"),
        *("FieldValueRequired", "FieldValueDuplicate", "FieldValueInvalid", "FieldValueForbidden"),
        *("FieldValueNotSupported", "FieldValueTooLong", "FieldValueTooMany"),
        *("FieldValueTypeInvalid", "FieldManagerConflict", "NamespaceTerminating"),
    }
)
"""Of Kubernetes' API. A webhook may send any other, and the API server passes it on: with a value
of the Secret in it, if the webhook quotes what it refuses.
"""
LONGEST_PAUSE_SECONDS: Final = 60.0
_REFUSED: Final = re.compile(
    r'is forbidden: User "(?P<user>[-.:@\w]{1,253})" cannot (?P<verb>[a-z]{1,20}) '
    r'resource "(?P<resource>[-./a-z]{1,100})" in API group "[-.a-z0-9]*" '
    r'(?:at the cluster scope|in the namespace "(?P<namespace>[-a-z0-9]{1,63})")'
)
"""RBAC's own words, which hold names and no values."""


class Cause(msgspec.Struct, gc=False):
    """One reason of a refusal, and the field that it is about; both as sent."""

    field: object = None
    reason: object = None

    @property
    def known_field(self) -> str:
        """The field that it is about, as far as it is one of Kubernetes'; else empty."""
        field = str(self.field or "")
        for known in _FIELDS:
            if field == known or field.startswith((f"{known}.", f"{known}[")):
                return known
        return ""


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
    def known_reason(self) -> str:
        """The reason, if it is one of Kubernetes'; else empty."""
        return _known(self.reason)

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
    reason = status.known_reason
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


def _known(reason: object) -> str:
    return reason if isinstance(reason, str) and reason in _REASONS else ""


def _invalid(causes: list[Cause], what: str, *, reason: str) -> ClusterError:
    required = {c.known_field for c in causes if c.reason == "FieldValueRequired"}
    missing = [key for key in _KEYS if f"data[{key}]" in required]
    if missing:
        listed = " and ".join(f'"{key}"' for key in missing)
        return ClusterInvalidError(
            f"{what}: a Secret of this type needs the key{'s'[: len(missing) > 1]} {listed}; "
            "label fields of the item so in 1Password, make them with data, or choose another type"
        )
    # Only field names and machine-readable reasons: messages may quote the values of the Secret.
    fields = {(c.known_field, _known(c.reason)) for c in causes if c.known_field}
    if fields:
        listed = ", ".join(f"{field} ({why})" if why else field for field, why in sorted(fields))
        return ClusterInvalidError(
            f"{what}: the API server refuses {listed}; "
            "a Secret of this type needs other keys or values"
        )
    return ClusterAdmissionError(
        f"{what}: refused by validation or admission{f' ({reason})' if reason else ''}"
    )
