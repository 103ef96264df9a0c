"""Everything that can go wrong, as one tree.

    OperatorError
      InvalidTargetError                the user must change the resource
        ItemPathError
        SpecError                       another field of spec
        MetadataTooLargeError           more labels and annotations than are copied to a Secret
      BackendError                      1Password
        BackendUnavailableError           network, 5xx, timeout
        BackendRateLimitedError           carries the delay
        BackendDeniedError                the token is refused altogether
        BackendForbiddenError             the token may not see this vault or item
        BackendAnswerError                a reply that can't be understood
      ItemLookupError                   the path leads to no item, yet
        VaultNotFoundError
        ItemNotFoundError
        ItemArchivedError
        ItemAmbiguousError                the item that was used is gone, and several have its title
      ClusterError                      the Kubernetes API
        ClusterUnavailableError
        ClusterDeniedError                RBAC
        ClusterConflictError              somebody else wrote first
        ClusterAbsentError                the object or its namespace is gone
        ClusterExpiredError               a list or resourceVersion is too old: list again
        ClusterTerminatingError           the namespace is being deleted
        ClusterQuotaError
        ClusterAdmissionError             a webhook or policy refused the write
        ClusterInvalidError               the API server's own validation refused the write
      RefusedError                      the operator must not write
        TargetNotOwnedError
        TargetClaimedError                another object asks for another item under the same name
        AnotherOperatorActiveError        carries the delay
        TypeNotAllowedError
        TypeImmutableError
        TargetImmutableError
        SecretTooLargeError
        ShapeError                      the items do not fit the shape
          NoUsableFieldsError
          FieldNotFoundError
          FieldAmbiguousError
          KeyConflictError
          NotTextError
          NotConvertibleError
      InternalError                     a bug of the operator's

Each leaf has a `reason` (the same CamelCase word in condition, Event, metric label and log).
Messages name things, say the remedy, and never hold a value.
"""

from __future__ import annotations

import enum
from typing import ClassVar, Self

from onepassword_operator.model import bounds
from onepassword_operator.model.text import one_line


class Retry(enum.Enum):
    """When another try can help."""

    SOON = "soon"
    """Transient: back off exponentially from a fraction of a second."""
    THEN = "then"
    """At a known time: the error carries the delay."""
    LATER = "later"
    """Something outside must change, unseen by watch and poll: try once per polling interval."""
    ON_CHANGE = "on change"
    """The resource or the item must change; a watch or a poll shows both."""


class OperatorError(Exception):
    """Root of the tree; only its leaves are raised."""

    reason: ClassVar[str]
    retry: Retry
    """When trying again can help; of the class, unless the constructor was told better."""

    def __init__(self, message: str, *, delay_seconds: float | None = None) -> None:
        """`delay_seconds` is when another try makes sense, if the answer said so."""
        super().__init__(one_line(message))
        self.delay_seconds = delay_seconds

    @property
    def log_fields(self) -> dict[str, str]:
        """The fields of a log line about it."""
        return {"reason": self.reason, "detail": bounds.shortened(str(self))}

    def anew(self, *, delay_seconds: float | None = None) -> Self:
        """Make an equal error to raise, because one that was raised carries its frames with it."""
        made = type(self).__new__(type(self))
        made.args = self.args
        made.__dict__.update(self.__dict__)
        if delay_seconds is not None:
            made.delay_seconds = delay_seconds
        return made


class InvalidTargetError(OperatorError):
    """The resource is unusable as written."""

    retry = Retry.ON_CHANGE


class ItemPathError(InvalidTargetError):
    """`spec.itemPath` is empty or malformed."""

    reason = "InvalidItemPath"


class SpecError(InvalidTargetError):
    """A field of `spec` besides `itemPath` is malformed, or does not fit the others."""

    reason = "InvalidSpec"


class MetadataTooLargeError(InvalidTargetError):
    """More labels and annotations than are copied to a Secret."""

    reason = "MetadataTooLarge"


class BackendError(OperatorError):
    """1Password gave no usable answer, or refused."""

    retry = Retry.LATER


class BackendUnavailableError(BackendError):
    """Refused, reset, timed out, 5xx; `delay_seconds` is set if the server asked for a pause."""

    reason = "OnePasswordUnavailable"
    retry = Retry.SOON

    def __init__(
        self,
        message: str,
        *,
        delay_seconds: float | None = None,
        warming_up: bool = False,
        of_one_item: bool = False,
    ) -> None:
        """`warming_up`: the server has not finished its first sync.

        `of_one_item`: it may have failed for this item only.
        """
        super().__init__(message, delay_seconds=delay_seconds)
        self.warming_up = warming_up
        self.of_one_item = of_one_item


class BackendRateLimitedError(BackendError):
    """1Password asks to wait for `delay_seconds`."""

    reason = "RateLimited"
    retry = Retry.THEN

    def __init__(self, message: str, *, delay_seconds: float) -> None:
        super().__init__(message, delay_seconds=delay_seconds)


class BackendDeniedError(BackendError):
    """The token itself is refused (401)."""

    reason = "Unauthorized"


class BackendForbiddenError(BackendError):
    """The token is valid but may not see this (403)."""

    reason = "AccessDenied"


class BackendAnswerError(BackendError):
    """A reply that is not what the API promises."""

    reason = "OnePasswordAnswerInvalid"


class ItemLookupError(OperatorError):
    """The path leads to no item now. It may later, and then the poll notices."""

    retry = Retry.ON_CHANGE


class VaultNotFoundError(ItemLookupError):
    """No vault of that name or ID is visible to the token."""

    reason = "VaultNotFound"


class ItemNotFoundError(ItemLookupError):
    """No item of that title or ID is in the vault."""

    reason = "ItemNotFound"


class ItemArchivedError(ItemLookupError):
    """The item is there, but archived or deleted."""

    reason = "ItemArchived"


class ItemAmbiguousError(ItemLookupError):
    """The item that was chosen before is gone, and its title now fits several."""

    reason = "ItemAmbiguous"


class ClusterError(OperatorError):
    """The Kubernetes API gave no usable answer, or refused."""

    retry = Retry.LATER


class ClusterUnavailableError(ClusterError):
    """No usable answer from the API server. `delay_seconds` is set if it asked for a pause."""

    reason = "ClusterUnavailable"
    retry = Retry.SOON

    def __init__(
        self, message: str, *, delay_seconds: float | None = None, turned_away: bool = False
    ) -> None:
        """`turned_away`: the API server refused the request unread (429)."""
        super().__init__(message, delay_seconds=delay_seconds)
        self.turned_away = turned_away


class ClusterDeniedError(ClusterError):
    """RBAC does not allow the request."""

    reason = "ClusterAccessDenied"


class ClusterConflictError(ClusterError):
    """The object changed since it was read: read it live and decide again."""

    reason = "Conflict"
    retry = Retry.SOON


class ClusterAbsentError(ClusterError):
    """The object or its namespace is gone."""

    reason = "Absent"


class ClusterExpiredError(ClusterError):
    """The API server does not know this resourceVersion or rest of a list any more: list again."""

    reason = "Expired"
    retry = Retry.SOON


class ClusterTerminatingError(ClusterError):
    """The namespace is being deleted, so nothing can be created in it."""

    reason = "NamespaceTerminating"


class ClusterQuotaError(ClusterError):
    """A ResourceQuota is used up."""

    reason = "QuotaExceeded"


class ClusterAdmissionError(ClusterError):
    """An admission webhook or policy refused the write."""

    reason = "AdmissionDenied"


class ClusterInvalidError(ClusterError):
    """The API server's validation refused the object."""

    reason = "SecretInvalid"
    retry = Retry.ON_CHANGE


class RefusedError(OperatorError):
    """The operator declines to write."""

    retry = Retry.LATER


class TargetNotOwnedError(RefusedError):
    """A Secret of that name exists and is not ours."""

    reason = "TargetNotOwned"


class TargetClaimedError(RefusedError):
    """Another object asks for the Secret with another item, and wins (`rules/secret/claims.py`)."""

    reason = "TargetClaimed"


class AnotherOperatorActiveError(RefusedError):
    """The official operator works on the same object; tried again after `delay_seconds`."""

    reason = "AnotherOperatorActive"
    retry = Retry.THEN

    def __init__(self, message: str, *, delay_seconds: float) -> None:
        super().__init__(message, delay_seconds=delay_seconds)


class TypeNotAllowedError(RefusedError):
    """The Secret type grants access to the cluster itself."""

    reason = "TypeNotAllowed"
    retry = Retry.ON_CHANGE


class TypeImmutableError(RefusedError):
    """Kubernetes never changes the type of an existing Secret."""

    reason = "SecretTypeImmutable"


class TargetImmutableError(RefusedError):
    """The Secret is marked immutable and its content would change."""

    reason = "TargetImmutable"


class SecretTooLargeError(RefusedError):
    """The item does not fit into a Secret."""

    reason = "SecretTooLarge"
    retry = Retry.ON_CHANGE

    def __init__(self, message: str, *, retry: Retry = Retry.ON_CHANGE) -> None:
        """`retry`: later, if the reply was not read to its end and may be a broken one."""
        super().__init__(message)
        self.retry = retry


class ShapeError(RefusedError):
    """The items do not fit the shape that the resource asks for."""

    retry = Retry.ON_CHANGE


class NoUsableFieldsError(ShapeError):
    """The items give no key at all."""

    reason = "NoUsableFields"


class FieldNotFoundError(ShapeError):
    """No field has the name that the resource asks for."""

    reason = "FieldNotFound"


class FieldAmbiguousError(ShapeError):
    """Several fields have the name that the resource asks for."""

    reason = "FieldAmbiguous"


class KeyConflictError(ShapeError):
    """Two items give the same key."""

    reason = "KeyConflict"


class NotTextError(ShapeError):
    """A field or file that is no UTF-8 stands in a text."""

    reason = "NotText"


class NotConvertibleError(ShapeError):
    """A value can't be written in the form that the resource asks for."""

    reason = "NotConvertible"


class InternalError(OperatorError):
    """An exception that nobody foresaw: a bug of the operator's."""

    reason = "InternalError"
    retry = Retry.THEN

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Make one with an exception's traceback, but without its text, which may quote values."""
        last, where = error.__traceback__, ""
        while last:
            where = f" in {last.tb_frame.f_code.co_name}, line {last.tb_lineno}"
            last = last.tb_next
        return cls(
            f"the operator has a bug: {type(error).__name__}{where}; it tries again after some "
            "minutes; please report the bug with the traceback from the operator's log"
        ).with_traceback(error.__traceback__)
