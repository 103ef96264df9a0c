"""Runs the operator as a container of the official chart's Deployment would: a program for tests, `python pod.py ARGUMENT...`.

- It becomes the user 65532 without groups, when it is started as root. Of root's powers it keeps at most one, to read every file, because
  the interpreter of a developer may lie in a home that is closed to others; it can write no more than any user.
- It ends the process, with a word on standard error, at the first attempt to open a file for writing, or to make, rename or remove one:
  the container's root is read-only, and there is no volume.
- The kubelet's service account is in the directory `POD_SERVICE_ACCOUNT`, and /metrics at `POD_METRICS`, because the chart leaves that at
  its default and a machine that runs tests has one :8080 only. Neither variable reaches the operator.

It replaces nothing else: arguments and environment are the operator's own.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":  # the chart's environment says nothing of where the package is
    sys.path[0] = str(Path(__file__).resolve().parents[2] / "operator")

from onepassword_operator import cli
from onepassword_operator.cluster import credentials
from onepassword_operator.settings.schema import Settings

USER = 65532
WROTE = 70
"""The exit code after an attempt to write."""

CHANGES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS = 1, 8  # <linux/prctl.h>
CAP_DAC_READ_SEARCH = 2  # <linux/capability.h>
CAPABILITY_VERSION_3 = 0x20080522


def main() -> int:
    """Become the pod's container, and run the operator."""
    if os.geteuid() == 0:
        become_user()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user takes the leash off
    credentials.SERVICE_ACCOUNT = Path(os.environ.pop("POD_SERVICE_ACCOUNT"))  # type: ignore[misc]
    Settings.model_fields["metrics_bind_address"].default = os.environ.pop("POD_METRICS")
    Settings.model_rebuild(force=True)
    sys.dont_write_bytecode = True  # a read-only root makes the interpreter give up on that by itself
    sys.addaudithook(refuse_writing)
    return cli.main(sys.argv[1:])


def become_user() -> None:
    """Change user and group, and keep the power to read if it is there; in most containers it is not, and not needed."""
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    libc.prctl(PR_SET_KEEPCAPS, 1)
    os.setresuid(USER, USER, USER)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    for kept in (1 << CAP_DAC_READ_SEARCH, 0):
        if libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)) == 0:
            return
    raise OSError(ctypes.get_errno(), "capset")


def refuse_writing(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook. It ends the process, because an exception could be caught, and what can't be written must not even be tried."""
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in mode for letter in "wxa+") if isinstance(mode, str) else isinstance(flags, int) and flags & WRITING
        if not writes or isinstance(path, int):
            return
    elif event not in CHANGES:
        return
    os.write(2, f"pod: {event} {arguments[0]!r}: the file system is read-only\n".encode())
    os._exit(WROTE)


libc = ctypes.CDLL(None, use_errno=True)

if __name__ == "__main__":
    sys.exit(main())
