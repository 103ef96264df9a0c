"""From a recipe to the data of its Secret, read from 1Password unless the Secret proves them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    BackendAnswerError,
    ItemArchivedError,
    ItemNotFoundError,
    RefusedError,
)
from onepassword_operator.model.item import ABSENT, Item, Revision, Revisions
from onepassword_operator.model.recipe import Part
from onepassword_operator.rules import conditions, older_answers
from onepassword_operator.rules.contents.item_room import ItemRoom
from onepassword_operator.rules.secret import seal, secret_plan
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime import fair_share
from onepassword_operator.service.runtime.fair_share import FairShare
from onepassword_operator.service.secret_sync.pins import OutdatedError, Request
from onepassword_operator.service.secret_sync.renders import Renders
from onepassword_operator.service.vaults.catalog import Catalog
from onepassword_operator.service.vaults.item_reads import ItemReads
from onepassword_operator.service.vaults.lookup import UNLISTED, Found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The content that a Secret should have; `skipped`, in words, is None if no item was read."""

    content: secret_plan.Content
    skipped: str | None = None
    warning: str = ""
    frozen: Revision | None = None
    """An item that carries the ignore tag: an existing Secret is left as it is."""


class Contents:
    """The 1Password side of a reconcile."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        item_reads: ItemReads,
        index: Index,
        renders: Renders,
        limits: FairShare,
    ) -> None:
        self._catalog = catalog
        self._read = item_reads
        self._index = index
        self._renders = renders
        self._limits = limits

    async def content(self, asked: Request, found: Sequence[Found]) -> Fetched:
        """Return the data of the found items: the Secret's if it is proven, else as read.

        Raises:
            OutdatedError: an item has been renamed since its list: find what is asked for again.
            ItemLookupError, RefusedError: an item is archived, or can't be a Secret.
            BackendError: 1Password could not be asked.
        """
        observed, verdict, state = asked.observed, asked.verdict, self._index.states.of(asked.key)
        listed = Revisions(each.listed for each in found)
        warning = "; ".join(each.warning for each in found if each.warning)
        ignored = next((each.listed for each in found if names.IGNORE_TAG in each.tags), None)
        held = observed.recorded if observed else None
        proven = verdict is seal.Verdict.INTACT and held == listed
        if observed and (
            ignored
            or (proven and not asked.refresh and secret_plan.has_shape(observed, asked.recipe))
        ):
            skipped = state.skipped if state.held == listed else None
            kept = secret_plan.Content(revisions=listed, data=observed.data)
            return Fetched(content=kept, skipped=skipped, warning=warning, frozen=ignored)
        followed = self._index.item_users.of(asked.key).revisions
        if observed and verdict is seal.Verdict.INTACT and held not in (listed, followed):
            # Another process wrote what this one has not listed yet: an item as it was held a
            # moment ago may be older than that.
            for revision in listed:
                self._read.drop(revision)
        items = await self._items(asked, found)
        rendered = await self._renders.render(asked.recipe, items)
        return Fetched(
            content=secret_plan.Content(revisions=_revisions(items), data=rendered.data),
            skipped=conditions.skipped(rendered.skipped),
            warning=warning,
            frozen=next((i.revision for i in items if i and names.IGNORE_TAG in i.tags), None),
        )

    async def skipped(self, asked: Request, revisions: Revisions) -> str | None:
        """Say what of these revisions becomes no key; None if there are newer ones."""
        items: list[Item | None] = []
        room = ItemRoom()
        for revision in revisions:
            if revision == ABSENT:
                items.append(None)
                continue
            with self._limits.call(fair_share.item_of(revision.path)):
                items.append(room.take(await self._item(revision)))
        rendered = await self._renders.render(asked.recipe, items)
        return conditions.skipped(rendered.skipped) if _revisions(items) == revisions else None

    async def _items(self, asked: Request, found: Sequence[Found]) -> list[Item | None]:
        items: list[Item | None] = []
        room = ItemRoom()
        listed = [each.listed for each in found]
        held = _held(asked, self._index.states.of(asked.key).held)
        for position, part in enumerate(asked.recipe.parts):
            revisions = Revisions((*_revisions(items), *listed[position:]))
            turn = _Turn(asked, revisions, position, title=found[position].title)
            with self._limits.call(fair_share.item_of(part.path)):
                items.append(room.take(await self._item_if_there(turn, part, held=held)))
        return items

    async def _item_if_there(self, turn: _Turn, part: Part, *, held: _Held) -> Item | None:
        if turn.listed != ABSENT:
            try:
                return await self._item_for(turn, held=held)
            except (ItemNotFoundError, ItemArchivedError):
                # One that lists have shown counts as there until several polls agree.
                if not (part.optional and turn.listed.version == UNLISTED):
                    raise
        self._follow(turn, ABSENT)  # so that its coming wakes the Secret, were it without any item
        return None

    async def _item_for(self, turn: _Turn, *, held: _Held) -> Item:
        listed = turn.listed
        try:
            item = await self._item(listed)
        except RefusedError:
            # Too large to be read at all: follow what the list says, so that the next version gets
            # its chance.
            self._follow(turn, listed)
            raise
        if turn.title and item.title != turn.title:
            await self._list_again(turn)
            raise OutdatedError
        for newer in held.revisions or ():
            if item.revision.is_older_than(newer):
                await self._check_older(turn, item, newer=newer, proven=held.proven)
        if item.active and listed.is_older_than(item.revision):
            self._catalog.note_newer(item.vault_id, item.revision)
        elif item.revision != listed:
            self._catalog.expect_more(item.vault_id)
        self._follow(turn, item.revision)
        if not item.active:
            raise ItemArchivedError(
                f'item "{item.title[:100]}" is archived; restore it in 1Password, '
                "or point itemPath elsewhere"
            )
        return item

    async def _list_again(self, turn: _Turn) -> None:
        listed, now = turn.listed, self._index.clock.monotonic()
        listing = await self._catalog.fresh_listing(listed.vault_id, since=now)
        shown = listing.items.get(listed.item_id)
        if shown and shown.title == turn.title:
            raise BackendAnswerError(
                f'item "{turn.title[:100]}" has another title than Connect has listed: '
                "a Connect server lags behind; trying again"
            )

    async def _check_older(self, turn: _Turn, item: Item, *, newer: Revision, proven: bool) -> None:
        older, key = item.revision, turn.asked.key
        if self._catalog.is_restored(older, held=newer):
            return
        if proven:
            # Followed at what it holds, so that polls compare with that.
            self._catalog.note_newer(newer.vault_id, newer)
            self._follow(turn, newer)
        elif await self._renders.gives(turn.asked.recipe, [item], observed=turn.asked.observed):
            return  # somebody edited the annotation, and nothing else
        elif self._index.retries.seconds_with_older_answer(key) >= older_answers.SECONDS:
            # anybody may have written the annotation, so it delays this Secret and tells nothing
            # about the item
            return
        self._catalog.expect_more(older.vault_id)
        self._read.drop(turn.listed)  # the next read may meet a server that has caught up
        raise BackendAnswerError(
            f"Connect delivers version {older.version} of {older.path} and the Secret holds "
            f"version {newer.version}: a Connect server lags behind, or the item was restored, "
            "which is believed once several polls agree; the Secret stays as it is"
        )

    def _follow(self, turn: _Turn, revision: Revision) -> None:
        revisions = turn.revisions.having(revision, at=turn.position)
        self._index.item_users.follow(turn.asked.key, revisions, requested=str(turn.asked.recipe))

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


class _Turn(NamedTuple):
    """One item's turn among those of a Secret: the ones before it are read, the others listed."""

    asked: Request
    revisions: Revisions
    position: int
    title: str = ""
    """The listed title, if the item was found by it."""

    @property
    def listed(self) -> Revision:
        """The revision of the item whose turn it is."""
        return self.revisions[self.position]


class _Held(NamedTuple):
    """The revisions that a Secret is taken to hold, and whether seal or memory proves it."""

    revisions: Revisions | None
    proven: bool


def _held(asked: Request, remembered: Revisions | None) -> _Held:
    observed = asked.observed
    noted = observed.recorded if observed else None
    if asked.verdict is not seal.Verdict.BROKEN:
        return _Held(noted, proven=True)
    return _Held(remembered or noted, proven=remembered is not None)


def _revisions(items: Iterable[Item | None]) -> Revisions:
    return Revisions(item.revision if item else ABSENT for item in items)
