"""From a claim to the data its Secret should hold, reading 1Password only if the Secret does not prove that it holds them already."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Final, NamedTuple

from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    BackendAnswerError,
    ItemArchivedError,
    ItemLookupError,
    ItemNotFoundError,
    RefusedError,
)
from onepassword_operator.model.item import Item, Revision
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.model.outcome import Skipped
from onepassword_operator.model.secret import ObservedSecret, SecretKey, recorded_revision
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.rules import older_answers
from onepassword_operator.rules.secret import owners, seal, secret_data, secret_plan
from onepassword_operator.rules.secret.admission import Admitted
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime import fair_share
from onepassword_operator.service.runtime.fair_share import FairShare
from onepassword_operator.service.runtime.single_flight import SingleFlight
from onepassword_operator.service.vaults.catalog import Catalog
from onepassword_operator.service.vaults.item_reads import ItemReads
from onepassword_operator.service.vaults.lookup import Found, ItemLookup

CONFIRMATIONS: Final = 3
"""Reads that must find nothing before an item counts as gone that lists lack."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The content that one reconcile asks for."""

    admitted: Admitted
    refresh: bool
    """1Password is to be asked, whatever is known."""

    @property
    def key(self) -> SecretKey:
        """The Secret."""
        return self.admitted.seen.key

    @property
    def path(self) -> str:
        """The winner's itemPath."""
        return self.admitted.winner.item_path

    @property
    def observed(self) -> ObservedSecret | None:
        """The live Secret."""
        return self.admitted.seen.observed

    @property
    def verdict(self) -> seal.Verdict:
        """Of its seal."""
        return self.admitted.seen.verdict


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a Secret should hold; `skipped` is None if the item was not read."""

    content: secret_plan.Content
    skipped: tuple[Skipped, ...] | None = None
    warning: str = ""
    frozen: bool = False
    """The item carries the ignore tag: an existing Secret is left as it is."""


class Contents:
    """The 1Password side of a reconcile."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        item_reads: ItemReads,
        index: Index,
        rendering: Rendering,
        share: FairShare,
    ) -> None:
        self._catalog = catalog
        self._finder = ItemLookup(catalog)
        self._read = item_reads
        self._index = index
        self._rendering = rendering
        self._share = share
        self._confirmations: SingleFlight[Revision, bool] = SingleFlight(index.clock)

    async def find(self, asked: Request) -> Found:
        """The item that the winner means: the pinned one as long as it is there.

        Raises:
            ItemLookupError: there is no such item, or which one is meant is unclear.
            BackendError: 1Password could not be asked.
        """
        path, followed = ItemPath.parse(asked.path), self._index.item_users.of(asked.key)
        remembered = followed.revision if followed.requested == asked.path else None
        pin = (
            secret_plan.pinned(asked.admitted.winner, asked.observed, verdict=asked.verdict)
            or remembered
        )
        if (
            pin
            and self._catalog.confirmed_gone(pin.vault_id, pin.item_id)
            and await self._is_readable(pin)
        ):
            self._catalog.note_newer(pin.vault_id, pin)
        with self._share.call(fair_share.vault_of(asked.path)):
            if asked.refresh:
                await self._finder.refresh(
                    path, pin, since=self._index.refreshes.asked_at(asked.key)
                )
            found = await self._finder.find(path, pin)
        if asked.refresh:
            self._read.drop(found.listed)
        return found

    async def means(self, claim: Claim, found: Found) -> bool:
        """Whether another claim's path leads to the same item.

        Raises:
            OperatorError: it leads nowhere, or 1Password could not be asked.
        """
        other = (await self._finder.find(ItemPath.parse(claim.item_path), None)).listed
        return (other.vault_id, other.item_id) == (found.listed.vault_id, found.listed.item_id)

    async def content(self, asked: Request, found: Found) -> Fetched:
        """The data of the found item: those of the Secret if it proves to hold this revision, else read and mapped.

        Raises:
            ItemLookupError, RefusedError: the item is archived, or can't be a Secret.
            BackendError: 1Password could not be asked.
        """
        observed, verdict, state = asked.observed, asked.verdict, self._index.states.of(asked.key)
        ignored = names.IGNORE_TAG in found.tags
        proven = (
            verdict is seal.Verdict.INTACT
            and observed is not None
            and recorded_revision(observed) == found.listed
        )
        if observed and (ignored or (proven and not asked.refresh)):
            skipped = state.skipped if state.held == found.listed else None
            kept = secret_plan.Content(revision=found.listed, data=observed.data)
            return Fetched(content=kept, skipped=skipped, warning=found.warning, frozen=ignored)
        if (
            observed
            and verdict is seal.Verdict.INTACT
            and recorded_revision(observed)
            not in {found.listed, self._index.item_users.of(asked.key).revision}
        ):
            # Another process wrote what this one has not listed yet: the item as it was held a
            # moment ago may be older than that.
            self._read.drop(found.listed)
        with self._share.call(fair_share.item_of(asked.path)):
            item = await self._item_for(asked, found.listed, held=_held(asked, state.held))
        rendered = secret_data.render(item, allow_empty=self._rendering.allow_empty_values)
        return Fetched(
            content=secret_plan.Content(revision=item.revision, data=rendered.data),
            skipped=rendered.skipped,
            warning=found.warning,
            frozen=names.IGNORE_TAG in item.tags,
        )

    async def skipped(self, revision: Revision) -> tuple[Skipped, ...] | None:
        """What of this revision becomes no key; None if 1Password has another one by now."""
        item = await self._item(revision)
        return (
            secret_data.render(item, allow_empty=self._rendering.allow_empty_values).skipped
            if item.revision == revision
            else None
        )

    async def _is_readable(self, pin: Revision) -> bool:
        # Lists lack it, and so may those of a server that lags behind; what can be read is there.
        try:
            return await self._confirmations.run(pin, lambda: self._read_again_and_again(pin))
        except ItemLookupError:
            return False
        except RefusedError:  # it is there, and too large
            return True

    async def _read_again_and_again(self, pin: Revision) -> bool:
        for _ in range(CONFIRMATIONS - 1):
            self._read.drop(pin)  # each read may meet another server
            with contextlib.suppress(ItemLookupError):
                return (await self._read.read(pin)).active
        self._read.drop(pin)
        return (await self._read.read(pin)).active

    async def _item_for(self, asked: Request, listed: Revision, *, held: _Held) -> Item:
        try:
            item = await self._item(listed)
        except RefusedError:
            # Too large to be read at all: follow what the list says, so that the next version gets
            # its chance.
            self._index.item_users.follow(asked.key, listed, requested=asked.path)
            raise
        if held.revision and item.revision.is_older_than(held.revision):
            self._check_older(asked, item.revision, held=held, listed=listed)
        if listed.is_older_than(item.revision):
            self._catalog.note_newer(item.vault_id, item.revision)
        elif item.revision != listed:
            self._catalog.expect_more(item.vault_id)
        self._index.item_users.follow(asked.key, item.revision, requested=asked.path)
        if not item.active:
            raise ItemArchivedError(
                f'item "{item.title[:100]}" is archived; restore it in 1Password, or point itemPath elsewhere'
            )
        return item

    def _check_older(
        self, asked: Request, older: Revision, *, held: _Held, listed: Revision
    ) -> None:
        newer = held.revision
        if newer is None or self._catalog.is_set_back(older):
            return
        if held.proven:
            # Followed at what it holds, so that polls compare with that.
            self._catalog.note_newer(newer.vault_id, newer)
            self._index.item_users.follow(asked.key, newer, requested=asked.path)
        elif self._index.retries.failing_seconds(asked.key) >= older_answers.SECONDS:
            # anybody may have written the annotation, so it delays this Secret and tells nothing
            # about the item
            return
        self._catalog.expect_more(older.vault_id)
        self._read.drop(listed)  # the next read may meet a server that has caught up
        raise BackendAnswerError(
            f"Connect delivers version {older.version} of {older.path} and the Secret holds version {newer.version}: a Connect server lags "
            "behind, or the item was set back, which is believed once several polls agree; the Secret stays as it is"
        )

    async def _item(self, listed: Revision) -> Item:
        try:
            return await self._read.read(listed)
        except ItemNotFoundError:
            listing = self._catalog.listed(listed.vault_id)
            if listing is None or listed.item_id not in listing.items:
                raise
        # The list has it: one of the two lags behind, and only further lists can tell that the item
        # is gone.
        self._catalog.expect_more(listed.vault_id)
        raise BackendAnswerError(
            f"Connect does not deliver item {listed.item_id}, which it has listed; trying again"
        )


class _Held(NamedTuple):
    """What the Secret is taken to hold, and whether that is proven: by its seal, or by memory."""

    revision: Revision | None
    proven: bool


def _held(asked: Request, remembered: Revision | None) -> _Held:
    observed = asked.observed
    recorded = recorded_revision(observed) if observed else None
    if asked.verdict is not seal.Verdict.BROKEN:
        return _Held(recorded, proven=True)
    # A hand edit of our own annotations is put right at once; the official operator's marks carry
    # no seal that could vouch for them.
    officially = recorded if observed and owners.is_officially_shaped(observed) else None
    return _Held(remembered or officially, proven=remembered is not None)
