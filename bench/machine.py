"""Where the figures come from: the machine, and the versions of what ran."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import psutil

from controlplane.launcher import find_binaries
from harness.official_process import PROGRAM
from harness.paths import REPOSITORY

OFFICIAL_MODULE = "github.com/1Password/onepassword-operator"
LIBRARIES = ("kopf", "aiohttp", "msgspec", "pydantic")


def describe() -> dict[str, str]:
    """Facts by name, as they are shown."""
    kernel = platform.release().partition("-")[0]
    return {
        "Cores": str(os.cpu_count()),
        "CPU": _cpu_model(),
        "RAM": f"{psutil.virtual_memory().total / 1024**3:.0f} GiB",
        "Kernel": f"{platform.system()} {kernel}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Kubernetes": _kubernetes(),
        "Libraries": ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES),
    }


def operator_version() -> str:
    """What ours is."""
    return f"{metadata.version('onepassword-operator')}, commit {_commit()}"


def peer_version(command: Sequence[str]) -> str:
    """What another one is: its program's name, or the version that `make tools` builds."""
    name = Path(command[0]).name
    if name != PROGRAM:
        return name
    required = (
        (REPOSITORY / "tests" / "dropin" / "peer" / "go.mod").read_text(encoding="utf-8").split()
    )
    return f"1Password's own, {required[required.index(OFFICIAL_MODULE) + 1]}"


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor() or "unknown",
    )


def _kubernetes() -> str:
    command = [str(find_binaries() / "kube-apiserver"), "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]


def _commit() -> str:
    command = ["git", "log", "-1", "--format=%h", "--", "operator"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
