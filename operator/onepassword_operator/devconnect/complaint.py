"""A problem with the `dev-connect` command's use: one line for people, one exit code."""

from __future__ import annotations

import sys
from typing import Final

BAD_USE: Final = 2


def complain(problem: str) -> int:
    """Say what is wrong; return the exit code for it."""
    sys.stderr.write(f"dev-connect: {problem}\n")
    return BAD_USE
