"""Running programs for the end-to-end tests: with a word of what happens and how long it took, and the last words of what failed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path


class StepError(Exception):
    """A step of the preparation failed; the message says which, why, and what to do."""


def say(text: str) -> None:
    """Progress goes to standard error."""
    print(f"e2e: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    say(f"{title} ...")
    started = time.monotonic()
    yield
    say(f"{title}: {time.monotonic() - started:.0f} s")


def run(*command: str | Path, given: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program; raises StepError with its last words."""
    done = subprocess.run([str(part) for part in command], input=given, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        words = (done.stdout[-1500:] + done.stderr[-2500:]).strip()
        raise StepError(f"{' '.join(str(part) for part in command)} failed:\n{words}")
    return done


def stream(title: str, *command: str | Path) -> None:
    """Run a program that tells its progress itself; raises StepError if it fails."""
    if subprocess.run([str(part) for part in command], check=False).returncode != 0:
        raise StepError(f"{title} failed; its last words are above")


def succeeds(*command: str | Path) -> bool:
    return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0
