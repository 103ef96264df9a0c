"""Directories of running control planes, and the removal of those that a killed run has left behind.

They lie in one folder of the user's below the system's temporary directory. Each is locked (`flock(2)`) by the process that uses it, and
the kernel drops the lock with the process. That tells the living from the dead without a process number, which may have been given to
somebody else since.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controlplane.errors import ControlPlaneError

LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A directory of one control plane."""

    path: Path
    lock: int | None  # None: the caller's own directory, which is neither swept nor removed

    def remove(self) -> None:
        """Delete the directory, unless it is the caller's."""
        if self.lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self.lock)


def create(given: Path | None = None) -> Workspace:
    """The given directory, made if absent, or a new one of our own; leftovers of dead runs are removed on the way."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        return Workspace(path=given.resolve(), lock=None)
    folder = own_folder()
    with locked(folder / LOCK):  # else a resync could meet a directory that is made but not yet locked
        resync(folder)
        path = Path(tempfile.mkdtemp(dir=folder))
        lock = os.open(path / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return Workspace(path=path, lock=lock)


def own_folder() -> Path:
    """The folder that holds the directories of all control planes of this user."""
    folder = Path(tempfile.gettempdir()).resolve() / f"onepassword-operator-controlplane-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise ControlPlaneError(f"{folder} belongs to another user; remove it or set TMPDIR")
    return folder


def resync(folder: Path) -> None:
    """Remove every directory whose owner is gone."""
    for lock in folder.glob(f"*/{LOCK}"):
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file for the length of the block."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
