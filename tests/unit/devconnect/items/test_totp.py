"""One-time passwords against the vectors of RFC 6238."""

import base64

import pytest

from onepassword_operator.devconnect.items import totp


@pytest.mark.parametrize(
    ("algorithm", "length", "at", "expected"),
    [
        ("SHA1", 20, 59, "94287082"),
        ("SHA256", 32, 59, "46119246"),
        ("SHA512", 64, 59, "90693936"),
        ("SHA1", 20, 1111111109, "07081804"),
        ("SHA512", 64, 20000000000, "47863826"),
    ],
)
def test_the_code_is_that_of_the_standard(algorithm: str, length: int, at: int, expected: str) -> None:
    secret = base64.b32encode((b"1234567890" * 7)[:length]).decode()
    assert totp.code(f"otpauth://totp/x?secret={secret}&algorithm={algorithm}&digits=8", at=at) == expected


def test_a_raw_seed_means_six_digits_every_thirty_seconds() -> None:
    assert totp.code("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", at=59) == "287082"


@pytest.mark.parametrize(
    "value", ["", "not base32!", "otpauth://totp/x?secret=JBSWY3DP&period=0", "otpauth://totp/x?secret=JBSWY3DP&digits=x"]
)
def test_an_unusable_seed_has_no_code(value: str) -> None:
    assert totp.code(value, at=59) is None
