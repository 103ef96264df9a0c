"""A setting's text → the reason why it can't be a Connect access token."""

from __future__ import annotations

import base64
import re


def problem(token: str) -> str:
    """Return why a text can't be a Connect token, in words that follow the setting's name.

    Empty if it can be one.
    """
    # The token becomes an HTTP header. With a line break in it every request would fail, and no
    # error would name the setting.
    if not re.fullmatch(r"[!-~]+", token):
        return "is empty, or has white space or other characters that no token has; paste it again"
    return (
        "is a token in base64; decode it first, for example with base64 -d"
        if _is_encoded(token)
        else ""
    )


def _is_encoded(token: str) -> bool:
    # People paste the token from `kubectl get secret -o yaml`, which shows it in base64.
    try:
        # a JWT has three parts
        return "." not in token and base64.b64decode(token, validate=True).count(b".") == 2  # noqa: PLR2004
    except ValueError:
        return False
