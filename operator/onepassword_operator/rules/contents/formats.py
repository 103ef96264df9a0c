"""Forms of a value: a field converted, many keys as one file, credentials of registries."""

from __future__ import annotations

import base64
import binascii
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NotConvertibleError
from onepassword_operator.model.recipe import Bundle, BundleFormat, Entry, Escape, Format
from onepassword_operator.rules.contents import text

_BASE32: Final = re.compile(r"[A-Z2-7]+\Z")
_BASE32_ENDS: Final = (0, 2, 4, 5, 7)
"""Characters beyond whole groups of eight that base32 may end with."""
_LONGEST_OTP: Final = 4096
_MOST_ENCODED: Final = 2 * 1024 * 1024
"""Of what fits a Secret, with white space."""
_SHORTEST_SEED: Final = 16
"""Characters of 80 bits, the least that is in use."""
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_UNLIKE: Final = ("'", "\\\\", "${", "\r", "\0")
"""Readers of Dotenv files disagree about these between single quotation marks."""
_HUB: Final = "https://index.docker.io/v1/"
_HUBS: Final = ("docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com")


def converted(value: Confidential, to: Format, *, name: str, key: str) -> Confidential:
    """Convert the field of that name for a key.

    Raises:
        NotConvertibleError: it has another form than the conversion expects.
    """
    match to:
        case Format.OPENSSH:
            # It takes 7.5 MiB of memory, from those who ask for it only.
            from onepassword_operator.rules.contents import openssh  # noqa: PLC0415

            made = openssh.private_key(value)
            wanted = "a private key without a passphrase (RSA, ECDSA or Ed25519, in PEM)"
        case Format.OTP_SECRET:
            made = _otp_secret(value)
            wanted = "a one-time password (an otpauth:// URL or a seed in base32)"
        case Format.BASE64_DECODED:
            made = _base64_decoded(value)
            wanted = "base64"
        case Format.BASE64_ENCODED:
            return Confidential(base64.b64encode(value.reveal()))
        case Format.NONE:  # pragma: no branch  mypy proves that none is left
            return value
    if made is None:
        raise NotConvertibleError(
            f'"{name[:200]}", which key "{key}" asks for as {to}, is not {wanted}; '
            "choose another field, or leave the format out"
        )
    return made


def bundled(data: Mapping[str, Confidential], bundle: Bundle, *, key: str) -> Confidential:
    """Write many keys as one file, sorted.

    Raises:
        NotTextError: a value is not UTF-8.
        NotConvertibleError: a key or value can't be written so that all readers agree.
    """
    texts = {name: text.decoded(data[name], name=name, key=key) for name in sorted(data)}
    if bundle.format is BundleFormat.JSON:
        return Confidential.of_text(json.dumps(texts, ensure_ascii=False, indent=2) + "\n")
    return Confidential.of_text("".join(_line(name, texts[name], key=key) for name in texts))


def docker_config(
    entry: Entry, fields: Mapping[str, Confidential], *, room: int
) -> Confidential | None:
    """Write the registries' credentials as Docker's config.json; None if they exceed the room.

    Raises:
        NotTextError: a field is not UTF-8.
        NotConvertibleError: a user name has a colon.
    """
    registries = {}
    for registry in entry.registries:
        username, password = (
            text.written(each, fields, escape=Escape.NONE, key=entry.key, room=room)
            for each in (registry.username, registry.password)
        )
        if username is None or password is None:
            return None
        room -= len(username) + len(password)
        user = username.reveal().decode()
        if ":" in user:
            raise NotConvertibleError(
                f'the user name for {registry.server[:100]} of key "{entry.key}" has a colon, '
                "which ends a user name there; choose another field"
            )
        both = base64.b64encode(username.reveal() + b":" + password.reveal()).decode()
        registries[registry_key(registry.server)] = {
            "username": user,
            "password": password.reveal().decode(),
            "auth": both,
        }
    return Confidential.of_text(json.dumps({"auths": registries}, ensure_ascii=False))


def registry_key(server: str) -> str:
    """Return the name of a registry in Docker's configuration file."""
    host = server.lower().partition("://")[2] or server.lower()
    return _HUB if host.rstrip("/").removesuffix("/v1") in _HUBS else server


def _otp_secret(value: Confidential) -> Confidential | None:
    if len(value) > _LONGEST_OTP:
        return None
    found = value.reveal().decode("ascii", "replace").strip()
    is_url = found.lower().startswith("otpauth:")
    if is_url:
        try:
            # A label may have a #, which is not escaped.
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(found.replace("#", "%23")).query)
        except ValueError:  # not from the error, which quotes the text
            return None
        found = query.get("secret", [""])[0]
    seed = found.replace(" ", "").rstrip("=")
    if not is_url and (seed not in (seed.upper(), seed.lower()) or len(seed) < _SHORTEST_SEED):
        return None  # a password, more likely
    sound = _BASE32.match(seed.upper()) and len(seed) % 8 in _BASE32_ENDS
    return Confidential(seed.upper().encode()) if sound else None


def _base64_decoded(value: Confidential) -> Confidential | None:
    if len(value) > _MOST_ENCODED:
        return None
    compact = value.reveal().translate(bytes.maketrans(b"-_", b"+/"), b" \t\r\n").rstrip(b"=")
    try:
        found = base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error:
        return None
    return Confidential(found) if found else None


def _line(name: str, value: str, *, key: str) -> str:
    if not _VARIABLE.match(name):
        raise NotConvertibleError(
            f'"{name[:200]}" can\'t be the name of a variable in key "{key}"; exclude it, or '
            "rename the field"
        )
    if value.endswith("\\") or any(each in value for each in _UNLIKE):
        raise NotConvertibleError(
            f'the value of "{name[:200]}" can\'t stand in the Dotenv file of key "{key}": its '
            "readers disagree about ', \\\\, ${, line breaks with \\r and a \\ at the end; exclude "
            "it and give it a key of its own, or use JSON"
        )
    return f"{name}='{value}'\n"
