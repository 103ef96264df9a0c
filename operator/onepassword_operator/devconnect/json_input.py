"""Reads members of a JSON body.

A member of an unexpected type is a 400 that names the member and never quotes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.errors import bad_request


def parse(received: bytes) -> object:
    """Read a body as JSON; the content type is ignored, because clients send different ones."""
    try:
        body: object = json_codec.decode(received)
    except json_codec.NotJsonError:
        raise bad_request("The body is not valid JSON") from None
    return body


def text(given: object, name: str) -> str:
    """Return a text; null and absent are empty."""
    if given is None:
        return ""
    if not isinstance(given, str):
        raise bad_request(f"Unable to parse item: {name} must be a string")
    return given


def flag(given: object, name: str) -> bool:
    """Return a boolean; null and absent are false."""
    if given is None:
        return False
    if not isinstance(given, bool):
        raise bad_request(f"Unable to parse item: {name} must be true or false")
    return given


def sequence(given: object, name: str) -> Sequence[object]:
    """Return a list; null and absent are empty."""
    if given is None:
        return ()
    if not isinstance(given, list | tuple):
        raise bad_request(f"Unable to parse item: {name} must be a list")
    return given


def mapping(given: object, name: str) -> Mapping[str, object]:
    """Return an object."""
    if not isinstance(given, Mapping):
        raise bad_request(f"Unable to parse item: {name} must be an object")
    return given
