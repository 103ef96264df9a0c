"""The key of a server's tokens."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from onepassword_operator.devconnect.auth.signing import SigningKey


@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\xff" * 64, b"x" * 63, b"x" * 65])
def test_bytes_that_are_no_signature_are_refused(signature: bytes) -> None:
    assert not SigningKey.make().verify(b"message", signature)


def test_a_key_is_known_by_its_id_also_when_it_is_read_again() -> None:
    key = SigningKey.make()
    assert SigningKey.load(key.pem()).id == key.id != SigningKey.make().id


def test_another_kind_of_key_is_refused() -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for pem in (ec.generate_private_key(ec.SECP384R1()).private_bytes(*form), b"nothing"):
        with pytest.raises(ValueError, match=r"P-256|key|PEM"):
            SigningKey.load(pem)
