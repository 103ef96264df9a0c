"""Reads an item body as Connect does: adds sections and derived fields, or raises 400."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.items import ssh_keys
from onepassword_operator.devconnect.items.field_input import Reading, parse_fields, section_of
from onepassword_operator.devconnect.items.records import ItemContent, Json
from onepassword_operator.devconnect.json_input import flag, mapping, sequence, text

CATEGORIES: Final = frozenset(
    {
        "LOGIN",
        "PASSWORD",
        "API_CREDENTIAL",
        "SERVER",
        "DATABASE",
        "CREDIT_CARD",
        "MEMBERSHIP",
        "PASSPORT",
        "SOFTWARE_LICENSE",
        "OUTDOOR_LICENSE",
        "SECURE_NOTE",
        "WIRELESS_ROUTER",
        "BANK_ACCOUNT",
        "DRIVER_LICENSE",
        "IDENTITY",
        "REWARD_PROGRAM",
        "DOCUMENT",
        "EMAIL_ACCOUNT",
        "SOCIAL_SECURITY_NUMBER",
        "MEDICAL_RECORD",
        "SSH_KEY",
        "CUSTOM",
    }
)
# Connect shows items of these categories but refuses to create them.
NOT_CREATABLE: Final = frozenset({"DOCUMENT", "CUSTOM"})
STATES: Final = frozenset({"ARCHIVED", "DELETED"})
_DERIVED_IDS: Final = {
    "public key": "public_key",
    "fingerprint": "fingerprint",
    "key type": "key_type",
}
_BY_DEFAULT: Final = Reading()


def parse_content(body: object, reading: Reading = _BY_DEFAULT) -> ItemContent:
    """Read an item body into the content to store, or refuse it with 400."""
    document = mapping(body, "the body")
    category = _category(document.get("category"))
    sections = _sections(document.get("sections"))
    fields = tuple(
        _placed(field, sections) for field in parse_fields(document.get("fields"), reading)
    )
    _check_passwords(category, fields)
    return ItemContent(
        title=text(document.get("title"), "title"),
        category=category,
        tags=tuple(sorted({text(tag, "a tag") for tag in sequence(document.get("tags"), "tags")})),
        favorite=flag(document.get("favorite"), "favorite"),
        urls=tuple(_url(entry) for entry in sequence(document.get("urls"), "urls")),
        sections=tuple(sections),
        fields=_with_derived(fields) if category == "SSH_KEY" else fields,
        state=_state(document.get("state")),
    )


def check_addressed(body: object, *, vault_id: str, item_id: str | None = None) -> None:
    """Refuse a body that names another vault or item than the path.

    A replacement must name both, a creation the vault.
    """
    document = mapping(body, "the body")
    vault = document.get("vault")
    named = vault.get("id") if isinstance(vault, Mapping) else None
    if not named:
        raise bad_request("Vault UUID required")
    if named != vault_id:
        raise bad_request("The item's vault does not match the vault of the request path")
    if item_id is not None and document.get("id") != item_id:
        raise bad_request("The item's id does not match the item of the request path")


def check_category(content: ItemContent, *, before: str | None = None) -> None:
    """Refuse the categories Connect shows but does not create.

    An item that has such a category may keep it.
    """
    if content.category in NOT_CREATABLE and content.category != before:
        raise bad_request(f"Creating items of category {content.category} is not supported")


def _category(given: object) -> str:
    category = given.upper() if isinstance(given, str) else None
    if category is None or category not in CATEGORIES:
        raise bad_request("Invalid item category")
    return category


def _state(given: object) -> str | None:
    if given is None or given == "":
        return None
    if not isinstance(given, str) or given not in STATES:
        raise bad_request("Invalid item state: use ARCHIVED or DELETED")
    return given


def _check_passwords(category: str, fields: Sequence[Json]) -> None:
    passwords = [field for field in fields if field.get("purpose") == "PASSWORD"]
    if category == "PASSWORD" and not any(field["type"] == "CONCEALED" for field in passwords):
        raise bad_request(
            "Validation: (validateVaultItem failed) a PASSWORD item needs a CONCEALED field with "
            "purpose PASSWORD"
        )


def _sections(given: object) -> list[Json]:
    sections: list[Json] = []
    for position, entry in enumerate(sequence(given, "sections")):
        section = section_of(entry) or {}
        sections.append(
            {**section, "id": section.get("id") or _section_id(section.get("label", ""), position)}
        )
    return sections


def _placed(field: Json, sections: list[Json]) -> Json:
    """Give a field's section an id, by its label if need be, and add a new section to the item."""
    section = field.get("section")
    if not section or not any(section.values()):
        return field
    if "id" not in section:
        named = next((known for known in sections if known.get("label") == section["label"]), None)
        section = {
            **section,
            "id": named["id"] if named else _section_id(section["label"], len(sections)),
        }
        field = {**field, "section": section}
    if all(known["id"] != section["id"] for known in sections):
        sections.append(dict(section))
    return field


def _section_id(label: str, position: int) -> str:
    return f"Section_{hashlib.sha256(repr((label, position)).encode()).hexdigest()[:32]}"


def _url(given: object) -> Json:
    entry = {"href": given} if isinstance(given, str) else mapping(given, "a url")
    href = text(entry.get("href"), "a url's href")
    if not href:
        raise bad_request("A url needs an href")
    url: Json = {"href": href}
    if entry.get("label") is not None:
        url["label"] = text(entry["label"], "a url's label")
    if entry.get("primary") is not None:
        url["primary"] = flag(entry["primary"], "a url's primary")
    return url


def _with_derived(fields: tuple[Json, ...]) -> tuple[Json, ...]:
    """Show public key, fingerprint and type of a private key that can be read.

    An unreadable key leaves the fields as they are.
    """
    key = next(
        (field["value"] for field in fields if field["type"] == "SSHKEY" and field.get("value")), ""
    )
    derived = ssh_keys.derive(key) if key else None
    if derived is None:
        return fields
    values = {
        "public key": derived.public_key,
        "fingerprint": derived.fingerprint,
        "key type": derived.key_type,
    }
    kept = [
        {**field, "value": values.pop(field["label"])} if field["label"] in values else field
        for field in fields
    ]
    return (
        *kept,
        *(
            {"id": _free_id(label, fields), "type": "STRING", "label": label, "value": value}
            for label, value in values.items()
        ),
    )


def _free_id(label: str, fields: Sequence[Json]) -> str:
    taken = any(field["id"] == _DERIVED_IDS[label] for field in fields)
    return ids.derive("field", "", label) if taken else _DERIVED_IDS[label]
