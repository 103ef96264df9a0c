"""Private keys as `ssh-keygen` writes them: the same key, and the same bytes each time."""

import base64
import textwrap

import pytest
from cryptography.exceptions import InternalError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.rules.contents import openssh

PEM, PKCS8, PLAIN = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
KEYS: dict[str, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    **{f"ecdsa {curve.name}": ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())},
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL", "OpenSSH"])
def test_it_is_the_same_key_and_has_always_the_same_bytes(kind: str, form: str) -> None:
    key = KEYS[kind]
    if (kind, form) == ("ed25519", "TraditionalOpenSSL"):
        form = "PKCS8"  # it has no other
    pem = key.private_bytes(PEM, getattr(serialization.PrivateFormat, form), PLAIN)
    parameters = f"-----{'BEGIN'} EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----{'END'} EC PARAMETERS-----\n".encode()
    made = [openssh.private_key(Confidential(each)) for each in (pem, b"\n" + pem.rstrip(), parameters + pem)]
    assert made[0] is not None
    assert made.count(made[0]) == len(made)
    read = serialization.load_ssh_private_key(made[0].reveal(), password=None)
    assert read.private_bytes(PEM, PKCS8, PLAIN) == key.private_bytes(PEM, PKCS8, PLAIN)
    assert {len(line) for line in made[0].reveal().splitlines()[1:-2]} == {70}


LOCKED_BODY = (
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBV3b92qo",
    "e5d9Nqh7mhK1A0AAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIIkntUdEiU3bb5bT",
    "9DdhdkewwT1/Aj2FMxpKdii5VKGjAAAAkEGxM1iRBpajbkSSU2VgJEC9dxYUZeKbtsj5Ot",
    "qpateqnttgXIKifEnTKnBm6kRJDy3RlzDupaoFNYlu11h19I3VCiDyywu2WH+YzhMpapwd",
    "6nUPc0JS8X/SqWiA6pJSN88BLWHAhAF+rYH2uWcK5coXLVcedQqgXefwfHO08kCpDKMa6N",
    "UXwaTY7WiZErkR7Q==",
)
LOCKED = "\n".join((f"-----{'BEGIN'} OPENSSH PRIVATE KEY-----", *LOCKED_BODY, f"-----{'END'} OPENSSH PRIVATE KEY-----\n"))


def with_compressed_point() -> bytes:
    """A key in OpenSSH's form whose public point has one coordinate and a sign, which is not supported."""
    key = ec.generate_private_key(ec.SECP256R1())
    lines = key.private_bytes(PEM, serialization.PrivateFormat.OpenSSH, PLAIN).splitlines()
    x962 = serialization.Encoding.X962
    whole = key.public_key().public_bytes(x962, serialization.PublicFormat.UncompressedPoint)
    sign = key.public_key().public_bytes(x962, serialization.PublicFormat.CompressedPoint)[:1]
    body = base64.b64decode(b"".join(lines[1:-1])).replace(whole, sign + whole[1:])
    return b"\n".join((lines[0], *(line.encode() for line in textwrap.wrap(base64.b64encode(body).decode(), 70)), lines[-1], b""))


def rsa_of_512_bits() -> bytes:
    """A key that `ssh-keygen` refuses, made of two primes of half its size."""
    p, q = 2**255 - 19, 2**256 - 189
    private = pow(65537, -1, (p - 1) * (q - 1))
    parts = {"p": p, "q": q, "d": private, "dmp1": private % (p - 1), "dmq1": private % (q - 1), "iqmp": pow(q, -1, p)}
    numbers = rsa.RSAPrivateNumbers(**parts, public_numbers=rsa.RSAPublicNumbers(65537, p * q))
    return numbers.private_key(unsafe_skip_rsa_key_validation=True).private_bytes(PEM, PKCS8, PLAIN)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----\n",
        KEYS["rsa"].private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"passphrase")),
        LOCKED.encode(),
        with_compressed_point(),
        rsa_of_512_bits(),
        KEYS["rsa"].public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        x25519.X25519PrivateKey.generate().private_bytes(PEM, PKCS8, PLAIN),
        ec.generate_private_key(ec.SECP256K1()).private_bytes(PEM, PKCS8, PLAIN),
        dsa.generate_private_key(2048).private_bytes(PEM, PKCS8, PLAIN),
        KEYS["rsa"].private_bytes(PEM, PKCS8, PLAIN) + b" " * 40_000 + b"x",
    ],
)
def test_what_ssh_has_no_key_for_is_none(value: bytes) -> None:
    assert openssh.private_key(Confidential(value)) is None


def pkcs8(kind: str, parameters: bytes, key: bytes) -> bytes:
    """A key of any kind, by the DER of its object identifier in hexadecimal."""
    body = tlv(0x30, tlv(0x02, b"\0") + tlv(0x30, bytes.fromhex(kind) + parameters) + tlv(0x04, key))
    lines = textwrap.wrap(base64.b64encode(body).decode(), 64)
    return "\n".join((f"-----{'BEGIN'} PRIVATE KEY-----", *lines, f"-----{'END'} PRIVATE KEY-----\n")).encode()


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    return bytes([tag, *([size] if size < 128 else [0x82, size >> 8, size & 255])]) + content


def number(bits: int) -> bytes:
    return tlv(0x02, ((1 << bits) - 1).to_bytes(bits // 8 + 1, "big"))


RSA = KEYS["rsa"].private_bytes(PEM, PKCS8, PLAIN)
DSA = pkcs8("06072a8648ce380401", tlv(0x30, number(16_384) + number(2) + number(16_376)), number(8))
DH = pkcs8("06092a864886f70d010301", tlv(0x30, number(10_240) + number(2)), number(3))


@pytest.mark.parametrize("value", [DSA, DH, DSA + RSA, RSA + DSA, RSA.replace(b" PRIVATE", b" DSA PRIVATE")])
def test_openssl_which_computes_for_minutes_never_sees_a_key_of_another_kind(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for loader in ("load_pem_private_key", "load_der_private_key", "load_ssh_private_key"):
        monkeypatch.setattr(serialization, loader, lambda *_args, **_options: pytest.fail("it was loaded"))
    assert openssh.private_key(Confidential(value)) is None


def test_what_openssl_gives_up_on_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_args: object, **_options: object) -> None:
        raise InternalError("", [])

    monkeypatch.setattr(serialization, "load_der_private_key", give_up)
    assert openssh.private_key(Confidential(RSA)) is None
