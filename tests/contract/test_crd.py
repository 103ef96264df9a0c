"""The CRD offers what the operator reads and writes, and is the official one with optional additions."""

import copy
from pathlib import Path
from typing import Any

import yaml

from onepassword_operator.model import names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.target import Rendering
from onepassword_operator.wire import onepassword_item

CRD: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "crds" / "onepassworditems.yaml").read_text())
VERSION: dict[str, Any] = CRD["spec"]["versions"][0]
SCHEMA: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]["properties"]
OURS = {"reason", "observedGeneration"}
SHAPED: dict[str, Any] = {
    "items": [{"itemPath": "op://v/i", "prefix": "A_", "optional": True}],
    "include": ["a"],
    "exclude": ["b"],
    "data": [
        {"key": "k", "field": "f", "format": "OpenSSH", "optional": True},
        {"key": "l", "value": "t", "escape": "URL"},
        {"key": "m", "ref": "op://v/i/f"},
        {"key": "n", "bundle": {"format": "JSON", "include": ["a"], "exclude": ["b"]}},
        {"key": "o", "dockerConfig": {"registries": [{"server": "s", "username": "u", "password": "p"}]}},
    ],
    "target": {"name": "n", "labels": {"a": "b"}, "annotations": {"c": "d"}},
}
"""A spec with every field but `itemPath`."""


def test_the_resource_is_named_as_in_the_code() -> None:
    spec = CRD["spec"]
    assert (spec["group"], VERSION["name"]) == (names.GROUP, names.VERSION)
    assert (spec["names"]["plural"], spec["names"]["kind"]) == (names.PLURAL, names.KIND)
    assert (spec["scope"], spec["names"]["shortNames"], VERSION["subresources"]) == ("Namespaced", ["opi"], {"status": {}})
    assert CRD["metadata"]["name"] == f"{names.PLURAL}.{names.GROUP}"


def test_every_field_that_is_written_is_in_the_schema() -> None:
    written = Condition(
        type="Ready", status="True", reason="Synced", message="m", last_transition_time="2026-01-01T00:00:00Z", observed_generation=1
    )
    assert set(SCHEMA["status"]["properties"]["conditions"]["items"]["properties"]) == set(written.to_object())


def test_every_field_of_the_schema_is_read() -> None:
    metadata = {"namespace": "n", "name": "x", "uid": "u", "resourceVersion": "1"}
    bare = onepassword_item.from_dict({"metadata": metadata}, Rendering())
    path = {"itemPath": "vaults/v/items/i"}
    assert fields(SCHEMA["spec"]) == members(path) | members(SHAPED)
    assert onepassword_item.from_dict({"metadata": metadata, "spec": path}, Rendering()).item_path != bare.item_path
    assert onepassword_item.from_dict({"metadata": metadata, "type": "t"}, Rendering()).secret_type != bare.secret_type
    shaped = onepassword_item.from_dict({"metadata": metadata, "spec": SHAPED}, Rendering())
    assert (shaped.shaped and shaped.shaped.problem, shaped.key.name) == ("", "n")
    for without in SHAPED.keys() - {"items"}:
        spec = {name: value for name, value in SHAPED.items() if name != without}
        assert onepassword_item.from_dict({"metadata": metadata, "spec": spec}, Rendering()) != shaped


def fields(schema: dict[str, Any], place: str = "") -> set[str]:
    """Every field below a schema, labels and annotations aside, by its path."""
    below = schema.get("items", schema).get("properties", {})
    return {f"{place}.{name}" for name in below}.union(*(fields(each, f"{place}.{name}") for name, each in below.items()))


def members(value: Any, place: str = "") -> set[str]:
    """Every member of an object, labels and annotations aside, by its path."""
    if isinstance(value, list):
        return set().union(*(members(each, place) for each in value))
    if not isinstance(value, dict) or place in {".target.labels", ".target.annotations"}:
        return set()
    return {f"{place}.{name}" for name in value}.union(*(members(each, f"{place}.{name}") for name, each in value.items()))


def test_what_is_ours_is_optional_and_the_rest_is_the_official_schema() -> None:
    status = copy.deepcopy(SCHEMA["status"])
    entry = status["properties"]["conditions"]["items"]
    assert set(entry["required"]) == {"type", "status"}
    assert {key for key in entry["properties"] if key not in OURS} == {"type", "status", "message", "lastTransitionTime"}
    assert status["required"] == ["conditions"]
    columns = {column["name"]: column.get("priority", 0) for column in VERSION["additionalPrinterColumns"]}
    assert list(columns.items()) == [("Age", 0), ("Ready", 0), ("Reason", 0), ("Version", 0), ("Item", 1), ("Secret", 1), ("Message", 1)]
