"""Replaces itself by a program that finds, on a machine that is no pod, the file which tells a pod its namespace.

Run as `python in_pod.py PROGRAM ARGUMENT...`. The official operator reads that file when it starts and ends without it; there is no
setting for it. The file is put into a mount namespace of the program's own, in memory over /run, so nothing else on the machine can see
it and it is gone with the program. That takes root, or a kernel that lets users make namespaces (`unshare(2)`, Linux only).
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
NAMESPACE = "official-operator"  # what it would keep its lease and its own Connect in, neither of which it is asked for

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000  # <sched.h>
MS_REC, MS_PRIVATE = 0x4000, 0x40000  # <sys/mount.h>

REFUSED = 77
"""The exit code when the kernel allows no mount namespace."""


def command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *arguments]


def main() -> None:
    """Make the file where only this process sees it, and become the program."""
    if not NAMESPACE_FILE.exists():
        try:
            own_mounts()
            mount("tmpfs", str(Path("/var/run").resolve()), "tmpfs", 0)
        except OSError as error:
            print(f"in_pod: {error}", file=sys.stderr)
            sys.exit(REFUSED)
        NAMESPACE_FILE.parent.mkdir(parents=True)
        NAMESPACE_FILE.write_text(NAMESPACE)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  replacing this process is what the file is for


def own_mounts() -> None:
    """Enter a mount namespace, as root directly, else inside a user namespace in which this user is root."""
    user, group = os.geteuid(), os.getegid()
    try:
        unshare(CLONE_NEWNS)
    except PermissionError:
        unshare(CLONE_NEWUSER | CLONE_NEWNS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    mount("none", "/", None, MS_REC | MS_PRIVATE)  # what follows must not reach the namespace we came from


def unshare(flags: int) -> None:
    if libc.unshare(flags) != 0:
        raise last_error("unshare")


def mount(source: str, target: str, kind: str | None, flags: int) -> None:
    if libc.mount(source.encode(), target.encode(), kind and kind.encode(), flags, None) != 0:
        raise last_error(f"mount {target}")


def last_error(what: str) -> OSError:
    """What the kernel said; Python makes a PermissionError of the code for one."""
    return OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


libc = ctypes.CDLL(None, use_errno=True)
libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)

if __name__ == "__main__":
    main()
