"""Programs that the end-to-end tests need of the machine: there, or installed from Debian's packages, or named in one message."""

import os
import shutil
import subprocess

from e2e.steps import StepError, step

PACKAGES = {"dockerd": "docker.io", "docker": "docker-cli", "iptables": "iptables", "debootstrap": "debootstrap"}
"""Program → Debian package. Up to bookworm docker.io has both programs of Docker, later ones have `docker` apart."""


def need(*programs: str) -> None:
    """Return when the programs are on PATH; installs them as root where apt-get is, else raises StepError with the remedy."""
    missing = [program for program in programs if not shutil.which(program)]
    if not missing:
        return
    packages = [PACKAGES[program] for program in missing]
    lacking = f"{', '.join(missing)} not installed"
    if not shutil.which("apt-get"):
        raise StepError(f"{lacking}, and this is no Debian to install from: install them yourself")
    if os.geteuid() != 0:
        raise StepError(f"{lacking}: run `apt-get install {' '.join(packages)}` as root, or all of this as root")
    with step(f"{', '.join(packages)} from Debian's packages"):
        _apt_get("update")
        _apt_get("install", "-y", "--no-install-recommends", *packages)
    if left := [program for program in missing if not shutil.which(program)]:
        raise StepError(f"{', '.join(left)} not on PATH ({os.environ.get('PATH', '')}) after apt-get install {' '.join(packages)}")


def _apt_get(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", "-qq", *arguments], capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise StepError(f"apt-get {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-1000:].strip()}")
