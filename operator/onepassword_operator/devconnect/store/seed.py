"""Fills a store from handwritten YAML, or with bulk data for measurements."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import yaml

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.items.item_input import parse_content
from onepassword_operator.devconnect.items.item_shape import (
    SeedError,
    read_id,
    read_item,
    read_mapping,
    read_sequence,
    read_text,
)
from onepassword_operator.devconnect.items.records import VAULT_TYPES, ItemDraft
from onepassword_operator.devconnect.store.vault_store import VaultStore

# Fixed, so that a restart with the same seed shows the same data, times included:
# 2024-01-01T00:00:00Z.
EPOCH: Final = 1_704_067_200.0
_PLAIN_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]*")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SeedVault:
    """A vault of a seed with its items."""

    name: str
    id: str | None = None
    description: str = ""
    type: str = VAULT_TYPES[0]
    items: tuple[ItemDraft, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """Amounts of generated data in a seed."""

    vaults: int
    items_per_vault: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """The vaults and items that a server starts with."""

    vaults: tuple[SeedVault, ...] = ()
    generate: Bulk | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a seed file, or raise SeedError."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SeedError(
                str(path),
                f"cannot read the seed file ({type(error).__name__}); "
                "check the path and that it is UTF-8",
            ) from None
        return cls.parse(text, folder=path.parent)

    @classmethod
    def parse(cls, text: str, *, folder: Path | None = None) -> Self:
        """Read YAML (or JSON, which is YAML) text, or raise SeedError."""
        try:
            document = yaml.load(text, Loader=_LOADER)  # noqa: S506 - derived from a safe loader
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 0
            # The parser's own text quotes the line, which may hold a value.
            raise SeedError(
                f"line {line}", "not valid YAML; check indentation, quotes and colons"
            ) from None
        except yaml.YAMLError:
            raise SeedError(
                "seed", "not valid YAML; it holds characters YAML does not allow"
            ) from None
        return cls.build({} if document is None else document, folder=folder)

    @classmethod
    def build(cls, document: object, *, folder: Path | None = None) -> Self:
        """Read the mapping a seed file holds, or raise SeedError."""
        shape = read_mapping(document, "seed", allowed=frozenset({"vaults", "generate"}))
        vaults = read_sequence(shape.get("vaults"), "vaults")
        seed = cls(
            vaults=tuple(
                _vault(entry, f"vaults[{position}]", folder=folder)
                for position, entry in enumerate(vaults)
            ),
            generate=_bulk(shape["generate"]) if shape.get("generate") is not None else None,
        )
        _check_unique_ids(seed)
        _check_shared_files(seed)
        return seed

    def fill(self, store: VaultStore) -> None:
        """Put the seed's vaults and items into a store."""
        for vault in (*self.vaults, *_generated(self.generate)):
            stored = store.create_vault(
                vault.name,
                vault_id=vault.id,
                description=vault.description,
                kind=vault.type,
                at=EPOCH,
            )
            for draft in vault.items:
                store.create_item(stored.id, draft, editor=ids.PERSON_ID)


def _as_written(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str | int | bool:  # noqa: ARG001 - the signature of constructors
    """Keep a scalar's spelling, of which YAML would turn 0600 into 384, and `no` into false."""
    if node.value in {"true", "false"}:
        return bool(node.value == "true")
    return int(node.value) if _PLAIN_NUMBER.fullmatch(node.value) else str(node.value)


def _build_loader() -> Any:  # noqa: ANN401 - a class made at run time
    # The C loader reads large seeds several times faster where it is installed.
    loader: Any = type("_SeedLoader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    for kind in ("int", "float", "bool", "timestamp"):
        loader.add_constructor(f"tag:yaml.org,2002:{kind}", _as_written)
    return loader


_LOADER: Final = _build_loader()


def _vault(given: object, place: str, *, folder: Path | None) -> SeedVault:
    shape = read_mapping(
        given, place, allowed=frozenset({"name", "id", "description", "type", "items"})
    )
    items = read_sequence(shape.get("items"), f"{place}.items")
    return SeedVault(
        name=read_text(shape.get("name"), f"{place}.name", required=True),
        id=read_id(shape.get("id"), f"{place}.id"),
        description=read_text(shape.get("description"), f"{place}.description"),
        type=_vault_type(shape.get("type"), f"{place}.type"),
        items=tuple(
            _dated(read_item(entry, f"{place}.items[{position}]", folder=folder))
            for position, entry in enumerate(items)
        ),
    )


def _vault_type(given: object, place: str) -> str:
    kind = VAULT_TYPES[0] if given is None else given
    if not isinstance(kind, str) or kind not in VAULT_TYPES:
        raise SeedError(place, f"write one of {', '.join(VAULT_TYPES)}, or leave it out")
    return kind


def _dated(draft: ItemDraft) -> ItemDraft:
    return draft if draft.created_at is not None else dataclasses.replace(draft, created_at=EPOCH)


def _check_unique_ids(seed: Seed) -> None:
    places: dict[str, str] = {}
    for position, vault in enumerate(seed.vaults):
        chosen = [(vault.id, f"vaults[{position}]")]
        chosen += [
            (item.id, f"vaults[{position}].items[{index}]")
            for index, item in enumerate(vault.items)
        ]
        for identifier, place in chosen:
            if identifier is not None and identifier in places:
                raise SeedError(
                    f"{place}.id",
                    f"the id is already used by {places[identifier]}; "
                    "choose another, or leave it out",
                )
            if identifier is not None:
                places[identifier] = place


def _check_shared_files(seed: Seed) -> None:
    contents: dict[str, tuple[str, bytes]] = {}
    for position, vault in enumerate(seed.vaults):
        for index, item in enumerate(vault.items):
            for number, file in enumerate(item.files):
                kept = (
                    contents.setdefault(file.id, (file.name, file.content))
                    if file.id is not None
                    else None
                )
                if kept is not None and kept != (file.name, file.content):
                    place = f"vaults[{position}].items[{index}].files[{number}]"
                    raise SeedError(
                        f"{place}.id",
                        "another file has this id; a shared file has the same name and content "
                        "everywhere",
                    )


def _bulk(given: object) -> Bulk:
    shape = read_mapping(given, "generate", allowed=frozenset({"vaults", "items_per_vault"}))
    return Bulk(vaults=_count(shape, "vaults"), items_per_vault=_count(shape, "items_per_vault"))


def _count(shape: Mapping[str, Any], name: str) -> int:
    count = shape.get(name)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise SeedError(f"generate.{name}", "write a whole number from 0")
    return count


def _generated(bulk: Bulk | None) -> Iterator[SeedVault]:
    for vault in range(bulk.vaults if bulk else 0):
        items = range(bulk.items_per_vault if bulk else 0)
        yield SeedVault(
            name=f"vault-{vault}", items=tuple(_generated_item(vault, item) for item in items)
        )


def _generated_item(vault: int, item: int) -> ItemDraft:
    fields = [
        {"label": "username", "purpose": "USERNAME", "value": f"user-{item}"},
        {"label": "password", "purpose": "PASSWORD", "value": f"fake-password-{vault}-{item}"},
        {"label": "host", "value": f"host-{item}.example"},
        {"label": "port", "value": "5432"},
    ]
    return ItemDraft(
        content=parse_content({"title": f"item-{item:05}", "category": "LOGIN", "fields": fields}),
        created_at=EPOCH,
    )
