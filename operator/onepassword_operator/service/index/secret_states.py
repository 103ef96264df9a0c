"""What this process knows of each live Secret.

A restart learns it from the Secrets, as far as their seals prove it.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict
from typing import Final

from onepassword_operator.model.item import Revisions
from onepassword_operator.model.secret import ObservedSecret, SecretKey
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.rules.secret.mutation import Mutation

_DEPARTED: Final = 1000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SecretState:
    """The facts that are known of one Secret."""

    resource_version: int = 0
    """The newest state that was taken in; older watch events are late."""
    existed: bool = False
    """Creating it again takes a live read of its claim first."""
    held: Revisions | None = None
    """The revisions that the Secret was last known to hold."""
    recipe: str = ""
    """The recipe of `held` if the Secret was shaped, as its annotations keep it; else empty."""
    skipped: str | None = None
    """What of `held` became no key, in the status's words, because it may be thousands of labels;
    None unless this process read the item itself.
    """
    mark: RestartMark | None = None
    """The restart that is due."""
    mutation: Mutation | None = None
    """What an admission webhook made of the last write of this process."""


_UNKNOWN: Final = SecretState()


class SecretStates:
    """The state of each Secret that somebody asks for, and of some that departed."""

    def __init__(self) -> None:
        self._states: dict[SecretKey, SecretState] = {}
        self._departed: OrderedDict[SecretKey, SecretState] = OrderedDict()
        self._pending: defaultdict[str, dict[SecretKey, RestartMark]] = defaultdict(dict)
        """The marks of `_states`, by namespace."""

    def of(self, key: SecretKey) -> SecretState:
        """Return what is known of the Secret."""
        return self._states.get(key) or self._departed.get(key, _UNKNOWN)

    def set_existed(self, key: SecretKey) -> None:
        """Set `existed`, unless it is set: the Secret exists, or did."""
        if key not in self._states or not self.of(key).existed:
            self._note(key, dataclasses.replace(self.of(key), existed=True))

    def set_version(self, key: SecretKey, resource_version: int) -> None:
        """Set the version of the state that this process read or wrote."""
        self._note(key, dataclasses.replace(self.of(key), resource_version=resource_version))

    def set_written(
        self, key: SecretKey, resource_version: int, *, mutation: Mutation | None
    ) -> None:
        """Set the version of the state that a write came back with, and what it had become."""
        state = self.of(key)
        self._note(
            key,
            dataclasses.replace(state, resource_version=resource_version, mutation=mutation),
        )

    def mutation(self, observed: ObservedSecret) -> Mutation | None:
        """Return what a webhook made of our write, if nobody has written the Secret since."""
        found = self.of(observed.key).mutation
        return found if found and found.resource_version == observed.resource_version else None

    def set_sealed(
        self, key: SecretKey, *, held: Revisions | None, recipe: str = "", mark: RestartMark | None
    ) -> None:
        """Set `held`, `recipe` and `mark` to what an intact seal proves."""
        state = self.of(key)
        self._note(key, dataclasses.replace(state, held=held, recipe=recipe, mark=mark))

    def set_held_if_unknown(
        self, key: SecretKey, held: Revisions | None, *, recipe: str = ""
    ) -> None:
        """Set `held` to what a Secret says without proof, unless something is known already."""
        if held and not self.of(key).held:
            self._note(key, dataclasses.replace(self.of(key), held=held, recipe=recipe))

    def set_synced(
        self,
        key: SecretKey,
        held: Revisions,
        *,
        recipe: str = "",
        skipped: str | None,
        mark: RestartMark | None,
    ) -> None:
        """Set everything but the version, after a reconcile that found or wrote these revisions."""
        state = self.of(key)
        if state.mark == mark:  # one object for equal marks: there are thousands
            mark = state.mark
        self._note(
            key,
            dataclasses.replace(
                state, existed=True, held=held, recipe=recipe, skipped=skipped, mark=mark
            ),
        )

    def set_skipped(self, key: SecretKey, skipped: str | None) -> None:
        """Set `skipped` to what became no key when the item was read again."""
        self._note(key, dataclasses.replace(self.of(key), skipped=skipped))

    def clear_mark(self, key: SecretKey, resource_version: int) -> None:
        """Clear `mark`, unless a newer state, with a mark of its own, is known."""
        state = self._states.get(key)
        if state and state.resource_version < resource_version:
            changed = state.mutation
            if changed and changed.resource_version == state.resource_version:
                changed = changed._replace(resource_version=resource_version)
            self._note(
                key,
                dataclasses.replace(
                    state, mark=None, resource_version=resource_version, mutation=changed
                ),
            )

    def forget(self, key: SecretKey) -> None:
        """Drop the state of a Secret that nobody asks for any more, but for `held` and `mark`.

        Its resource may be made again under its name: what its workloads run, and the restart they
        are due, outlive it.
        """
        state = self._states.pop(key, None)
        self._note_mark(key, None)
        if state and state.held:
            self._departed[key] = dataclasses.replace(
                _UNKNOWN, existed=True, held=state.held, recipe=state.recipe, mark=state.mark
            )
            if len(self._departed) > _DEPARTED:
                self._departed.popitem(last=False)

    def pending(self, namespace: str) -> dict[SecretKey, RestartMark]:
        """Return the Secrets of a namespace that carry a pending-restart mark."""
        return dict(self._pending.get(namespace, ()))

    def pending_namespaces(self) -> set[str]:
        """Return the namespaces with at least one mark."""
        return set(self._pending)

    def count_pending(self) -> int:
        """Count the Secrets that carry a mark."""
        return sum(map(len, self._pending.values()))

    def _note(self, key: SecretKey, state: SecretState) -> None:
        self._departed.pop(key, None)
        self._states[key] = state
        self._note_mark(key, state.mark)

    def _note_mark(self, key: SecretKey, mark: RestartMark | None) -> None:
        marks = self._pending[key.namespace]
        marks.pop(key, None)
        if mark:
            marks[key] = mark
        if not marks:
            del self._pending[key.namespace]
