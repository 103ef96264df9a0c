"""Facts for the rules: one ordinary claim, item, Secret and Deployment, and what the API server shows of a Secret that was written."""

import dataclasses
from typing import Any

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import DesiredSecret, ObservedSecret, SecretKey
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules.secret.seal import Sealer

NOW = "2024-06-01T12:00:00Z"
VAULT_ID = "v" * 26
ITEM_ID = "i" * 26
REVISION = Revision(VAULT_ID, ITEM_ID, 3)
HELD = Revisions((REVISION,))
NEXT = Revisions((dataclasses.replace(REVISION, version=4),))
SEALER = Sealer(rendering=Rendering(), key=Confidential(b"fake key"))
OTHER_SEALER = Sealer(rendering=Rendering(), key=Confidential(b"another fake key"))
DATA = {"username": Confidential(b"svc"), "password": Confidential(b"hunter2")}

_OBJECT: dict[str, Any] = {"key": SecretKey("team", "db"), "resource_version": 17, "labels": {}, "annotations": {}}
BARE_CLAIM = Claim(
    **_OBJECT, name="db", uid="u1", generation=0, created_at="", item_path="", secret_type="Opaque", terminating=False, conditions=()
)
CLAIM = dataclasses.replace(
    BARE_CLAIM,
    uid="claim-uid",
    resource_version=5,
    generation=2,
    created_at="2024-01-01T00:00:00Z",
    item_path="vaults/Prod/items/Billing DB",
    labels={"app": "billing"},
    annotations={names.AUTO_RESTART: "true"},
)
BARE_SECRET = ObservedSecret(**_OBJECT, uid="s1", type="Opaque", owners=(), finalizers=(), data={})
BARE_WORKLOAD = Workload(
    namespace="team", name="api", uid="w1", resource_version=9, created_at="", annotations={}, template_annotations={}, secrets=frozenset()
)


def claim(**changes: Any) -> Claim:
    """The ordinary claim, with changes."""
    return dataclasses.replace(CLAIM, **changes)


def saying(condition: Condition | None, **changes: Any) -> Claim:
    """The ordinary claim, carrying a condition."""
    return claim(conditions=(condition,) if condition else (), **changes)


def stored(desired: DesiredSecret, **changes: Any) -> ObservedSecret:
    """What the API server shows of a Secret that was written like this."""
    written: dict[str, Any] = {member.name: getattr(desired, member.name) for member in dataclasses.fields(desired)}
    return dataclasses.replace(BARE_SECRET, **written | changes)
