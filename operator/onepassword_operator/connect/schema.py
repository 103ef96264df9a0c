"""Decodes Connect's JSON tolerantly: only IDs are required.

Unknown members and values are ignored, and null counts as absent. Errors never quote the reply:
pydantic's are caught here and replaced by our own, with field names only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
import pydantic

from onepassword_operator.connect.asked import Asked
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendAnswerError
from onepassword_operator.model.item import Field, File, Item, ItemSummary, Url, Vault

Body = bytes | bytearray

NOT_JSON: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""Errors of msgspec for bytes that are no such JSON; their texts may quote the bytes."""

_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\."
)
_HALF_LENGTH: Final = len(rb"\ud83d")
_REPLACEMENT: Final = rb"\ufffd"


def _without_nulls(value: Any) -> Any:
    return (
        [element for element in value if element is not None] if isinstance(value, list) else value
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


_E = TypeVar("_E")
_Elements = Annotated[list[_E] | None, pydantic.BeforeValidator(_without_nulls)]


class _Wire(pydantic.BaseModel):
    # Numbers in strings are read as numbers, except "inf" and "nan", which have no int.
    model_config = pydantic.ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
    )


class WireVault(_Wire):
    """An element of `GET /v1/vaults`."""

    id: str
    name: str | None = None
    contentVersion: float | None = None  # noqa: N815  Connect's spelling, here and below
    attributeVersion: float | None = None  # noqa: N815
    items: float | None = None
    createdAt: str | None = None  # noqa: N815
    updatedAt: str | None = None  # noqa: N815

    def to_model(self) -> Vault:
        """Convert to a `Vault`."""
        return Vault(
            id=self.id,
            name=self.name or "",
            content_version=int(self.contentVersion or 0),
            attribute_version=int(self.attributeVersion or 0),
            items=int(self.items or 0),
            created_at=self.createdAt or "",
            updated_at=self.updatedAt or "",
        )


class _WireVaultReference(_Wire):
    id: str


class WireSummary(_Wire):
    """An element of `GET /v1/vaults/{id}/items`."""

    id: str
    vault: _WireVaultReference | None = None
    title: str | None = None
    version: float | None = None
    tags: _Elements[str] = None
    state: str | None = None
    createdAt: str | None = None  # noqa: N815
    updatedAt: str | None = None  # noqa: N815

    def to_model(self) -> ItemSummary:
        """Convert to an `ItemSummary`."""
        return ItemSummary(
            id=self.id,
            title=self.title or "",
            version=int(self.version or 0),
            created_at=self.createdAt or "",
            tags=tuple(tag for tag in self.tags or () if tag),
            active=is_active(self.state),
            updated_at=self.updatedAt or "",
        )


class _WireUrl(_Wire):
    label: str | None = None
    href: str | None = pydantic.Field(default=None, repr=False)
    primary: bool | None = None

    def to_model(self) -> Url:
        return Url(
            label=self.label or "",
            href=Confidential.of_text(self.href or ""),
            primary=bool(self.primary),
        )


# Names that only shaped Secrets need: an odd one makes no item unreadable.
_Name = Annotated[str | None, pydantic.BeforeValidator(_text)]


class _WireSection(_Wire):
    id: _Name = None
    label: _Name = None


def _section_label(section: _WireSection | None, labels: Mapping[str, str]) -> str:
    return (labels.get(section.id or "") or section.label or "") if section else ""


_Section = Annotated[_WireSection | None, pydantic.BeforeValidator(_texts)]
_Sections = Annotated[
    list[_Section],
    pydantic.BeforeValidator(lambda value: value if isinstance(value, list) else []),
]


class _WireField(_Wire):
    id: _Name = None
    label: str | None = None
    value: str | None = pydantic.Field(default=None, repr=False)
    section: _Section = None

    def to_model(self, sections: Mapping[str, str]) -> Field:
        return Field(
            label=self.label or "",
            value=Confidential.of_text(self.value or ""),
            id=self.id or "",
            section=_section_label(self.section, sections),
            section_id=(self.section and self.section.id) or "",
        )


class WireFile(_Wire):
    """The description of an attached file."""

    id: str
    name: str | None = None
    size: float | None = None
    section: _Section = None

    def to_model(self, content: Confidential, sections: Mapping[str, str]) -> File:
        """Convert to a `File` with this content; `sections` are the item's labels by ID."""
        return File(
            name=self.name or "",
            content=content,
            id=self.id,
            section=_section_label(self.section, sections),
            section_id=(self.section and self.section.id) or "",
        )


class WireItem(_Wire):
    """`GET /v1/vaults/{id}/items/{id}`."""

    id: str
    vault: _WireVaultReference
    title: str | None = None
    version: float | None = None
    tags: _Elements[str] = None
    state: str | None = None
    urls: _Elements[_WireUrl] = None
    fields: _Elements[_WireField] = pydantic.Field(default=None, repr=False)
    files: _Elements[WireFile] = None
    sections: _Sections = []

    @property
    def section_labels(self) -> dict[str, str]:
        """The labels of its sections, by ID."""
        return {each.id: each.label or "" for each in self.sections if each and each.id}

    def to_model(self, files: tuple[File, ...]) -> Item:
        """Convert to an `Item` with these files' contents."""
        sections = self.section_labels
        return Item(
            id=self.id,
            vault_id=self.vault.id,
            title=self.title or "",
            version=int(self.version or 0),
            tags=tuple(tag for tag in self.tags or () if tag),
            active=is_active(self.state),
            urls=tuple(u.to_model() for u in self.urls or ()),
            fields=tuple(f.to_model(sections) for f in self.fields or ()),
            files=files,
        )


class _WireDependency(_Wire):
    service: str | None = None
    status: str | None = None


class WireHealth(_Wire):
    """`GET /health`."""

    name: str | None = None
    version: str | None = None
    dependencies: _Elements[_WireDependency] = None

    @property
    def troubles(self) -> dict[str, str]:
        """Return the state of each dependency that is not active, by name."""
        return {
            d.service: d.status
            for d in self.dependencies or ()
            if d.service and d.status and d.status.upper() != "ACTIVE"
        }


def is_active(state: str | None) -> bool:
    """Whether an item with this state can be used; active items have none."""
    return not state or state.upper() == "ACTIVE"


_M = TypeVar("_M", bound=_Wire)


def decode_one(kind: type[_M], body: Body, *, asked: Asked) -> _M:
    """Decode one object of this kind.

    Raises:
        BackendAnswerError: the body is something else.
    """
    return _validated(kind, _json(body, asked), asked=asked)


def decode_list(kind: type[_M], body: Body, *, asked: Asked) -> list[_M]:
    """Decode an array of objects of this kind.

    Raises:
        BackendAnswerError: the body is something else.
    """
    decoded = _json(body, asked)
    if not isinstance(decoded, list):
        raise BackendAnswerError(
            f"{asked}: the reply is no JSON array; is OP_CONNECT_HOST a Connect server?"
        )
    return [_validated(kind, element, asked=asked) for element in decoded]


def _json(body: Body, asked: Asked) -> Any:
    # msgspec refuses half a surrogate pair, which other decoders replace. One odd label must not
    # make the whole item unreadable.
    for attempt in (lambda body: body, _without_halves):
        try:
            return msgspec.json.decode(attempt(body))
        except NOT_JSON:
            continue
    raise BackendAnswerError(
        f"{asked}: the reply is not JSON; is OP_CONNECT_HOST a Connect server?"
    )


def _without_halves(body: Body) -> Body:
    """Replace each escaped half of a surrogate pair that lacks its other half by U+FFFD."""

    def replaced(found: re.Match[bytes]) -> bytes:
        return _REPLACEMENT if len(found[0]) == _HALF_LENGTH else found[0]

    return _ESCAPE.sub(replaced, body)


def _validated(kind: type[_M], decoded: Any, *, asked: Asked) -> _M:
    try:
        return kind.model_validate(decoded)
    except pydantic.ValidationError as error:
        found = [entry["loc"] for entry in error.errors(include_input=False)]
        places = ", ".join(sorted({".".join(map(str, place)) or "(all)" for place in found}))
    raise BackendAnswerError(
        f"{asked}: the reply has an unexpected value at {places[:200]}; "
        "is OP_CONNECT_HOST a Connect server?"
    )
