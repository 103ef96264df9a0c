"""Desired × observed Secret → create, update, nothing, or refuse.

`rules/secret/owners.py` has proved ownership before. The data are exactly those of the item. Labels
and annotations from elsewhere stay. Every write that changes the recorded revision, or what the
item gives at it, sets a mark for pending restarts, and no other write does. If restarts are for
content alone, a write that provably keeps the data sets none, but keeps an older one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from onepassword_operator.model import bounds, names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import (
    MetadataTooLargeError,
    TargetImmutableError,
    TypeImmutableError,
    TypeNotAllowedError,
)
from onepassword_operator.model.item import Revisions
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.recipe import Recipe
from onepassword_operator.model.secret import (
    DesiredSecret,
    ObservedSecret,
    record,
    requested,
)
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.rules.secret import copied_keys, seal
from onepassword_operator.rules.secret.mutation import Mutation
from onepassword_operator.rules.secret.owners import CoOwners, is_handed_over, wanted_owners

REFUSED_TYPES: Final = frozenset(
    {"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"}
)
"""Types that grant access to the cluster itself."""
RESEALED: Final = "its seal was made with another Connect token or other options"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The desired content of a Secret: data, and the revisions that they come from."""

    revisions: Revisions
    data: Mapping[str, Confidential]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The facts that a plan needs besides the claim, the Secret and the content."""

    sealer: seal.Sealer
    now: str
    """The API server's time, RFC 3339 UTC."""
    verdict: seal.Verdict = seal.Verdict.BROKEN
    """The verdict on the seal of the live Secret; broken without a Secret."""
    remembered: Revisions | None = None
    """The revisions that this process last saw in the Secret; used if it is gone, or its seal is
    broken.
    """
    remembered_recipe: str = ""
    """Their recipe, if the Secret was shaped; else empty."""
    carried: RestartMark | None = None
    """The mark that this process last saw; used in the same cases, so that no edit or deletion
    loses a pending restart.
    """
    co_owners: CoOwners = dataclasses.field(default_factory=CoOwners)
    mutation: Mutation | None = None
    """What an admission webhook made of the write that led to the live Secret."""
    restart_on_content: bool = False
    """Whether a new version with the same data restarts nobody."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The decision: the Secret to write, or None if it is already right."""

    change: Change
    reason: str
    """Why, in words that follow "because"."""
    desired: DesiredSecret | None
    mark: RestartMark | None


def check_claim(claim: Claim, observed: ObservedSecret | None) -> None:
    """Refuse a claim that can never be written, before anything is read from 1Password.

    Raises:
        MetadataTooLargeError: the labels and annotations to be copied exceed the limit.
        TypeNotAllowedError: the type grants access to the cluster, or is too long to be a type.
        TypeImmutableError: the Secret exists with another type.
    """
    if claim.oversized:
        raise MetadataTooLargeError(
            f'{claim.kind} "{claim.name}" has {claim.oversized} characters of labels and '
            f"annotations that belong on its Secret, more than {bounds.COPIED_CHARACTERS}; "
            "remove some"
        )
    if len(claim.secret_type) > bounds.TYPE_CHARACTERS:
        raise TypeNotAllowedError(
            f"the Secret type has more than {bounds.TYPE_CHARACTERS} characters; "
            "choose another type"
        )
    if claim.secret_type in REFUSED_TYPES:
        raise TypeNotAllowedError(
            f'Secrets of type "{claim.secret_type}" grant access to the cluster and are never '
            "written; choose another type"
        )
    if observed and observed.type != claim.secret_type:
        remedy = "restore the resource's type" if claim.is_resource else claim.another_name
        raise TypeImmutableError(
            f'Secret "{observed.key.name}" has type "{observed.type}", "{claim.secret_type}" is '
            "asked for, and Kubernetes never changes a Secret's type; delete the Secret to have it "
            f"created again, or {remedy}"
        )


def pinned(
    claim: Claim, observed: ObservedSecret | None, *, verdict: seal.Verdict
) -> Revisions | None:
    """Return the revisions recorded, under an unbroken seal, for the recipe still asked for."""
    return annotated(claim, observed) if verdict is not seal.Verdict.BROKEN else None


def annotated(claim: Claim, observed: ObservedSecret | None) -> Revisions | None:
    """Return the revisions that a Secret of ours records for the recipe still asked for.

    Nothing but an unbroken seal, or data equal to those of the items, proves them.
    """
    if observed is None or names.SEAL not in observed.annotations:
        return None
    former = requested(observed.annotations)
    return observed.recorded if former is not None and claim.recipe.leads_where(former) else None


def has_shape(observed: ObservedSecret, recipe: Recipe) -> bool:
    """Whether the Secret's data came from the same items by this recipe's shape.

    Two plain paths to one item give the same data.
    """
    return observed.shaped_by == recipe.shape_record


def plan(
    claim: Claim, observed: ObservedSecret | None, *, content: Content, context: Context
) -> Plan:
    """Plan the write of a Secret whose type and owner have been checked.

    Raises:
        TargetImmutableError: the content would change but the Secret is immutable.
    """
    if observed is None:
        mark = _mark_of_recreation(claim, content, context=context)
        change, reason = _change_of_recreation(content, context)
        desired = _desired(claim, None, content=content, context=context, mark=mark)
        return Plan(change=change, reason=reason, desired=desired, mark=mark)
    mark = _mark(claim, observed, content=content, context=context)
    desired = _desired(claim, observed, content=content, context=context, mark=mark)
    if (
        context.mutation
        and context.remembered in (None, content.revisions)
        and context.mutation.explains(observed, desired)
    ):
        return Plan(change=Change.NONE, reason=str(context.mutation), desired=None, mark=mark)
    change, reason = _change(observed, desired, content=content, context=context)
    if observed.immutable and dict(observed.data) != dict(desired.data):
        raise TargetImmutableError(
            f'Secret "{observed.key.name}" is marked immutable; delete it to have it created again'
        )
    return Plan(
        change=change, reason=reason, desired=None if change is Change.NONE else desired, mark=mark
    )


def _change_of_recreation(content: Content, context: Context) -> tuple[Change, str]:
    if context.remembered is None:
        return Change.CREATED, "there was no Secret"
    if context.remembered == content.revisions:
        return Change.REPAIRED, "the Secret was deleted"
    change, reason = _updated(context.remembered, content)
    return change, f"the Secret was deleted, and {reason}"


def _updated(former: Revisions | None, content: Content) -> tuple[Change, str]:
    if former is None:
        return Change.UPDATED, "the Secret did not say which item it held"
    if [held.item for held in former] != [new.item for new in content.revisions]:
        held, new = (
            " and ".join(r.item_id or "none" for r in revisions)
            for revisions in (former, content.revisions)
        )
        return Change.UPDATED, f"its path means item {new} now, where it meant {held}"
    for before, after in zip(former, content.revisions, strict=True):
        versions = f"from version {before.version} to {after.version}"
        if after.is_older_than(before):
            return Change.RESTORED, f"the item was restored {versions}"
        if after != before:
            return Change.UPDATED, f"the item changed {versions}"
    return Change.UPDATED, "the resource or the operator's options changed"


def _mark_of_recreation(claim: Claim, content: Content, *, context: Context) -> RestartMark | None:
    # A first creation has neither. A re-creation must keep a pending restart, and a change that
    # came together with the deletion.
    known = (context.remembered, context.remembered_recipe)
    if context.remembered and known != (content.revisions, claim.recipe.shape_record):
        return _new_mark(claim, content, context=context)
    carried = context.carried
    if carried is None or context.remembered == content.revisions:
        return carried
    return carried if carried.content == _identity(claim, content, context=context) else None


def _mark(
    claim: Claim, observed: ObservedSecret, *, content: Content, context: Context
) -> RestartMark | None:
    pending = [RestartMark.parse(observed.annotations.get(names.RESTART_PENDING))]
    if context.verdict is seal.Verdict.BROKEN:
        pending = [context.carried, *pending]
    if _is_another(claim, observed, content=content, context=context):
        return _new_mark(claim, content, context=context)
    if not any(pending):
        return None
    # The first one is proven, and may be of an older version with the same data; of the others only
    # one that fits is believed.
    present = _identity(claim, content, context=context)
    fitting = [mark for mark in pending if mark and mark.content == present]
    if claim.shaped is not None:  # its digest may have been made with another token
        fitting += [mark for mark in pending if mark and mark.is_digest]
    return next(iter(fitting), pending[0])


def _is_another(
    claim: Claim, observed: ObservedSecret, *, content: Content, context: Context
) -> bool:
    """Whether the pods of a Secret are to be restarted for this content."""
    proven = context.verdict is not seal.Verdict.BROKEN
    other_data = dict(observed.data) != dict(content.data)
    known = not proven and context.remembered is not None
    held = context.remembered if known else observed.recorded
    recipe = context.remembered_recipe if known else observed.shaped_by
    if held is None and is_handed_over(observed, claim):
        return other_data
    shaped = bool(recipe) or claim.shaped is not None
    if shaped and proven:
        return other_data
    if context.verdict is seal.Verdict.INTACT and other_data:
        return True
    # Without a seal nobody knows which data the pods have read; after a new token they are most
    # likely those of the Secret.
    by_content = (shaped and not known) or (context.restart_on_content and proven)
    spared = by_content and not other_data
    another = (held, recipe) != (content.revisions, claim.recipe.shape_record)
    return held is not None and another and not spared


def _new_mark(claim: Claim, content: Content, *, context: Context) -> RestartMark:
    return RestartMark(_identity(claim, content, context=context), context.now)


def _identity(claim: Claim, content: Content, *, context: Context) -> str:
    # A shaped Secret's data may change without its items, and the other way round.
    if claim.shaped is None:
        return str(content.revisions)
    return context.sealer.digest(claim.key, content.data)


def _desired(
    claim: Claim,
    observed: ObservedSecret | None,
    *,
    content: Content,
    context: Context,
    mark: RestartMark | None,
) -> DesiredSecret:
    labels, copied_annotations = _copied(claim, context.co_owners)
    copied = copied_keys.CopiedKeys(
        labels=frozenset(labels), annotations=frozenset(copied_annotations)
    )
    former = copied_keys.CopiedKeys.parse(
        observed.annotations.get(names.COPIED_KEYS, "") if observed else ""
    )
    ours = {
        **record(claim.recipe, content.revisions),
        names.COPIED_KEYS: str(copied),
        **({names.RESTART_PENDING: str(mark)} if mark else {}),
    }
    foreign_labels = {
        k: v for k, v in (observed.labels if observed else {}).items() if k not in former.labels
    }
    foreign_annotations = {
        k: v
        for k, v in (observed.annotations if observed else {}).items()
        if k not in former.annotations
        and k not in (*seal.SEALED_ANNOTATIONS, *seal.OF_SHAPED, names.SEAL, names.AUTO_RESTART)
    }
    annotations = foreign_annotations | copied_annotations | ours
    annotations[names.SEAL] = context.sealer.compute(claim.key, annotations, data=content.data)
    return DesiredSecret(
        key=claim.key,
        type=claim.secret_type,
        labels=foreign_labels | labels | {names.MANAGED: names.MANAGED_VALUE},
        annotations=annotations,
        owners=wanted_owners(
            claim, observed.owners if observed else (), co_owners=context.co_owners
        ),
        data=content.data,
        finalizers=observed.finalizers if observed else (),
        immutable=observed.immutable if observed else False,
    )


def _copied(claim: Claim, co_owners: CoOwners) -> tuple[dict[str, str], dict[str, str]]:
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for asking in (*co_owners.claims, claim):  # the winner comes last, so that its values win
        labels |= asking.labels
        annotations |= asking.annotations
    return labels, annotations


def _change(
    observed: ObservedSecret, desired: DesiredSecret, *, content: Content, context: Context
) -> tuple[Change, str]:
    same_data = dict(observed.data) == dict(desired.data)
    if (
        same_data
        and dict(observed.labels) == dict(desired.labels)
        and dict(observed.annotations) == dict(desired.annotations)
        and observed.owners == desired.owners
    ):
        return Change.NONE, "the Secret is as it should be"
    held, asked = observed.recorded, requested(observed.annotations)
    wanted = requested(desired.annotations)
    if context.verdict is seal.Verdict.BROKEN and context.remembered:
        # Somebody edited the annotations of our Secret: the remembered revision counts, not the
        # edited one.
        held, asked = context.remembered, wanted
    elif asked is None and names.SEAL not in observed.annotations:
        return Change.ADOPTED, "the Secret carried no seal of this operator"
    updated = context.verdict is seal.Verdict.OTHER_OPTIONS and not same_data
    if updated or held != content.revisions or asked != wanted:
        return _updated(held, content)
    # Only the first owner matters here: the others come and go with the workloads that ask for
    # the Secret or use it.
    owned = desired.owners[0].uid in {owner.uid for owner in observed.owners}
    marked = observed.labels.get(names.MANAGED) == names.MANAGED_VALUE
    if same_data and owned and marked:
        if names.SEAL in observed.annotations and _without_seal(observed) == _without_seal(desired):
            return Change.RETOUCHED, RESEALED
        return Change.RETOUCHED, "its labels, annotations or owners are others now"
    if not same_data and context.verdict is seal.Verdict.INTACT:
        return Change.UPDATED, "the item has other values at the same version"
    return Change.REPAIRED, "somebody edited the Secret"


def _without_seal(secret: ObservedSecret | DesiredSecret) -> tuple[object, ...]:
    annotations = {k: v for k, v in secret.annotations.items() if k != names.SEAL}
    return dict(secret.labels), annotations, secret.owners
