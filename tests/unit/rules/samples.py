"""Facts for the rules: one ordinary claim, item and Secret, and what the API server shows of a Secret that was written."""

import dataclasses
from typing import Any

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import DesiredSecret, ObservedSecret, SecretKey
from onepassword_operator.model.target import Claim, Rendering
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

CLAIM = Claim(
    key=SecretKey("team", "db"),
    name="db",
    uid="claim-uid",
    resource_version=5,
    generation=2,
    created_at="2024-01-01T00:00:00Z",
    item_path="vaults/Prod/items/Billing DB",
    secret_type="Opaque",
    labels={"app": "billing"},
    annotations={names.AUTO_RESTART: "true"},
    terminating=False,
    conditions=(),
)


def claim(**changes: Any) -> Claim:
    """The ordinary claim, with changes."""
    return dataclasses.replace(CLAIM, **changes)


def saying(condition: Condition | None, **changes: Any) -> Claim:
    """The ordinary claim, carrying a condition."""
    return claim(conditions=(condition,) if condition else (), **changes)


def stored(desired: DesiredSecret, **changes: Any) -> ObservedSecret:
    """What the API server shows of a Secret that was written like this."""
    observed = ObservedSecret(
        key=desired.key,
        uid="secret-uid",
        resource_version=7,
        type=desired.type,
        labels=dict(desired.labels),
        annotations=dict(desired.annotations),
        owners=desired.owners,
        finalizers=desired.finalizers,
        data=dict(desired.data),
        immutable=desired.immutable,
    )
    return dataclasses.replace(observed, **changes)
