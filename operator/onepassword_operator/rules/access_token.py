"""Text → what keeps it from being a Connect access token."""

from __future__ import annotations

import base64
import re


def problem(token: str) -> str:
    """What keeps a text from being a Connect token, in words that follow its name; empty if nothing does."""
    # It becomes an HTTP header: a line break inside would make every request fail with words that name no setting.
    if not re.fullmatch(r"[!-~]+", token):
        return "is empty, or has white space or other characters inside that no token has; paste it anew"
    return "is a token in base64; decode it first, for example with base64 -d" if _is_encoded(token) else ""


def _is_encoded(token: str) -> bool:
    # `kubectl get secret -o yaml` shows a token in base64, and that is what gets pasted.
    try:
        return "." not in token and base64.b64decode(token, validate=True).count(b".") == 2  # noqa: PLR2004  a JWT has three parts
    except ValueError:
        return False
