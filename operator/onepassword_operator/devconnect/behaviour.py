"""The server's settings, changeable while it runs.

There is one for each behaviour that a real server can configure, or that is not known. Defaults
follow the evidence, or else the form that a client has to accept anyway. `docs/connect-server.md`
has the reasons.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

_CHOICES: Final = "choices"
_LEAST: Final = "least"
_TRUTHS: Final[Mapping[object, bool]] = {"true": True, "false": False}


class BehaviourError(ValueError):
    """An invalid setting; the message names it and its valid values."""


def _one_of(*choices: str) -> Any:  # noqa: ANN401 - what dataclasses.field returns is typed as its default
    """Declare a setting with the default first."""
    return dataclasses.field(default=choices[0], metadata={_CHOICES: choices})


def _at_least(least: int, default: int) -> Any:  # noqa: ANN401 - see above
    return dataclasses.field(default=default, metadata={_LEAST: least})


@dataclasses.dataclass(slots=True, kw_only=True)
class Behaviour:
    """The settings in force; everyone holds the same object, so that a change is seen at once."""

    version: str = "1.8.1"
    """Version in the header and in /health; empty leaves the header out, as servers before 1.3.0
    did.
    """
    inline_limit_bytes: int = _at_least(0, 100 * 1024)
    """Largest file that comes inline; a larger one is 413."""
    body_limit_bytes: int = _at_least(1, 10 * 1024 * 1024)
    """Largest request body; a larger one is 413."""
    any_token: bool = False
    """Whether every bearer token opens every vault."""
    archived_items: str = _one_of("readable", "listed", "absent")
    """Archived items: by id only, in lists too, or not at all."""
    title_case: str = _one_of("ignored", "exact")
    """Whether filters ignore case in titles of items; in names of vaults they always do."""
    filter_escapes: str = _one_of("json", "literal")
    """Whether a backslash in a filter's value escapes the next character or stands for itself."""
    tag_filter: str = _one_of("exact", "nested")
    """Whether `tag eq "a"` finds the tag `a/b` too."""
    malformed_id: str = _one_of("after-token", "before-token")
    """Whether a malformed id is refused after the token was checked, or before."""
    out_of_scope: str = _one_of("forbidden", "missing")
    """Whether a vault outside of the token's scope is 403, or 404 as if it did not exist."""
    unknown_route: str = _one_of("object", "text", "empty")
    """Body of a 404 for an unknown route and of a 405."""
    write_only_reply: str = _one_of("metadata", "refused")
    """Answer to a write by a token without read access: the item without fields, or 403 and no
    write.
    """
    patch_add_existing: str = _one_of("replace", "refused")
    """Answer to PATCH `add` on the id of an existing field: replace the field, or 400."""
    create_times: str = _one_of("seconds", "nanoseconds")
    """How fine the times in the reply to a creation are."""
    api_dates: str = _one_of("midnight", "noon")
    """Which moment (UTC) a date written through the API becomes; the web app uses 12:01."""
    sshkey_written_back: str = _one_of("string", "kept")
    """Whether a write through the API turns fields of type SSHKEY into STRING."""
    activity_limit: int = _at_least(1, 1000)
    """Most records in one reply of /v1/activity; a larger limit is cut down to it."""
    activity_kept: int = _at_least(1, 10_000)
    """Records that are kept; older ones are forgotten."""
    events_kept: int = _at_least(1, 100_000)
    """Events of each feature that are kept; older ones are forgotten."""
    events_per_minute: int = _at_least(1, 600)
    """Requests to the Events API in a minute; one more is 429."""
    events_per_hour: int = _at_least(1, 30_000)
    """Requests to the Events API in an hour; one more is 429."""

    def update(self, given: Mapping[str, object]) -> None:
        """Change the given settings, or none of them if one is invalid.

        Texts are in the form of the command line.
        """
        known = {one.name: one for one in dataclasses.fields(self)}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise BehaviourError(
                f"unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}"
            )
        read = {
            name: _read(name, value, like=getattr(self, name), rules=known[name].metadata)
            for name, value in given.items()
        }
        for name, value in read.items():
            setattr(self, name, value)

    def show(self) -> dict[str, object]:
        """List the settings."""
        return {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}


def _read(name: str, value: object, *, like: object, rules: Mapping[str, Any]) -> object:
    if _CHOICES in rules:
        if value not in rules[_CHOICES]:
            raise BehaviourError(f"{name} must be one of {', '.join(rules[_CHOICES])}")
        return value
    if isinstance(like, bool):
        return _truth(name, value)
    return _number(name, value, least=rules[_LEAST]) if _LEAST in rules else _version(name, value)


def _truth(name: str, value: object) -> bool:
    read = (
        value if isinstance(value, bool) else _TRUTHS.get(value) if isinstance(value, str) else None
    )
    if read is None:
        raise BehaviourError(f"{name} must be true or false")
    return read


def _number(name: str, value: object, *, least: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise BehaviourError(f"{name} must be a whole number from {least}")
    return value


def _version(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value.isascii():
        raise BehaviourError(f"{name} must be a version such as 1.8.1, or empty")
    return value
