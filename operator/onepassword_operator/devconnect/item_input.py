"""Reads an item body as Connect does: decides which bodies are refused with 400 and which ids, labels and forms the stored item gets."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.records import ItemContent, Json

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
FIELD_TYPES: Final = frozenset(
    {
        "STRING",
        "EMAIL",
        "CONCEALED",
        "URL",
        "OTP",
        "DATE",
        "MONTH_YEAR",
        "MENU",
        "SSHKEY",
        "ADDRESS",
        "PHONE",
        "REFERENCE",
        "CREDIT_CARD_NUMBER",
        "CREDIT_CARD_TYPE",
        "GENDER",
        "FILE",
        "UNKNOWN",
    }
)
PURPOSE_IDS: Final[Mapping[str, str]] = {"USERNAME": "username", "PASSWORD": "password", "NOTES": "notesPlain"}
STATES: Final = frozenset({"ARCHIVED", "DELETED"})
_MONTH_YEAR: Final = re.compile(r"(\d{4})/?(0[1-9]|1[0-2])")


def parse_content(body: object) -> ItemContent:
    """Read an item body into what the store keeps, or refuse it with 400."""
    document = _mapping(body, "the body")
    category = _category(document.get("category"))
    fields = _fields(document.get("fields"))
    _check_passwords(category, fields)
    if len({field["id"] for field in fields}) != len(fields):
        raise bad_request("Two fields have the same id")
    return ItemContent(
        title=_text(document.get("title"), "title"),
        category=category,
        tags=tuple(sorted({_text(tag, "a tag") for tag in _sequence(document.get("tags"), "tags")})),
        favorite=_flag(document.get("favorite"), "favorite"),
        urls=tuple(_url(entry) for entry in _sequence(document.get("urls"), "urls")),
        sections=_sections(document.get("sections"), fields),
        fields=fields,
        state=_state(document.get("state")),
    )


def check_addressed(body: object, *, vault_id: str, item_id: str | None = None) -> None:
    """Refuse a body that names another vault or item than the path; a replacement must name both, a creation the vault."""
    document = _mapping(body, "the body")
    vault = document.get("vault")
    named = vault.get("id") if isinstance(vault, Mapping) else None
    if not named:
        raise bad_request("Vault UUID required")
    if named != vault_id:
        raise bad_request("The item's vault does not match the vault of the request path")
    if item_id is not None and document.get("id") != item_id:
        raise bad_request("The item's id does not match the item of the request path")


def check_creatable(content: ItemContent) -> None:
    """Refuse the categories Connect shows but does not create."""
    if content.category in NOT_CREATABLE:
        raise bad_request(f"Creating items of category {content.category} is not supported")


def _category(given: object) -> str:
    category = given.upper() if isinstance(given, str) else None
    if category not in CATEGORIES:
        raise bad_request("Invalid item category")
    return category


def _state(given: object) -> str | None:
    if given is None or given == "":
        return None
    if given not in STATES:
        raise bad_request("Invalid item state: use ARCHIVED or DELETED")
    return str(given)


def _fields(given: object) -> tuple[Json, ...]:
    occurrences: dict[tuple[str, str], int] = {}
    return tuple(_field(_mapping(entry, "a field"), occurrences) for entry in _sequence(given, "fields"))


def _field(given: Mapping[str, object], occurrences: dict[tuple[str, str], int]) -> Json:
    purpose = _purpose(given.get("purpose"))
    label = _text(given.get("label"), "a field's label")
    section = _section_of(given.get("section"))
    identifier = (
        _text(given.get("id"), "a field's id") or PURPOSE_IDS.get(purpose, "") or _field_id(label, section, occurrences=occurrences)
    )
    field: Json = {"id": identifier}
    if section is not None:
        field["section"] = section
    field["type"] = _type(given.get("type"), purpose)
    if purpose:
        field["purpose"] = purpose
        # Connect identifies these fields by purpose whatever id a writer sends.
        field["id"] = PURPOSE_IDS[purpose]
    field["label"] = label or PURPOSE_IDS.get(purpose, "")
    value = _value(given.get("value"), field["type"])
    if value:
        field["value"] = value
    return field


def _field_id(label: str, section: Json | None, *, occurrences: dict[tuple[str, str], int]) -> str:
    key = (str(section.get("id", "")) if section else "", label)
    occurrences[key] = occurrences.get(key, 0) + 1
    return ids.derive("field", *key, occurrences[key])


def _purpose(given: object) -> str:
    purpose = _text(given, "a field's purpose").upper()
    if purpose and purpose not in PURPOSE_IDS:
        raise bad_request("Invalid field purpose: use USERNAME, PASSWORD or NOTES")
    return purpose


def _type(given: object, purpose: str) -> str:
    name = _text(given, "a field's type").upper()
    if not name:
        return "CONCEALED" if purpose == "PASSWORD" else "STRING"
    # Specifications print TOTP, servers send OTP.
    name = "OTP" if name == "TOTP" else name
    if name not in FIELD_TYPES:
        raise bad_request("Invalid field type")
    return name


def _value(given: object, kind: str) -> str:
    value = _text(given, "a field's value")
    if not value:
        return value
    if kind == "MONTH_YEAR":
        matched = _MONTH_YEAR.fullmatch(value)
        if matched is None:
            raise bad_request("Invalid month and year: use the form YYYYMM or YYYY/MM")
        return "".join(matched.groups())
    if kind == "DATE":
        return _date(value)
    return value


def _date(value: str) -> str:
    if value.lstrip("-").isdecimal():
        return value
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise bad_request("Invalid date: use the form YYYY-MM-DD") from None
    # The web app stores one minute past noon, so that no time zone moves the day.
    return str(int(day.timestamp()) + (12 * 60 + 1) * 60)


def _check_passwords(category: str, fields: Sequence[Json]) -> None:
    passwords = [field for field in fields if field.get("purpose") == "PASSWORD"]
    if len(passwords) > 1:
        raise bad_request("Validation: (validateVaultItem failed) too many password fields")
    if category == "PASSWORD" and not any(field["type"] == "CONCEALED" for field in passwords):
        raise bad_request("Validation: (validateVaultItem failed) a PASSWORD item needs a CONCEALED field with purpose PASSWORD")


def _sections(given: object, fields: Sequence[Json]) -> tuple[Json, ...]:
    sections: list[Json] = []
    for position, entry in enumerate(_sequence(given, "sections")):
        section = _section_of(entry) or {}
        sections.append({"id": section.get("id") or f"Section_{ids.derive('section', position)}", **section})
    known = {section["id"] for section in sections}
    for field in fields:
        section = field.get("section") or {}
        if "id" in section and section["id"] not in known:
            known.add(section["id"])
            sections.append(dict(section))
    return tuple(sections)


def _section_of(given: object) -> Json | None:
    if given is None:
        return None
    section = _mapping(given, "a section")
    return {name: _text(section[name], f"a section's {name}") for name in ("id", "label") if section.get(name) is not None}


def _url(given: object) -> Json:
    entry = {"href": given} if isinstance(given, str) else _mapping(given, "a url")
    href = _text(entry.get("href"), "a url's href")
    if not href:
        raise bad_request("A url needs an href")
    url: Json = {"href": href}
    if entry.get("label") is not None:
        url["label"] = _text(entry["label"], "a url's label")
    if entry.get("primary") is not None:
        url["primary"] = _flag(entry["primary"], "a url's primary")
    return url


def _text(given: object, name: str) -> str:
    if given is None:
        return ""
    if not isinstance(given, str):
        raise bad_request(f"Unable to parse item: {name} must be a string")
    return given


def _flag(given: object, name: str) -> bool:
    if given is None:
        return False
    if not isinstance(given, bool):
        raise bad_request(f"Unable to parse item: {name} must be true or false")
    return given


def _sequence(given: object, name: str) -> Sequence[object]:
    if given is None:
        return ()
    if not isinstance(given, list | tuple):
        raise bad_request(f"Unable to parse item: {name} must be a list")
    return given


def _mapping(given: object, name: str) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise bad_request(f"Unable to parse item: {name} must be an object")
    return given
