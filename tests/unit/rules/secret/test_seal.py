"""The seal breaks whenever anything that is relied on changes."""

import dataclasses
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import ObservedSecret, SecretKey
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.contents import item_to_data
from onepassword_operator.rules.secret import seal
from unit.rules import samples

ANNOTATIONS = {
    names.ITEM_PATH: samples.REVISION.path,
    names.ITEM_VERSION: "3",
    names.REQUESTED_PATH: "vaults/Prod/items/Billing DB",
    names.COPIED_KEYS: "labels=app",
    names.RESTART_PENDING: f"{samples.REVISION}@{samples.NOW}",
    "foreign": "note",
}


def _sealed(sealer: seal.Sealer = samples.SEALER) -> ObservedSecret:
    key = SecretKey("team", "db")
    annotations = ANNOTATIONS | {names.SEAL: sealer.compute(key, ANNOTATIONS, data=samples.DATA)}
    return dataclasses.replace(samples.BARE_SECRET, key=key, annotations=annotations, data=dict(samples.DATA))


SEALED = _sealed()


def _with(name: str, value: str | None) -> ObservedSecret:
    rest = {key: kept for key, kept in SEALED.annotations.items() if key != name}
    return dataclasses.replace(SEALED, annotations=rest | ({name: value} if value is not None else {}))


def test_a_seal_is_128_bits_in_lower_case_hexadecimal() -> None:
    assert len(bytes.fromhex(SEALED.annotations[names.SEAL])) == 16
    assert SEALED.annotations[names.SEAL] == SEALED.annotations[names.SEAL].lower()


def test_a_seal_stays_the_same_from_release_to_release() -> None:
    """Another algorithm makes every Secret's seal unverifiable; then say so in the changelog, and change these digits."""
    assert SEALED.annotations[names.SEAL] == "525fc0d86ffa756b0c5b0a4e76fdd651"
    derived = dataclasses.replace(samples.SEALER, key=seal.derive_key(Confidential(b"fake token")))
    assert _sealed(derived).annotations[names.SEAL] == "ce31a008ac0e3ec1ba470fdf711e9d42"


def test_what_is_sealed_is_what_is_relied_on() -> None:
    assert set(seal.SEALED_ANNOTATIONS) == set(ANNOTATIONS) - {"foreign"}


@pytest.mark.parametrize("name", seal.SEALED_ANNOTATIONS)
@pytest.mark.parametrize("value", [None, "", "x", "3 "])
def test_another_value_of_a_sealed_annotation_breaks_the_seal(name: str, value: str | None) -> None:
    assert samples.SEALER.verify(_with(name, value)) is seal.Verdict.BROKEN


@pytest.mark.parametrize("value", [None, "", "ü", "0" * 32, SEALED.annotations[names.SEAL].upper(), SEALED.annotations[names.SEAL][:-1]])
def test_another_seal_is_a_broken_seal(value: str | None) -> None:
    assert samples.SEALER.verify(_with(names.SEAL, value)) is seal.Verdict.BROKEN


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(SEALED, labels={"a": "b"}, uid="t", resource_version=2, type="other", finalizers=("f",), immutable=True),
        _with("foreign", "another"),
        _with("foreign", None),
        _with(names.AUTO_RESTART, "true"),
    ],
)
def test_what_is_not_relied_on_is_not_sealed(changed: ObservedSecret) -> None:
    assert samples.SEALER.verify(changed) is seal.Verdict.INTACT


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(SEALED, key=SecretKey("team", "db2")),
        dataclasses.replace(SEALED, key=SecretKey("other", "db")),
        dataclasses.replace(SEALED, key=SecretKey("tea", "mdb")),
        dataclasses.replace(SEALED, data={}),
        dataclasses.replace(SEALED, data=samples.DATA | {"more": Confidential(b"")}),
        dataclasses.replace(SEALED, data={"username": samples.DATA["password"], "password": samples.DATA["username"]}),
        dataclasses.replace(SEALED, data={"usernam": Confidential(b"esvc"), "password": samples.DATA["password"]}),
    ],
)
def test_another_name_or_other_data_breaks_the_seal(changed: ObservedSecret) -> None:
    assert samples.SEALER.verify(changed) is seal.Verdict.BROKEN


def test_the_order_of_keys_is_no_difference() -> None:
    assert samples.SEALER.verify(dataclasses.replace(SEALED, data=dict(reversed(samples.DATA.items())))) is seal.Verdict.INTACT


def test_other_options_are_told_from_a_broken_seal() -> None:
    other = dataclasses.replace(samples.SEALER, rendering=Rendering(allow_empty_values=True))
    assert other.verify(SEALED) is seal.Verdict.OTHER_OPTIONS
    assert samples.SEALER.verify(_sealed(other)) is seal.Verdict.OTHER_OPTIONS
    assert other.verify(_sealed(other)) is seal.Verdict.INTACT


def test_options_that_do_not_shape_the_data_are_not_sealed() -> None:
    other = dataclasses.replace(samples.SEALER, rendering=Rendering(copy_annotations=True))
    assert other.verify(SEALED) is seal.Verdict.INTACT


def test_another_version_of_the_mapping_breaks_the_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "MAPPING_VERSION", item_to_data.MAPPING_VERSION + 1)
    assert samples.SEALER.verify(SEALED) is seal.Verdict.BROKEN


def test_another_key_breaks_the_seal() -> None:
    assert samples.OTHER_SEALER.verify(SEALED) is seal.Verdict.BROKEN


def test_the_key_comes_from_the_token_but_is_not_the_token() -> None:
    token = Confidential(b"fake token")
    key = seal.derive_key(token)
    assert key == seal.derive_key(Confidential(b"fake token"))
    assert key != seal.derive_key(Confidential(b"fake token2"))
    assert len(key) == 32
    assert key not in (token, Confidential(hashlib.sha256(b"fake token").digest()))


def test_a_sealer_does_not_show_its_key() -> None:
    assert "fake key" not in repr(samples.SEALER)


DATA = st.dictionaries(st.text("abc.-_", min_size=1, max_size=4), st.binary(max_size=6).map(Confidential), max_size=3)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
FACTS = st.fixed_dictionaries(dict.fromkeys(seal.SEALED_ANNOTATIONS, TEXTS))
KEYS = st.builds(SecretKey, st.text("ab-", min_size=1, max_size=3), st.text("ab-", min_size=1, max_size=3))


def _secret(key: SecretKey, annotations: dict[str, str], data: dict[str, Confidential]) -> ObservedSecret:
    return dataclasses.replace(SEALED, key=key, annotations=annotations, data=data)


@given(key=KEYS, annotations=FACTS, data=DATA, other_key=KEYS, other_annotations=FACTS, other_data=DATA)
def test_a_seal_fits_exactly_what_it_was_made_for(
    key: SecretKey,
    annotations: dict[str, str],
    data: dict[str, Confidential],
    other_key: SecretKey,
    other_annotations: dict[str, str],
    other_data: dict[str, Confidential],
) -> None:
    made = samples.SEALER.compute(key, annotations, data=data)
    carried = _secret(other_key, other_annotations | {names.SEAL: made}, other_data)
    same = (key, annotations, data) == (other_key, other_annotations, other_data)
    assert samples.SEALER.verify(carried) is (seal.Verdict.INTACT if same else seal.Verdict.BROKEN)
