"""Secret as sent × as it came back → what an admission webhook changed on the way.

The API server attributes such changes to whoever sent the request, so nobody can tell which webhook
it was. To write again what it changes would go on for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, TypeVar

from onepassword_operator.model import names
from onepassword_operator.model.secret import DesiredSecret, ObservedSecret

_SHOWN: Final = 5

V = TypeVar("V")


class Mutation(NamedTuple):
    """The keys whose values came back from a write of ours as others than we had sent."""

    resource_version: int
    """The state that has them."""
    data: frozenset[str]
    labels: frozenset[str]
    annotations: frozenset[str]

    def explains(self, observed: ObservedSecret, desired: DesiredSecret) -> bool:
        """Whether a Secret in that state is as desired, but for these keys."""
        # The seal of data that came back as others does not fit them.
        annotations = self.annotations | {names.SEAL}
        return (
            _without(observed.data, self.data) == _without(desired.data, self.data)
            and _without(observed.labels, self.labels) == _without(desired.labels, self.labels)
            and _without(observed.annotations, annotations)
            == _without(desired.annotations, annotations)
            and observed.owners == desired.owners
        )

    def __str__(self) -> str:
        keys = [
            *(f'key "{key}"' for key in sorted(self.data)),
            *(f'label "{key}"' for key in sorted(self.labels)),
            *(f'annotation "{key}"' for key in sorted(self.annotations)),
        ]
        more = len(keys) - _SHOWN
        return f"an admission webhook changes it on the way: {', '.join(keys[:_SHOWN])}" + (
            f" and {more} more" if more > 0 else ""
        )


def find(sent: DesiredSecret, written: ObservedSecret) -> Mutation | None:
    """Return what was changed of the Secret that was sent; None if nothing that we care for was.

    Labels and annotations that were added are as good as anybody else's.
    """
    mutation = Mutation(
        resource_version=written.resource_version,
        data=_changed(sent.data, written.data, among=sent.data.keys() | written.data.keys()),
        labels=_changed(sent.labels, written.labels, among=sent.labels.keys()),
        annotations=_changed(sent.annotations, written.annotations, among=sent.annotations.keys()),
    )
    return mutation if any(mutation[1:]) else None


def _changed(
    sent: Mapping[str, V], written: Mapping[str, V], *, among: Collection[str]
) -> frozenset[str]:
    return frozenset(key for key in among if sent.get(key) != written.get(key))


def _without(found: Mapping[str, V], keys: Collection[str]) -> dict[str, V]:
    return {key: value for key, value in found.items() if key not in keys}
