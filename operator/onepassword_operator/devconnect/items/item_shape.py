"""Reads an item as written in a seed or sent to the admin port, and fills in defaults.

Errors name the place and the remedy, never a value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.items import item_input
from onepassword_operator.devconnect.items.field_input import Reading, predictable, section_of
from onepassword_operator.devconnect.items.records import FileDraft, ItemDraft, Json

_ITEM_KEYS: Final = frozenset(
    {
        "title",
        "id",
        "category",
        "tags",
        "urls",
        "sections",
        "fields",
        "files",
        "version",
        "created_at",
        "state",
        "favorite",
    }
)
_FILE_KEYS: Final = frozenset({"name", "content", "content_base64", "path", "section", "id"})
_LOGIN_PURPOSES: Final[Mapping[str, str]] = {
    "username": "USERNAME",
    "password": "PASSWORD",
    "notesPlain": "NOTES",
}
_CONCEALED_WORDS: Final = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "private key",
    "api key",
    "api_key",
    "apikey",
)


class SeedError(ValueError):
    """An unusable seed; the message starts with the place in it."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")


def read_item(
    given: object, place: str, *, folder: Path | None = None, reading: Reading | None = None
) -> ItemDraft:
    """Read one item.

    Relative file paths start at `folder`; without it files can't be read from paths.

    Without a `reading`, generated values depend on the place and the title alone.
    """
    shape = read_mapping(given, place, allowed=_ITEM_KEYS)
    title = read_text(shape.get("title"), f"{place}.title", required=True)
    category = str(shape.get("category") or "LOGIN").upper()
    document = {
        **shape,
        "category": category,
        "title": title,
        "fields": read_fields(shape.get("fields"), f"{place}.fields", category=category),
    }
    try:
        content = item_input.parse_content(document, reading or predictable(place, title))
    except ApiError as error:
        raise SeedError(place, error.message) from None
    return ItemDraft(
        content=content,
        files=read_files(shape.get("files"), f"{place}.files", folder=folder),
        id=read_id(shape.get("id"), f"{place}.id"),
        version=_version(shape.get("version"), f"{place}.version"),
        created_at=read_time(shape.get("created_at"), f"{place}.created_at"),
    )


def read_fields(given: object, place: str, *, category: str) -> list[Json]:
    """Read a mapping of label to value, or a list of field objects as the API shows them."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [
            field_named(label, value, place=f"{place}.{label}", category=category)
            for label, value in given.items()
        ]
    if isinstance(given, list):
        return [
            _field_object(entry, f"{place}[{position}]") for position, entry in enumerate(given)
        ]
    raise SeedError(place, "write a mapping of label to value, or a list of field objects")


def field_named(label: object, value: object, *, place: str, category: str) -> Json:
    """Build a field from its label.

    In LOGIN items the well-known labels get their purpose; labels that sound secret are concealed.
    """
    name = read_text(label, place, required=True)
    field: Json = {"label": name, "value": read_text(value, place)}
    if category in {"LOGIN", "PASSWORD"} and name in _LOGIN_PURPOSES:
        field["purpose"] = _LOGIN_PURPOSES[name]
    elif category == "SSH_KEY" and name == "private key":
        field |= {"type": "SSHKEY", "id": "private_key"}
    elif any(word in name.lower() for word in _CONCEALED_WORDS):
        field["type"] = "CONCEALED"
    return field


def read_files(given: object, place: str, *, folder: Path | None) -> tuple[FileDraft, ...]:
    """Read the files of an item."""
    entries = read_sequence(given, place)
    return tuple(
        _file(entry, f"{place}[{position}]", folder=folder)
        for position, entry in enumerate(entries)
    )


def read_mapping(given: object, place: str, *, allowed: frozenset[str]) -> Mapping[str, object]:
    """Return a mapping with known keys only, or raise SeedError."""
    if not isinstance(given, Mapping):
        raise SeedError(place, "write a mapping")
    unknown = sorted(str(key) for key in given if key not in allowed)
    if unknown:
        raise SeedError(
            place, f"unknown key {unknown[0]!r}; known are {', '.join(sorted(allowed))}"
        )
    return given


def read_sequence(given: object, place: str) -> Sequence[object]:
    """Return a list, empty when left out, or raise SeedError."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise SeedError(place, "write a list")
    return given


def read_text(given: object, place: str, *, required: bool = False) -> str:
    """Return a value as text, if it is a text or a whole number.

    Other types are refused, because their spelling is lost.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    if given is None or given == "":
        if required:
            raise SeedError(place, "write a text that is not empty")
        return ""
    if not isinstance(given, str):
        raise SeedError(place, "put it in quotes: it is read as another type than text")
    return given


def read_id(given: object, place: str) -> str | None:
    """Return a chosen id, or None when left out."""
    if given is None:
        return None
    identifier = read_text(given, place)
    if not ids.is_well_formed(identifier):
        raise SeedError(place, "an id is 26 characters of a-z and 0-9; leave it out to get one")
    return identifier


def read_time(given: object, place: str) -> float | None:
    """Return a time as Unix seconds, or None when left out."""
    if given is None:
        return None
    try:
        time = datetime.fromisoformat(read_text(given, place))
    except ValueError:
        raise SeedError(place, "write a time such as 2024-05-02T08:12:00Z") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _version(given: object, place: str) -> int:
    if given is None:
        return 1
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise SeedError(place, "write a whole number from 1")
    return given


def _field_object(given: object, place: str) -> Json:
    if not isinstance(given, Mapping):
        raise SeedError(
            place, "write a field object such as {label: host, value: ..., type: STRING}"
        )
    return {**given, "value": read_text(given.get("value"), f"{place}.value")}


def _file(given: object, place: str, *, folder: Path | None) -> FileDraft:
    shape = read_mapping(given, place, allowed=_FILE_KEYS)
    sources = [key for key in ("content", "content_base64", "path") if key in shape]
    if len(sources) != 1:
        raise SeedError(place, "write exactly one of content, content_base64 and path")
    source = sources[0]
    text = read_text(shape[source], f"{place}.{source}")
    name = read_text(shape.get("name"), f"{place}.name", required=source != "path")
    return FileDraft(
        name=name or Path(text).name,
        content=_bytes(source, text, place=f"{place}.{source}", folder=folder),
        section=_file_section(shape.get("section"), f"{place}.section"),
        id=read_id(shape.get("id"), f"{place}.id"),
    )


def _bytes(source: str, text: str, *, place: str, folder: Path | None) -> bytes:
    match source:
        case "content":
            return text.encode()
        case "content_base64":
            return _decode(text, place)
        case _:
            return _read_path(text, place, folder=folder)


def _file_section(given: object, place: str) -> Json | None:
    try:
        return section_of({"id": given} if isinstance(given, str) else given)
    except ApiError as error:
        raise SeedError(place, error.message) from None


def _decode(text: str, place: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise SeedError(
            place, "not standard base64; encode the bytes again, or use content for plain text"
        ) from None


def _read_path(path: str, place: str, *, folder: Path | None) -> bytes:
    if folder is None:
        raise SeedError(
            place, "files are read from paths only in seed files; use content or content_base64"
        )
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise SeedError(
            place, f"cannot read the file ({error.strerror}); the path is relative to the seed file"
        ) from None
