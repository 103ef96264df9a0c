"""Watch events of OnePasswordItems → the index."""

from __future__ import annotations

from typing import Any

import kopf

from onepassword_operator.model.target import Rendering
from onepassword_operator.service.watch.observe import Observe
from onepassword_operator.wire import onepassword_item


class ItemEvents:
    """The kopf handler for OnePasswordItems.

    It returns nothing and fills no patch, because either would make kopf write to the object.
    """

    def __init__(self, observe: Observe, rendering: Rendering) -> None:
        self._observe = observe
        self._rendering = rendering

    async def item_event(self, event: kopf.RawEvent, **_: Any) -> None:
        """Report a listed, added or modified resource as seen, and a deleted one as gone."""
        claim = onepassword_item.from_dict(event["object"], self._rendering)
        if event["type"] == "DELETED":
            self._observe.claim_gone(claim.ref, claim.uid)
        else:
            self._observe.claim_seen(claim)
