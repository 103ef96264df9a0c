"""Reads the fields of an item body as Connect does: decides ids, types, values, or raises 400."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.items import passwords, ssh_keys
from onepassword_operator.devconnect.items.records import Json
from onepassword_operator.devconnect.json_input import flag, mapping, sequence, text

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
PURPOSE_IDS: Final[Mapping[str, str]] = {
    "USERNAME": "username",
    "PASSWORD": "password",
    "NOTES": "notesPlain",
}
# Specifications and the Go client write these.
_OTHER_SPELLINGS: Final[Mapping[str, str]] = {"TOTP": "OTP", "SSH_KEY": "SSHKEY"}
_MONTH_YEAR: Final = re.compile(r"([0-9]{4})/?(0[1-9]|1[0-2])")
_SECONDS: Final = re.compile(r"-?[0-9]{1,12}")
# The web app stores one minute past noon, so that no time zone moves the day.
NOON_SECONDS: Final = (12 * 60 + 1) * 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read an item body: the time of day of a date, and the source of randomness."""

    seconds_into_day: int = NOON_SECONDS
    randbelow: passwords.RandBelow = secrets.randbelow


def predictable(*names: object) -> Reading:
    """Return the parameters for seeds: generated values depend on these names alone."""
    counter = iter(range(1 << 62))

    def randbelow(limit: int) -> int:
        return (
            int.from_bytes(hashlib.sha256(repr((*names, next(counter))).encode()).digest()) % limit
        )

    return Reading(randbelow=randbelow)


def parse_fields(given: object, reading: Reading) -> tuple[Json, ...]:
    """Read the fields of an item, or raise 400."""
    occurrences: Counter[tuple[str, str]] = Counter()
    fields = tuple(
        _field(mapping(entry, "a field"), occurrences, reading=reading)
        for entry in sequence(given, "fields")
    )
    if sum(field.get("purpose") == "PASSWORD" for field in fields) > 1:
        raise bad_request("Validation: (validateVaultItem failed) too many password fields")
    if len({field["id"] for field in fields}) != len(fields):
        raise bad_request("Two fields have the same id")
    return fields


def section_of(given: object) -> Json | None:
    """Read the section of a field, a file or the item itself; an empty object stays empty."""
    if given is None:
        return None
    section = mapping(given, "a section")
    read = {
        name: text(section[name], f"a section's {name}")
        for name in ("id", "label")
        if section.get(name) is not None
    }
    return {name: value for name, value in read.items() if name != "id" or value}


def _field(
    given: Mapping[str, object], occurrences: Counter[tuple[str, str]], *, reading: Reading
) -> Json:
    purpose = _purpose(given.get("purpose"))
    label = text(given.get("label"), "a field's label") or PURPOSE_IDS.get(purpose, "")
    section = section_of(given.get("section"))
    kind = _type(given.get("type"), purpose)
    # Connect identifies fields with a purpose by it, whatever id a writer sends.
    identifier = (
        PURPOSE_IDS.get(purpose)
        or text(given.get("id"), "a field's id")
        or _new_id(label, section, occurrences=occurrences)
    )
    if kind == "OTP" and not given.get("id") and not purpose:
        identifier = f"TOTP_{ids.derive(identifier)}"
    field: Json = {"id": identifier}
    if section is not None:
        field["section"] = section
    field["type"] = kind
    if purpose:
        field["purpose"] = purpose
    field["label"] = label
    value = _value(given, kind, reading=reading)
    if value:
        field["value"] = value
        if purpose == "PASSWORD":
            field["entropy"] = passwords.entropy(value)
    return field


def _new_id(label: str, section: Json | None, *, occurrences: Counter[tuple[str, str]]) -> str:
    key = (str(section.get("id", "")) if section else "", label)
    occurrences[key] += 1
    return ids.derive("field", *key, occurrences[key])


def _purpose(given: object) -> str:
    purpose = text(given, "a field's purpose").upper()
    if purpose and purpose not in PURPOSE_IDS:
        raise bad_request("Invalid field purpose: use USERNAME, PASSWORD or NOTES")
    return purpose


def _type(given: object, purpose: str) -> str:
    name = text(given, "a field's type").upper()
    if not name:
        return "CONCEALED" if purpose == "PASSWORD" else "STRING"
    name = _OTHER_SPELLINGS.get(name, name)
    if name not in FIELD_TYPES:
        raise bad_request("Invalid field type")
    return name


def _value(given: Mapping[str, object], kind: str, *, reading: Reading) -> str:
    value = text(given.get("value"), "a field's value")
    generate = flag(given.get("generate"), "generate")
    if generate or given.get("recipe") is not None:
        recipe = passwords.read_recipe(given.get("recipe"))
        value = value or (_generated(kind, recipe, reading=reading) if generate else "")
    if value and kind == "MONTH_YEAR":
        return _month_year(value)
    return _date(value, reading.seconds_into_day) if value and kind == "DATE" else value


def _generated(kind: str, recipe: passwords.Recipe, *, reading: Reading) -> str:
    if kind == "SSHKEY":
        return ssh_keys.make(bytes(reading.randbelow(256) for _ in range(ssh_keys.SEED_BYTES)))
    return passwords.generate(recipe, randbelow=reading.randbelow)


def _month_year(value: str) -> str:
    matched = _MONTH_YEAR.fullmatch(value)
    if matched is None:
        raise bad_request("Invalid month and year: use the form YYYYMM or YYYY/MM")
    return "".join(matched.groups())


def _date(value: str, seconds_into_day: int) -> str:
    if _SECONDS.fullmatch(value):
        return value
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise bad_request("Invalid date: use the form YYYY-MM-DD") from None
    return str(int(day.timestamp()) + seconds_into_day)
