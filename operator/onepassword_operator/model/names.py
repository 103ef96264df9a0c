"""Names on objects in the cluster: API group, annotations, labels, conditions.

No other module has literals of this kind.

Names marked *official* are those of 1Password's own operator and never change: Secrets and
resources in existing clusters carry them.
"""

from __future__ import annotations

from typing import Final

GROUP: Final = "onepassword.com"  # official
VERSION: Final = "v1"  # official
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "OnePasswordItem"  # official
PLURAL: Final = "onepassworditems"  # official

PREFIX: Final = "operator.1password.io/"
ITEM_PATH: Final = PREFIX + "item-path"  # official; on our Secrets always with IDs
ITEM_VERSION: Final = PREFIX + "item-version"  # official
ITEM_NAME: Final = PREFIX + "item-name"  # official; on Deployments: the Secret that is asked for
AUTO_RESTART: Final = PREFIX + "auto-restart"  # official
LAST_RESTARTED: Final = PREFIX + "last-restarted"  # official
REQUESTED_PATH: Final = PREFIX + "requested-path"
COPIED_KEYS: Final = PREFIX + "copied-keys"
SEAL: Final = PREFIX + "seal"
OUR_PREFIX: Final = "onepassword-operator.io/"
REVISIONS: Final = OUR_PREFIX + "revisions"
"""On a shaped Secret, instead of `item-path` and `item-version`, which make the official operator
fill a Secret with every field.
"""
ADOPT: Final = OUR_PREFIX + "adopt"
"""On a Secret that nobody owns: the resource that may take it over, by the word of whoever made it.
"""
RECIPE: Final = OUR_PREFIX + "recipe"  # on a shaped Secret, instead of `requested-path`
RESTART_PENDING: Final = PREFIX + "restart-pending"
REFRESH: Final = PREFIX + "refresh"
SUSPEND: Final = PREFIX + "suspend"
RESTART_AT_ONCE: Final = OUR_PREFIX + "restart-at-once"
"""On a workload: its restarts do not wait for the restart window."""
ITEMS: Final = OUR_PREFIX + "items"
"""On a workload: Secrets that it asks for, one `name=vaults/<vault>/items/<item>` a line."""
USES_SECRETS: Final = OUR_PREFIX + "uses-secrets"
"""On a workload: Secrets that its pods use in a way that the pod template does not show."""
WRITTEN_ON_SECRETS: Final = frozenset(
    {
        ITEM_PATH,
        ITEM_VERSION,
        REQUESTED_PATH,
        REVISIONS,
        RECIPE,
        COPIED_KEYS,
        SEAL,
        RESTART_PENDING,
    }
)
"""Annotations that only the operator writes on a Secret; they are never copied from the object that
asks for it.
"""
MANAGED: Final = PREFIX + "managed"
MANAGED_VALUE: Final = "true"
MANAGED_SELECTOR: Final = f"{MANAGED}={MANAGED_VALUE}"

RESTARTED_FOR: Final = "restarts.operator.1password.io/restarted-for"
"""Not under the prefix: for the official operator any annotation under it on a pod template is a
request for a Secret.
"""

OFFICIAL_FINALIZER: Final = "onepassword.com/finalizer.secret"  # official; never set by us
ORPHAN_FINALIZER: Final = (
    "orphan"  # set by Kubernetes while an object is deleted with --cascade=orphan
)
IGNORE_TAG: Final = "operator.1password.io:ignore-secret"  # official; a tag of an item
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

LEADER_ELECTION_ID: Final = "c26807fd.onepassword.com"  # official; the name of the Lease

READY: Final = "Ready"  # official condition type

OPAQUE: Final = "Opaque"
COMPONENT: Final = "onepassword-operator"
