"""The names that objects in the cluster carry: API group, annotations, labels, conditions. The only literals of their kind.

Those marked *official* are 1Password's own operator's and never change: Secrets and resources in existing clusters carry them.
"""

from typing import Final

GROUP: Final = "onepassword.com"  # official
VERSION: Final = "v1"  # official
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "OnePasswordItem"  # official
PLURAL: Final = "onepassworditems"  # official

PREFIX: Final = "operator.1password.io/"
ITEM_PATH: Final = PREFIX + "item-path"  # official; on our Secrets always with IDs
ITEM_VERSION: Final = PREFIX + "item-version"  # official
AUTO_RESTART: Final = PREFIX + "auto-restart"  # official
LAST_RESTARTED: Final = PREFIX + "last-restarted"  # official
REQUESTED_PATH: Final = PREFIX + "requested-path"
COPIED_KEYS: Final = PREFIX + "copied-keys"
SEAL: Final = PREFIX + "seal"
RESTART_PENDING: Final = PREFIX + "restart-pending"
RESTARTED_FOR: Final = PREFIX + "restarted-for"
MANAGED: Final = PREFIX + "managed"
MANAGED_VALUE: Final = "true"
MANAGED_SELECTOR: Final = f"{MANAGED}={MANAGED_VALUE}"

OFFICIAL_FINALIZER: Final = "onepassword.com/finalizer.secret"  # official; never set by us
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

READY: Final = "Ready"  # official condition type

OPAQUE: Final = "Opaque"
FIELD_MANAGER: Final = "onepassword-operator"
COMPONENT: Final = "onepassword-operator"
