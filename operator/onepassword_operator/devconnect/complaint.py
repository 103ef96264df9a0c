"""Reports wrong usage of the `dev-connect` command: one line for people, one exit code."""

from __future__ import annotations

import sys
from typing import Final

BAD_USE: Final = 2


def complain(problem: str) -> int:
    """Print the problem to standard error; return its exit code."""
    sys.stderr.write(f"dev-connect: {problem}\n")
    return BAD_USE
