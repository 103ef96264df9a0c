"""Replaces itself by a program that the kernel kills as soon as the process that started it is gone.

Run as `python leash.py PARENT_PID PROGRAM ARGUMENT...`. It talks to nothing but the kernel (`prctl(2)`, Linux only). A killed test run
executes no clean-up code, so the promise has to be held by something that outlives it. This is a program and not a `preexec_fn`,
because Python code between fork and exec is unsafe, and warned about, in a process with threads.

The kernel sends the signal when the *thread* that forked ends. Start leashed programs from a thread that lives as long as they may.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def command(arguments: list[str]) -> list[str]:
    """The command line that runs `arguments` leashed to the calling process."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *arguments]


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit(f"leash: prctl refused: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the leash was on, so no signal will ever come
        sys.exit("leash: the starting process is gone")
    os.execv(program, sys.argv[2:])  # noqa: S606  replacing this process is what the file is for


if __name__ == "__main__":
    main()
