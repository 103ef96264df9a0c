"""What is told from a private key."""

import base64
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from onepassword_operator.devconnect.items import ssh_keys

FORMATS = serialization.PrivateFormat


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey, form: FORMATS = FORMATS.PKCS8) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def test_a_made_key_is_pkcs8_and_always_the_same_for_the_same_seed() -> None:
    key = ssh_keys.make(b"s" * 32)
    assert key.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert key == ssh_keys.make(b"s" * 32) != ssh_keys.make(b"t" * 32)


def test_public_key_fingerprint_and_type_belong_to_the_private_key() -> None:
    derived = ssh_keys.derive(ssh_keys.make(b"s" * 32))
    assert derived is not None
    kind, blob = derived.public_key.split()
    expected = base64.b64encode(hashlib.sha256(base64.b64decode(blob)).digest()).decode().rstrip("=")
    assert (kind, derived.fingerprint, derived.key_type) == ("ssh-ed25519", f"SHA256:{expected}", "ed25519")


def test_other_kinds_and_the_form_of_openssh_are_read_too() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kinds = [ssh_keys.derive(text) for text in (pem(key), pem(key, FORMATS.OpenSSH), pem(ec.generate_private_key(ec.SECP256R1())))]
    assert [kind and kind.key_type for kind in kinds] == ["rsa", "rsa", "ecdsa"]


def test_what_is_no_ssh_key_gives_nothing() -> None:
    locked = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, FORMATS.PKCS8, serialization.BestAvailableEncryption(b"fake")
    )
    for text in (
        "demo-private-key",
        "",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nx",
        locked.decode(),
        pem(x25519.X25519PrivateKey.generate()),
    ):
        assert ssh_keys.derive(text) is None
