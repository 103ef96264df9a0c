"""Directories of running control planes, and the removal of those that a killed run has left behind.

Each is locked (`flock(2)`) by the process that uses it, and the kernel drops the lock with the process. That tells the living from the
dead without a process number, which may have been given to somebody else since.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = f"onepassword-operator-controlplane-{os.getuid()}-"
NOT_YET_LOCKED_SECONDS = 60.0
"""A younger directory is left alone: whoever has made it may be about to lock it."""


@contextmanager
def own_directory() -> Iterator[Path]:
    """A new directory, which is removed at the end; leftovers of dead runs are removed on the way."""
    sweep(Path(tempfile.gettempdir()))
    path = Path(tempfile.mkdtemp(prefix=PREFIX))
    with opened(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove every directory whose owner is gone."""
    for left in folder.glob(f"{PREFIX}*"):
        with suppress(BlockingIOError, FileNotFoundError), opened(left) as lock:  # it is in use, or somebody else was quicker
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - left.stat().st_mtime > NOT_YET_LOCKED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def opened(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
