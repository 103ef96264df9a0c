"""Watch events of Secrets that carry our label → the index."""

from __future__ import annotations

from typing import Any

import kopf

from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.service.observe import Observe


class SecretEvents:
    """The kopf handler for our Secrets. A Secret that loses our label arrives as deleted, because the watch selects by it."""

    def __init__(self, observe: Observe) -> None:
        self._observe = observe

    async def secret_event(self, event: kopf.RawEvent, **_: Any) -> None:
        """Listed, added, modified: seen; deleted or unlabelled: gone."""
        observed = ObservedSecret.from_object(dict(event["object"]))
        if event["type"] == "DELETED":
            self._observe.secret_gone(observed)
        else:
            self._observe.secret_seen(observed)
