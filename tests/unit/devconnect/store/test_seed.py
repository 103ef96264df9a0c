"""The seed file: defaults, errors that name the place, bulk."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onepassword_operator.devconnect import command
from onepassword_operator.devconnect.items import item_input, rendering
from onepassword_operator.devconnect.items.field_input import FIELD_TYPES, PURPOSE_IDS
from onepassword_operator.devconnect.items.item_shape import SeedError
from onepassword_operator.devconnect.store.seed import Seed
from onepassword_operator.devconnect.store.vault_store import VaultStore


def only_item(text: str, folder: Path | None = None) -> Any:
    return Seed.parse(f"vaults: [{{name: v, items: [{text}]}}]", folder=folder).vaults[0].items[0]


def test_everything_left_out_has_a_default() -> None:
    item = only_item("{title: x}")
    assert (item.content.category, item.content.fields, item.content.tags, item.files, item.version) == ("LOGIN", (), (), (), 1)
    assert Seed.parse("") == Seed()


def test_well_known_labels_of_a_login_get_their_purpose_and_secret_ones_are_concealed() -> None:
    fields = only_item("{title: x, fields: {username: u, password: p, notesPlain: n, api token: t, host: h}}").content.fields
    assert [field.get("purpose") for field in fields] == ["USERNAME", "PASSWORD", "NOTES", None, None]
    assert [field["type"] for field in fields] == ["STRING", "CONCEALED", "STRING", "CONCEALED", "STRING"]


def test_outside_a_login_a_password_has_no_purpose_but_is_concealed() -> None:
    (field,) = only_item("{title: x, category: database, fields: {password: p}}").content.fields
    assert (field.get("purpose"), field["type"]) == (None, "CONCEALED")


@pytest.mark.parametrize("written", ["5432", "0600", "12:30", "1.10", "1_000", "no", "2024-01-01", "1e3"])
def test_a_value_is_what_is_written_not_what_yaml_makes_of_it(written: str) -> None:
    assert only_item(f"{{title: x, fields: {{k: {written}}}}}").content.fields[0]["value"] == written


def test_full_field_objects_keep_id_section_and_type() -> None:
    item = only_item("{title: x, fields: [{id: f1, label: host, type: url, value: h, section: {id: s1, label: replica}}]}")
    assert item.content.fields == ({"id": "f1", "section": {"id": "s1", "label": "replica"}, "type": "URL", "label": "host", "value": "h"},)
    assert item.content.sections == ({"id": "s1", "label": "replica"},)


def test_files_come_from_text_base64_or_a_path_next_to_the_seed(tmp_path: Path) -> None:
    (tmp_path / "key.der").write_bytes(b"\x00\xff")
    files = only_item("{title: x, files: [{name: a, content: hi}, {name: b, content_base64: AP8=}, {path: key.der}]}", tmp_path).files
    assert [(file.name, file.content) for file in files] == [("a", b"hi"), ("b", b"\x00\xff"), ("key.der", b"\x00\xff")]


def test_ids_versions_times_and_states_can_be_set() -> None:
    item = only_item(f"{{title: x, id: {'a' * 26}, version: 7, created_at: 2024-05-02T08:12:00Z, state: ARCHIVED}}")
    assert (item.id, item.version, item.created_at, item.content.state) == ("a" * 26, 7, 1714637520.0, "ARCHIVED")


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ("{title: x, files: [{name: a}]}", "vaults[0].items[0].files[0]: write exactly one of"),
        ("{title: x, files: [{name: a, content_base64: s3cret!}]}", "vaults[0].items[0].files[0].content_base64: "),
        ("{title: x, files: [{path: absent}]}", "vaults[0].items[0].files[0].path: "),
        ("{title: x, colour: s3cret}", "vaults[0].items[0]: unknown key 'colour'"),
        ("{title: ''}", "vaults[0].items[0].title: "),
        ("{title: x, id: s3cret}", "vaults[0].items[0].id: "),
        ("{title: x, version: s3cret}", "vaults[0].items[0].version: "),
        ("{title: x, created_at: s3cret}", "vaults[0].items[0].created_at: "),
        ("{title: x, fields: s3cret}", "vaults[0].items[0].fields: "),
        ("{title: x, fields: {k: [s3cret]}}", "vaults[0].items[0].fields.k: "),
        ("{title: x, fields: {k: true}}", "vaults[0].items[0].fields.k: put it in quotes"),
        ("{title: x, fields: [s3cret]}", "vaults[0].items[0].fields[0]: "),
        ("{title: x, category: s3cret}", "vaults[0].items[0]: Invalid item category"),
        ("s3cret", "vaults[0].items[0]: "),
        ("{title: x, files: [{name: a, content: x, section: [s3cret]}]}", "vaults[0].items[0].files[0].section: "),
        ("{title: x, files: [{name: a, content: x, id: s3cret}]}", "vaults[0].items[0].files[0].id: "),
    ],
)
def test_an_error_names_the_place_and_never_a_value(item: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(SeedError) as refused:
        only_item(item, tmp_path)
    assert str(refused.value).startswith(place)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("text", ["vaults: [", "vaults: s3cret", "- s3cret", "generate: {vaults: s3cret}", "k: 's3cret", "\x00s3cret"])
def test_a_document_that_is_no_seed_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(SeedError) as refused:
        Seed.parse(text)
    assert "s3cret" not in str(refused.value)


def test_an_id_used_twice_is_refused() -> None:
    with pytest.raises(SeedError, match=r"vaults\[0\]\.items\[1\]\.id: .*already used by vaults\[0\]\.items\[0\]"):
        only_item(f"{{title: x, id: {'a' * 26}}}, {{title: y, id: {'a' * 26}}}")


def test_ten_thousand_items_can_be_generated(clock: Any) -> None:
    store = VaultStore(clock=clock)
    Seed.parse("generate: {vaults: 4, items_per_vault: 2500}").fill(store)
    assert [vault.name for vault in store.vaults()] == ["vault-0", "vault-1", "vault-2", "vault-3"]
    item = store.items(store.vaults()[3].id)[42]
    assert item.content.title == "item-00042"
    assert [field["label"] for field in item.content.fields] == ["username", "password", "host", "port"]


def test_json_is_read_as_well() -> None:
    seed = Seed.parse(json.dumps({"vaults": [{"name": "v", "items": [{"title": "x", "fields": {"k": "v"}}]}]}))
    assert seed.vaults[0].items[0].content.fields[0]["value"] == "v"


def test_a_shared_file_is_the_same_everywhere() -> None:
    files = [f"{{title: {title}, files: [{{id: {'f' * 26}, name: n, content: {text}}}]}}" for title, text in (("a", "x"), ("b", "y"))]
    with pytest.raises(SeedError, match=r"vaults\[0\]\.items\[1\]\.files\[0\]\.id: another file"):
        only_item(", ".join(files))
    assert only_item(f"{files[0]}, {files[0].replace('a,', 'b,')}").files[0].id == "f" * 26


def test_a_vault_has_one_of_the_known_types() -> None:
    assert Seed.parse("vaults: [{name: v, type: PERSONAL}]").vaults[0].type == "PERSONAL"
    with pytest.raises(SeedError, match=r"vaults\[0\]\.type: "):
        Seed.parse("vaults: [{name: v, type: s3cret}]")


def test_the_same_seed_gives_the_same_ids_and_generated_values_and_another_id_seed_other_ids(clock: Any) -> None:
    seed = Seed.parse("vaults: [{name: v, items: [{title: x, fields: [{purpose: PASSWORD, generate: true}]}]}]")

    def filled(id_seed: str) -> tuple[Any, Any]:
        clock.advance(1000)
        store = VaultStore(clock=clock, id_seed=id_seed)
        seed.fill(store)
        return store.items(store.vaults()[0].id)[0], store.vaults()[0]

    assert filled("") == filled("")
    assert filled("a")[0].id == filled("a")[0].id != filled("")[0].id
    assert filled("a")[0].content == filled("")[0].content


def test_the_private_key_of_an_ssh_item_has_the_type_of_one() -> None:
    item = only_item("{title: x, category: SSH_KEY, fields: {private key: fake, public key: fake}}")
    assert [field["type"] for field in item.content.fields] == ["SSHKEY", "STRING"]


@pytest.fixture(scope="module")
def example() -> Seed:
    return Seed.load(command.EXAMPLE)


def test_the_example_has_every_category_and_every_type_of_field(example: Seed) -> None:
    items = example.vaults[0].items
    assert {item.content.category for item in items} == item_input.CATEGORIES
    fields = [field for item in items for field in item.content.fields]
    assert {field["type"] for field in fields} == FIELD_TYPES
    assert {field.get("purpose") for field in fields} == {None, *PURPOSE_IDS}
    assert {"value", "entropy"} <= set().union(*fields)
    assert any("value" not in field for field in fields)


def test_the_example_is_filled_and_read(example: Seed, clock: Any) -> None:
    store = VaultStore(clock=clock)
    example.fill(store)
    vault, empty = store.vaults()
    assert (vault.items, empty.items, empty.type) == (len(store.items(vault.id)) - 1, 0, "EVERYONE")
    shown = [rendering.full_item(item, at=clock()) for item in store.items(vault.id)]
    by_title = {item["title"]: {field["label"]: field for field in item.get("fields", [])} for item in shown}
    assert len(by_title["web login"]["one-time password"]["totp"]) == 8
    assert by_title["deploy key"]["public key"]["value"].startswith("ssh-ed25519 ")
    assert by_title["company card"]["number"]["value"] == "0000000000000000"
    assert by_title["company card"]["expiry date"]["value"] == "203401"
    assert by_title["payments api"]["valid from"]["value"] == "1704110460"
    assert by_title["editor licence"]["version"]["value"] == "1.10"
    assert msgspec.json.encode(shown)


def test_the_secrets_of_the_example_are_obviously_fake(example: Seed) -> None:
    def obviously(field: Any) -> bool:
        value = field.get("value", "fake")
        return "fake" in value or set(value) <= set("0-") or "entropy" in field

    concealed = [field for item in example.vaults[0].items for field in item.content.fields if field["type"] == "CONCEALED"]
    assert all(map(obviously, concealed))
