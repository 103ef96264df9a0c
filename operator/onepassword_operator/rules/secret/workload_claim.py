"""The annotations of a workload → the Secrets that it asks for.

It asks for one by the official operator's annotations, on itself or, if it has none there, on its
pod template; and for several by an annotation of this operator on itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from onepassword_operator.model import bounds, names
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import WorkloadKind
from onepassword_operator.rules.contents.key_syntax import secret_name
from onepassword_operator.rules.secret.annotations import item_lines, of_workload

_OFFICIAL_ANNOTATION: Final = re.compile(r"operator\.1password\.io/[a-zA-Z.]")
_TOO_MANY: Final = (
    f"the pod template and {names.USES_SECRETS} name more than {bounds.SECRETS_OF_A_WORKLOAD} "
    "Secrets; changes of the others restart nothing"
)
_NO_DEMAND: Final = frozenset({names.AUTO_RESTART, names.LAST_RESTARTED})


def named(annotations: Mapping[str, str], on_template: Mapping[str, str]) -> set[str]:
    """Return the Secrets that annotations name, asked for or not."""
    official = (secret_name(each.get(names.ITEM_NAME, "")) for each in (annotations, on_template))
    return {*official, *items(annotations)} - {""}


def used(annotations: Mapping[str, str], *, shown: Collection[str]) -> frozenset[str]:
    """Return the Secrets that a workload uses: the template shows some, its owner may name others.

    Of too many, there is one more than the limit.
    """
    found = [each.strip() for each in annotations.get(names.USES_SECRETS, "").split(",")]
    both = dict.fromkeys([*shown, *filter(None, found)])
    return frozenset(list(both)[: bounds.SECRETS_OF_A_WORKLOAD + 1])


def items(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return the paths of the Secrets that one annotation asks for, by name; the first one counts.

    Lines that ask for nothing are left out, and told by `advice`.
    """
    found: dict[str, str] = {}
    for _, name, path in item_lines(annotations)[: bounds.ITEMS_OF_A_WORKLOAD]:
        if name:
            found.setdefault(name, path)
    return found


def claims(workload: Workload) -> tuple[Claim, ...]:
    """Return the workload's claims, each on another Secret."""
    if not workload.speaks_for_itself:
        return ()
    demand = _demand(workload.annotations) or _demand(workload.template_annotations)
    wanted = secret_name(demand.get(names.ITEM_NAME, ""))
    found = {
        name: _claim(workload, name, path=path, copied={names.ITEM_NAME: name}, by=names.ITEMS)
        for name, path in items(workload.annotations).items()
    }
    if wanted:
        copied = {k: value for k, value in demand.items() if k not in names.WRITTEN_ON_SECRETS}
        path = demand.get(names.ITEM_PATH, "")
        found[wanted] = _claim(workload, wanted, path=path, copied=copied, by=names.ITEM_PATH)
    return tuple(found.values())


def _claim(workload: Workload, wanted: str, *, path: str, copied: dict[str, str], by: str) -> Claim:
    oversized = size if (size := bounds.characters(copied)) > bounds.COPIED_CHARACTERS else 0
    return Claim(
        key=SecretKey(workload.namespace, wanted),
        kind=workload.kind.kind,
        name=workload.name,
        uid=workload.uid,
        resource_version=workload.resource_version,
        generation=0,  # a workload's generation counts changes of its pods, not of its request
        created_at=workload.created_at,
        item_path=bounds.clipped(path, bounds.ITEM_PATH_CHARACTERS),
        annotation=by,
        secret_type=names.OPAQUE,
        labels={},
        annotations={} if oversized else copied,
        oversized=oversized,
        terminating=workload.terminating,
        conditions=(),
        finalizers=workload.finalizers,
    )


def advice(
    annotations: Mapping[str, str],
    on_template: Mapping[str, str],
    *,
    kind: WorkloadKind,
    secrets: Collection[str],
) -> tuple[str, ...]:
    """Return what of a workload means nothing; `secrets` are those that its pods use."""
    too_many = (_TOO_MANY,) if len(secrets) > bounds.SECRETS_OF_A_WORKLOAD else ()
    demand = _demand(annotations) or _demand(on_template)
    return (*too_many, *of_workload(annotations, demand=demand, kind=kind.kind))


def _demand(annotations: Mapping[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in annotations.items()
        if _OFFICIAL_ANNOTATION.match(key) and key not in _NO_DEMAND
    }
