"""The key of a server's tokens."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from onepassword_operator.devconnect.auth.signing import SigningKey


def test_a_signature_is_64_bytes_and_holds_for_its_message_and_key_only() -> None:
    key, other = SigningKey.make(), SigningKey.make()
    signature = key.sign(b"message")
    assert len(signature) == 64
    assert key.verify(b"message", signature)
    assert not key.verify(b"another", signature)
    assert not other.verify(b"message", signature)
    assert key.id != other.id


@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\xff" * 64, b"x" * 63, b"x" * 65])
def test_bytes_that_are_no_signature_are_refused(signature: bytes) -> None:
    assert not SigningKey.make().verify(b"message", signature)


def test_a_key_that_is_read_again_is_the_same() -> None:
    key = SigningKey.make()
    again = SigningKey.load(key.pem())
    assert again.id == key.id
    assert again.verify(b"message", key.sign(b"message"))


def test_another_kind_of_key_is_refused() -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for pem in (ec.generate_private_key(ec.SECP384R1()).private_bytes(*form), b"nothing"):
        with pytest.raises(ValueError, match=r"P-256|key|PEM"):
            SigningKey.load(pem)
