"""What is no Connect token is told from what is one."""

import base64

import pytest

from onepassword_operator.rules import token_syntax


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjF9.c2ln", ""),
        ("opaque-token", ""),
        (base64.b64encode(b"head.claims.signature").decode(), "is a token in base64; decode it first, for example with base64 -d"),
        (base64.b64encode(b"opaque").decode(), ""),
        (base64.b64encode(b"head.claims.signature").decode()[:8] + "-" + base64.b64encode(b"head.claims.signature").decode()[8:], ""),
        ("", "is empty, or has white space or other characters that no token has; paste it again"),
        ("two words", "is empty, or has white space or other characters that no token has; paste it again"),
        ("cut\noff", "is empty, or has white space or other characters that no token has; paste it again"),
    ],
)
def test_what_is_no_token_is_told_by_what_it_is(text: str, problem: str) -> None:
    assert token_syntax.problem(text) == problem
