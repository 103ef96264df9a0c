"""What has to be true after a step, and what the seed says a Secret should hold.

Compares values, and tells keys only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from demo.cluster import Object, data, ready
from demo.errors import TourError


def check(true: object, *, expected: str, seen: str) -> None:
    """Raise a TourError unless it is true."""
    if not true:
        raise TourError(expected=expected, seen=seen)


def check_content(secret: Object, wanted: Mapping[str, bytes]) -> None:
    """Raise a TourError unless the Secret holds exactly these keys and values."""
    held, name = data(secret), secret["metadata"]["name"]
    check(
        held.keys() == wanted.keys(),
        expected=f'"{name}" to have the keys {sorted(wanted)}',
        seen=f"{sorted(held)}",
    )
    differing = sorted(key for key in wanted if held[key] != wanted[key])
    check(
        not differing,
        expected=f'every value in "{name}" to be the item\'s',
        seen=f"other values in {differing}",
    )


def is_ready(item: Object) -> bool:
    """Whether a OnePasswordItem says Ready for what it asks now."""
    condition = ready(item)
    return (
        condition.get("status") == "True"
        and condition.get("observedGeneration") == item["metadata"]["generation"]
    )


def is_refused(item: Object) -> bool:
    """Whether a OnePasswordItem says that what it asks now can't be had."""
    condition = ready(item)
    return (
        condition.get("status") == "False"
        and condition.get("observedGeneration") == item["metadata"]["generation"]
    )


def seeded_content(seed: Path, title: str) -> dict[str, bytes]:
    """The keys and values that an item of the seed should give, by rules of the demo's own."""
    document = yaml.safe_load(seed.read_text(encoding="utf-8"))
    (item,) = [
        item for vault in document["vaults"] for item in vault["items"] if item["title"] == title
    ]
    parts = {url["label"]: url["href"] for url in item.get("urls", [])} | item["fields"]
    parts |= {file["name"]: file["content"] for file in item.get("files", [])}
    return {label.replace(" ", "-"): value.encode() for label, value in parts.items()}
