#!/usr/bin/env python3
"""`docker` for kind, on machines whose root has less than every capability.

kind runs its nodes with `--privileged`, which asks for all capabilities that the kernel knows, and the container runtime then fails on one
that this root does not have. Put on PATH as `docker`, this program asks for the others instead, with the same openness otherwise, and
does nothing where none is missing. Standard library only: it is started without an environment.
"""

import os
import shutil
import sys
from pathlib import Path

CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"),
    *("SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    *("CHECKPOINT_RESTORE",),
)
"""By number, as in <linux/capability.h>."""


def missing() -> list[str]:
    """The capabilities that the kernel knows and this root can't have."""
    status = Path("/proc/self/status").read_text()
    bounding = int(next(line for line in status.splitlines() if line.startswith("CapBnd")).split()[1], 16)
    known = int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1
    return [name for number, name in enumerate(CAPABILITIES[:known]) if not bounding >> number & 1]


def translate(arguments: list[str], lacking: list[str], *, modules: str) -> list[str]:
    """The command line with `--privileged` spelt out, and with another folder where the host has no kernel modules to mount."""
    if arguments[:1] not in (["run"], ["exec"]):
        return arguments
    granted = ["--cap-add=ALL", *(f"--cap-drop={name}" for name in lacking)]
    granted += ["--security-opt", "systempaths=unconfined", "--security-opt", "seccomp=unconfined"]
    granted += ["--device-cgroup-rule", "a *:* rwm", "--device", "/dev/kmsg"]
    result: list[str] = []
    for argument in arguments:
        if argument == "--privileged" and lacking:
            result += granted if arguments[0] == "run" else []
        else:
            result.append(argument.replace("/lib/modules:/lib/modules:ro", f"{modules}:/lib/modules:ro"))
    return result


def main() -> None:
    """Become the real docker."""
    here = Path(__file__).resolve().parent
    elsewhere = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part).resolve() != here)
    real = shutil.which("docker", path=elsewhere)
    if real is None:
        sys.exit("docker: not found")
    modules = Path("/lib/modules")
    if not modules.is_dir():  # Docker would make it on the host
        modules = here / "no-modules"
        modules.mkdir(exist_ok=True)
    os.execv(real, [real, *translate(sys.argv[1:], missing(), modules=str(modules))])  # noqa: S606  replacing this process is the point


if __name__ == "__main__":
    main()
