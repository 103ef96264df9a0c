"""Scenarios 1 to 12: from an item to the Secret that is written, without a cluster."""

from __future__ import annotations

import dataclasses

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NoUsableFieldsError
from onepassword_operator.model.item import Field, File, Item, Url
from onepassword_operator.model.secret import ObservedSecret, SecretKey
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.secret import item_to_data
from onepassword_operator.rules.secret.key_syntax import is_valid_key, secret_name

FIVE = {f"field{number}": f"value-{number}" for number in range(5)}
SIX = {f"field{number}": f"newer-{number}" for number in range(6)}


async def _synced(world: World, **members: object) -> tuple[SecretKey, str]:
    item = world.source.put(world.vault, "db", **FIVE)
    key = world.claim("db", "vaults/Prod/items/db", annotations={names.AUTO_RESTART: "true"}, **members)
    await world.poll()
    return key, item


def _annotations(secret: ObservedSecret) -> tuple[str, str, str]:
    return tuple(secret.annotations[name] for name in (names.ITEM_PATH, names.ITEM_VERSION, names.AUTO_RESTART))  # type: ignore[return-value]


@pytest.mark.official(1, 2, 4)
async def test_a_new_secret_is_complete_and_owned() -> None:
    world = World()
    key, item = await _synced(world)
    secret = world.secrets.objects[key]
    assert world.secrets.values(key) == FIVE
    assert _annotations(secret) == (f"vaults/{world.vault}/items/{item}", "1", "true")
    (owner,) = secret.owners
    claim = world.claims.objects[key]
    assert (owner.kind, owner.api_version, owner.name, owner.uid) == ("OnePasswordItem", "onepassword.com/v1", "db", claim.uid)
    assert not owner.raw


@pytest.mark.official(3)
async def test_a_newer_item_replaces_data_and_annotations() -> None:
    world = World()
    key, item = await _synced(world)
    world.source.edit(item, **SIX)
    await world.poll_after(60)
    assert world.secrets.values(key) == SIX
    assert _annotations(world.secrets.objects[key]) == (f"vaults/{world.vault}/items/{item}", "2", "true")


@pytest.mark.official(12)
async def test_a_type_is_carried_to_the_secret() -> None:
    world = World()
    key, _ = await _synced(world, secret_type="kubernetes.io/tls")
    assert world.secrets.objects[key].type == "kubernetes.io/tls"


@pytest.mark.parametrize(
    ("allow_empty", "values"),
    [
        pytest.param(True, {"a": "x", "b": "", "c": "y", "d": ""}, marks=pytest.mark.official(5)),
        pytest.param(False, {"a": "x", "c": "y"}, marks=pytest.mark.official(6)),
    ],
)
async def test_empty_values_are_keys_only_where_they_are_allowed(*, allow_empty: bool, values: dict[str, str]) -> None:
    world = World(rendering=Rendering(allow_empty_values=allow_empty))
    world.source.put(world.vault, "db", a="x", b="", c="y", d="")
    key = world.claim("db", "vaults/Prod/items/db")
    await world.poll()
    assert world.secrets.values(key) == values


def _item(*, urls: dict[str, list[str]] | None = None, fields: dict[str, str] | None = None, files: dict[str, str] | None = None) -> Item:
    """Of several URLs under one label the last is the primary one."""
    return Item(
        id="i",
        vault_id="v",
        title="t",
        version=1,
        urls=tuple(
            Url(label=label, href=Confidential.of_text(href), primary=href == hrefs[-1])
            for label, hrefs in (urls or {}).items()
            for href in hrefs
        ),
        fields=tuple(Field(label=label, value=Confidential.of_text(value)) for label, value in (fields or {}).items()),
        files=tuple(File(name=name, content=Confidential.of_text(content)) for name, content in (files or {}).items()),
    )


def _data(item: Item) -> dict[str, bytes]:
    return {key: value.reveal() for key, value in item_to_data.render(item, allow_empty=False).data.items()}


@pytest.mark.official(8)
def test_urls_stand_beside_fields_and_the_primary_one_has_its_label() -> None:
    item = _item(
        urls={"website": ["https://second", "https://main"], "support": ["https://help"]}, fields={"username": "u", "password": "p"}
    )
    assert _data(item) == {"website": b"https://main", "support": b"https://help", "username": b"u", "password": b"p"}


@pytest.mark.official(9)
def test_a_field_has_the_key_that_it_shares_with_a_url() -> None:
    item = _item(urls={"website": ["https://url"]}, fields={"username": "u", "password": "p", "website": "https://field"})
    assert _data(item) == {"website": b"https://field", "username": b"u", "password": b"p"}


@pytest.mark.official(10)
def test_labels_that_give_no_key_give_none_of_any_kind() -> None:
    """Where the official operator would write an empty Secret, ours says so instead."""
    bad = dict.fromkeys(["", "   ", "###", "@@@", "%%%"], "value")
    item = _item(fields=bad, urls={label: [value] for label, value in bad.items()}, files=bad)
    good = dataclasses.replace(item, fields=(*item.fields, *_item(fields={"good": "x"}).fields))
    assert _data(good) == {"good": b"x"}
    with pytest.raises(NoUsableFieldsError):
        _data(item)


@pytest.mark.official(7, 11)
def test_bad_names_and_labels_come_out_valid() -> None:
    assert secret_name("someName") == "somename"
    assert secret_name("inV@l1d k8s secret%name") == "inv-l1d-k8s-secret-name"
    item = _item(fields={"label w%th invalid ch!rs-": "a", "x" * 254: "b", "😄 ice-cream type": "c"})
    assert _data(item) == {"label-w-th-invalid-ch-rs-": b"a", "x" * 253: b"b", "ice-cream-type": b"c"}
    assert all(map(is_valid_key, _data(item)))


@pytest.mark.official(7)
async def test_the_namespace_and_a_given_annotation_arrive_unchanged() -> None:
    world = World(rendering=Rendering(copy_annotations=True))
    world.source.put(world.vault, "db", password="x")
    key = world.key("db", namespace="Any-Namespace")
    world.claims.apply(key, "vaults/Prod/items/db", annotations={"some/annotation": "Some Value"})
    await world.poll()
    assert world.secrets.objects[key].annotations["some/annotation"] == "Some Value"
