"""Secret references: what they mean, and what they can't."""

import re

import pytest

from onepassword_operator.model import secret_reference
from onepassword_operator.model.recipe import Format
from onepassword_operator.model.secret_reference import SecretReference

PATH = "vaults/My Prod/items/a.b_c-1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("op://My Prod/a.b_c-1/password", (PATH, "", "password", Format.NONE)),
        ("op://My Prod/a.b_c-1/my section/password", (PATH, "my section", "password", Format.NONE)),
        ("op://My Prod/a.b_c-1/private key?ssh-format=openssh", (PATH, "", "private key", Format.OPENSSH)),
    ],
)
def test_a_reference_has_an_item_a_field_and_perhaps_a_section(text: str, expected: tuple[str, str, str, Format]) -> None:
    assert SecretReference.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vaults/v/items/i", "a secret reference is op://"),
        ("op://v/i", "a secret reference to a field is op://"),
        ("op://v/i/s/f/more", "a secret reference to a field is op://"),
        ("op://v//f", "empty segment"),
        ("op://v/i/", "empty segment"),
        ("op://v/straße/f", '"straße" can\'t stand'),
        ("op://v/a%20b/f", "write its ID"),
        ("op://v/i/f\n", "write its ID"),
        ("op://v/i/f?attribute=otp", "OTPSecret"),
        ("op://v/i/f?attribute=totp", "OTPSecret"),
        ("op://v/i/f?attribute=type", "?attribute=type is not known"),
        ("op://v/i/f?ssh-format=openssh&attribute=otp", "is not known"),
        ("op://v/i/f?ssh-format=OpenSSH", "is not known"),
    ],
)
def test_what_is_no_reference_is_refused_with_the_remedy(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        SecretReference.parse(text)


@pytest.mark.parametrize(
    ("text", "words"), [("op://v", "no op://<vault>/<item>"), ("op://v/i/f", "by ref in data"), ("op://v/i?x", "write its ID")]
)
def test_an_item_has_a_vault_and_a_title_and_nothing_more(text: str, words: str) -> None:
    assert secret_reference.item_path("op://v/i") == "vaults/v/items/i"
    with pytest.raises(ValueError, match=re.escape(words)):
        secret_reference.item_path(text)
