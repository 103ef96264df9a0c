"""A second reading of the mapping, to catch mistakes of the first: the official operator's steps, one by one, on raw bytes.

It shares no code with the package and imitates how a Go program goes about it: strings are UTF-8 bytes, a map is walked in no order, and
nothing is known of what the API server accepts. Where the walk is random, every possible outcome is kept.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

LIMIT = 253
OUTSIDE = rb"[^a-zA-Z0-9\-._]"

Outcomes = dict[bytes, set[bytes]]
"""Key → the values it may hold; more than one where the outcome is random."""


def go_string(text: object) -> bytes:
    """A JSON string as Go holds it: UTF-8, and U+FFFD for every half of a surrogate pair that lacks the other half."""
    if text is None:
        return b""
    out = bytearray()
    for character in re.findall("[\ud800-\udbff][\udc00-\udfff]|.", str(text), re.DOTALL):
        if len(character) == 2:
            high, low = map(ord, character)
            out += chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).encode()
        else:
            out += b"\xef\xbf\xbd" if "\ud800" <= character <= "\udfff" else character.encode()
    return bytes(out)


def is_config_map_key(value: bytes) -> bool:
    """The API machinery's check of a Secret's key."""
    if len(value) > LIMIT:
        return False
    if re.search(rb"\A[-._a-zA-Z0-9]+\Z", value) is None:
        return False
    return value != b"." and not value.startswith(b"..")


def format_data_key(label: bytes) -> bytes:
    """The label as it is, or: cut invalid runs off both ends, one dash for each run inside, shorten."""
    if is_config_map_key(label):
        return label
    key = re.sub(rb"\A" + OUTSIDE + rb"+|" + OUTSIDE + rb"+\Z", b"", label)
    key = re.sub(OUTSIDE + rb"+", b"-", key)
    if len(key) > LIMIT:
        key = key[0:LIMIT]
    return key


def is_dns_1123_subdomain(value: bytes) -> bool:
    """The API machinery's check of an object's name."""
    part = rb"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    return len(value) <= LIMIT and re.search(rb"\A" + part + rb"(\." + part + rb")*\Z", value) is not None


def format_secret_name(name: bytes) -> bytes:
    """The name as it is, or: lower case, one dash for each invalid run, shorten, no dash or dot at either end."""
    if is_dns_1123_subdomain(name):
        return name
    lowered = "".join(go_lower(character) for character in name.decode()).encode()
    result = re.sub(rb"[^a-z0-9\-.]+", b"-", lowered)
    if len(result) > LIMIT:
        result = result[0:LIMIT]
    return result.strip(b"-.")


def go_lower(character: str) -> str:
    """Go's lower case maps one character to one; the only one that Unicode's full mapping makes two of is the dotted capital I."""
    return "i" if character == "\u0130" else character.lower()


def survivors(urls: Sequence[Mapping[str, Any]]) -> dict[bytes, bytes]:
    """One URL per label as it is written: a primary one before others, later ones before earlier ones."""
    kept: dict[bytes, Mapping[str, Any]] = {}
    for url in urls:
        label = go_string(url.get("label"))
        held_is_primary = label in kept and kept[label].get("primary")
        if url.get("primary") or not held_is_primary:
            kept[label] = url
    return {label: go_string(url.get("href")) for label, url in kept.items()}


def add_urls(data: Outcomes, item: Mapping[str, Any], *, allow_empty: bool) -> None:
    """URLs come first; whichever of those with one key is walked last stays."""
    for label, href in survivors(item.get("urls") or []).items():
        key = format_data_key(label)
        if key == b"" or (href == b"" and not allow_empty):
            continue
        data.setdefault(key, set()).add(href)


def add_fields(data: Outcomes, item: Mapping[str, Any], *, allow_empty: bool) -> None:
    """Each field overwrites what is there."""
    for field in item.get("fields") or []:
        key = format_data_key(go_string(field.get("label")))
        value = go_string(field.get("value"))
        if key == b"" or (value == b"" and not allow_empty):
            continue
        data[key] = {value}


def add_files(data: Outcomes, item: Mapping[str, Any], *, contents: Mapping[str, bytes], allow_empty: bool) -> None:
    """A file takes a key that is still free."""
    for file in item.get("files") or []:
        key = format_data_key(go_string(file.get("name")))
        content = contents[file["id"]]
        if key == b"" or (content == b"" and not allow_empty):
            continue
        if key not in data:
            data[key] = {content}


def build_secret_data(body: bytes, *, contents: Mapping[str, bytes], allow_empty: bool) -> Outcomes:
    """A Connect item (its JSON, and what its files' content endpoints answer by file ID) → the data of its Secret."""
    item = json.loads(body)
    data: Outcomes = {}
    add_urls(data, item, allow_empty=allow_empty)
    add_fields(data, item, allow_empty=allow_empty)
    add_files(data, item, contents=contents, allow_empty=allow_empty)
    return data
