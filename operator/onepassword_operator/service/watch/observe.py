"""Objects that watches and resyncs show → the Secrets that need a reconcile.

Most need none: our own writes come back as events.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.item import Revisions
from onepassword_operator.model.outcome import Change, Synced
from onepassword_operator.model.secret import ObservedSecret, SecretKey, requested
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import RestartMark, Workload
from onepassword_operator.ports import EventLog
from onepassword_operator.rules import announce, conditions
from onepassword_operator.rules.secret import claims, owners, seal, secret_plan
from onepassword_operator.service.index import repairs
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue

LONGEST_BACKOFF_SECONDS: Final = 30.0
_TOMBSTONES: Final = 10_000


class Observe:
    """Records resources and Secrets as they are seen, and queues what is not as it should be."""

    def __init__(
        self,
        *,
        index: Index,
        queue: WorkQueue[SecretKey],
        sealer: seal.Sealer,
        events: EventLog,
        wake_restarts: Callable[[str], None],
        remove_finalizer: Callable[[ObjectRef], None],
        begun: Callable[[], bool],
    ) -> None:
        """Keep the parameters.

        Args:
            index: what is known of all Secrets.
            queue: the Secrets to reconcile.
            sealer: tells our own Secrets from edited ones.
            events: tells people of annotations that mean nothing.
            wake_restarts: called with a namespace in which restarts are due.
            remove_finalizer: called with an object that may lose the official finalizer.
            begun: whether this process leads and has polled 1Password.
        """
        self._index = index
        self._claims = index.claims
        self._queue = queue
        self._sealer = sealer
        self._events = events
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._wake_restarts = wake_restarts
        self._remove_finalizer = remove_finalizer
        self._begun = begun

    def claim_seen(self, claim: Claim) -> None:
        """Record a resource that exists, and queue its Secret if it needs a reconcile."""
        if (priority := self.record(claim)) is not None:
            self._queue.add(claim.key, priority)
        elif not self._begun() and conditions.is_in_sync(claim):
            # Another replica leads and has seen to it. Were this one to lead, new ones come first.
            self._queue.lower(claim.key, Priority.LOW)

    def record(self, claim: Claim) -> Priority | None:
        """Remember a resource, and return how urgently its Secret needs a reconcile, if at all.

        Late events and events about deleted objects are ignored.
        """
        former = self._claims.resource(claim.ref)
        if claim.uid in self._gone or (former and former.resource_version > claim.resource_version):
            return None
        self._put(claim, former)
        if claim.advice and (former is None or former.advice != claim.advice):
            self.advise(claim)
        due = claim.has_legacy_finalizer and self._note_finalizer(former, claim)
        if former and former.asks_the_same_as(claim):
            return Priority.LOW if due else None
        if former and former.uid != claim.uid:
            self._replaced(former)
        if former and claim.refresh and claim.refresh != former.refresh:
            wait = self._index.refreshes.ask(claim.key)
            self._index.try_anew(claim)
            if wait and former.asks_the_same_as(dataclasses.replace(claim, refresh=former.refresh)):
                self._queue.add_later(claim.key, Priority.NEW, delay_seconds=wait)
                return None
        return Priority.NEW

    def _put(self, claim: Claim, former: Claim | None) -> None:
        if former and former.key != claim.key:
            self.let_go(former)
        # The same again would be new objects among old ones, and memory full of holes. Under
        # another CRD the same version may ask for something else.
        if (
            former is None
            or former.resource_version != claim.resource_version
            or not former.asks_the_same_as(claim)
        ):
            self._claims.put(claim)

    def advise(self, about: Claim | Workload) -> None:
        """Tell the author of annotations that mean nothing."""
        for message in about.advice:
            self._events.warned(about, announce.ANNOTATION, message=message)

    def _replaced(self, former: Claim) -> None:
        # A namesake lives, so the former object does not, even if no watch has told of its end.
        self.note_gone(former.uid)
        self._index.retries.start_over(former.key)

    def _note_finalizer(self, former: Claim | None, claim: Claim) -> bool:
        # An object that is being deleted loses the official finalizer at once, another one after
        # its reconcile. Return whether that reconcile is due.
        put_back = self._index.conflicts.note_finalizer(claim.uid, claim.resource_version)
        if claim.terminating:
            self._remove_finalizer(claim.ref)
        return put_back or former is None or not former.has_legacy_finalizer

    def claim_gone(self, ref: ObjectRef, uid: str) -> None:
        """Forget a resource that was deleted."""
        self.note_gone(uid)
        held = self._claims.resource(ref)
        if held and held.uid == uid:
            self.let_go(held)

    def note_gone(self, uid: str) -> None:
        """Note that an object is gone, so that later events about its uid are ignored."""
        self._gone[uid] = None
        self._index.conflicts.forget(uid)
        if len(self._gone) > _TOMBSTONES:
            self._gone.popitem(last=False)

    def is_gone(self, uid: str) -> bool:
        """Whether the object is known to be deleted."""
        return uid in self._gone

    def let_go(self, claim: Claim) -> None:
        """Remove a claim, and queue its Secret if another object asks for it."""
        if self._index.let_go(claim):
            self._queue.add(claim.key, Priority.CHANGED)
        else:
            self._queue.discard(claim.key)  # a standby runs none, and would keep them all

    def secret_seen(self, observed: ObservedSecret) -> None:
        """Record a Secret with our label, and queue it if it needs a reconcile."""
        if (
            observed.key not in self._claims
            or observed.resource_version <= self._index.states.of(observed.key).resource_version
        ):
            return  # nobody asks for it, or it is a state that we wrote or have seen
        if not self.record_secret(observed):
            self._repair(observed.key)

    def _repair(self, key: SecretKey) -> None:
        rewrites = self._index.repairs.note_edit(key)
        if rewrites <= repairs.AT_ONCE:
            self._queue.add(key, Priority.DRIFT)
        else:
            # Somebody puts back what we put right. Neither side would ever stop, so this one slows
            # down.
            delay = min(2.0 ** (rewrites - repairs.AT_ONCE), LONGEST_BACKOFF_SECONDS)
            self._queue.add_later(key, Priority.DRIFT, delay_seconds=delay)

    def secret_checked(self, key: SecretKey, observed: ObservedSecret | None) -> None:
        """Record a Secret as read without a watch, or its absence; queue it unless settled."""
        if key not in self._claims:
            return
        state = self._index.states.of(key)
        if observed is None:
            if state.existed:
                self._index.repairs.note_edit(key)
            self._queue.add(key, Priority.DRIFT if state.existed else Priority.LOW)
            return
        news = observed.resource_version > state.resource_version
        if self.record_secret(observed):
            return
        if news:
            self._repair(key)
        else:
            self._queue.add(key, Priority.LOW)

    def secret_gone(self, key: SecretKey) -> None:
        """Queue a Secret that was deleted or lost our label: either way it takes a live read.

        Its former content, and a restart that is due, are remembered.
        """
        if key not in self._claims:
            return
        self._index.states.set_existed(key)
        self._repair(key)

    def record_secret(self, observed: ObservedSecret) -> bool:
        """Record what a Secret says about itself; return whether it needs no reconcile.

        It needs none if Secret and status are exactly as a reconcile would leave them.
        """
        key, version = observed.key, observed.resource_version
        if version < self._index.states.of(key).resource_version:
            return True
        self._index.states.set_existed(key)
        verdict = self._sealer.verify(observed)
        if verdict is seal.Verdict.INTACT:
            self._record_sealed(observed)
        elif self._index.states.mutation(observed):
            verdict = seal.Verdict.INTACT  # our own write, as it came back
        asking = self._claims.alive(key)
        claim = claims.winner(asking, observed)
        if claim is None or claim.suspended:
            return False
        pin = secret_plan.pinned(claim, observed, verdict=verdict)
        if (
            verdict is not seal.Verdict.INTACT
            or pin is None
            or observed.terminating
            or observed.type != claim.secret_type
        ):
            return False
        plan = self._plan(claim, observed, pin=pin)
        self._index.states.set_version(key, version)
        if plan.desired is not None or self._is_owed_more(claim):
            return False
        if len(asking) > 1:
            # which claims share an item takes 1Password's lists; a reconcile that finds nothing to
            # do is cheap
            return False
        # A reconcile that is under way has written the Secret and is about to write the status.
        return self._queue.is_running(key) or _is_reported(claim, pin)

    def _plan(self, claim: Claim, observed: ObservedSecret, *, pin: Revisions) -> secret_plan.Plan:
        interested = self._claims.interested(observed.key, observed.owners)
        context = secret_plan.Context(
            sealer=self._sealer,
            verdict=seal.Verdict.INTACT,
            now="",
            co_owners=owners.co_owners(claim, (), observed=observed, interested=interested),
            mutation=self._index.states.mutation(observed),
        )
        return secret_plan.plan(
            claim,
            observed,
            content=secret_plan.Content(revisions=pin, data=observed.data),
            context=context,
        )

    def _is_owed_more(self, claim: Claim) -> bool:
        failed, asked = (
            self._index.retries.attempts(claim.key) > 0,
            self._index.refreshes.is_asked(claim.key),
        )
        return failed or asked or claim.has_legacy_finalizer

    def _record_sealed(self, observed: ObservedSecret) -> None:
        # Whatever is asked for by now, and whether a reconcile succeeds: this is what it holds, and
        # a restart that is due is due.
        key, state = observed.key, self._index.states.of(observed.key)
        followed = self._index.item_users.of(key).revisions
        held = observed.recorded
        mark = RestartMark.parse(observed.annotations.get(names.RESTART_PENDING))
        if mark and mark != state.mark:
            # Another process wrote this, and may be gone: whoever sees a mark sees to it.
            self._wake_restarts(key.namespace)
        if (held, observed.shaped_by, mark) != (state.held, state.recipe, state.mark):
            self._index.states.set_sealed(
                key,
                held=followed if held == followed else held,
                recipe=observed.shaped_by,
                mark=mark,
            )
        if followed is None and held:
            self._index.item_users.follow(
                key, held, requested=requested(observed.annotations) or ""
            )


def _is_reported(claim: Claim, revisions: Revisions) -> bool:
    synced = Synced(revisions=revisions, change=Change.NONE, reason="", skipped=None)
    return not claim.is_resource or conditions.ready(claim, synced, now="", stale=False) is None
