"""Makes a base image for the Dockerfile where no registry can be reached.

It holds Debian's Python, from Debian's packages. Needs root, `debootstrap` and a Docker Engine. The
image that users pull is made on the default base of the Dockerfile, not on this.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SUITE = "bookworm"  # Python 3.11, as in the default base
PACKAGES = ("python3", "ca-certificates", "tzdata")
NAME = f"local/python3-{SUITE}"
WITHOUT_USE = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/log",
)
NOBODY = "nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n"


def main() -> int:
    """Make the image unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", action="store_true", help="make it even if it is there")
    arguments = parser.parse_args()
    if not arguments.again and is_there():
        return 0
    if shutil.which("debootstrap") is None:
        sys.exit(
            "local base: debootstrap is missing; install it (apt-get install debootstrap), "
            "or name a base with BASE=..."
        )
    if os.geteuid() != 0:
        sys.exit(
            "local base: only root can run debootstrap; run this as root, "
            "or name a base with BASE=..."
        )
    with tempfile.TemporaryDirectory() as directory:
        make(Path(directory) / "root")
    return 0


def is_there() -> bool:
    """Ask the Docker Engine for the image."""
    inspect = ["docker", "image", "inspect", NAME]
    return subprocess.run(inspect, capture_output=True, check=False).returncode == 0


def make(root: Path) -> None:
    """A root with Python, without what a container never reads, as an image."""
    print(f"local base: debootstrap {SUITE} (about a minute)", file=sys.stderr, flush=True)
    bootstrap = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(root),
    ]
    done = subprocess.run(bootstrap, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"local base: debootstrap failed: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    for path in WITHOUT_USE:
        shutil.rmtree(root / path, ignore_errors=True)
        (root / path).mkdir(parents=True)
    with (root / "etc/passwd").open("a") as passwd:
        passwd.write(NOBODY)
    with (root / "etc/group").open("a") as group:
        group.write("nonroot:x:65532:\n")
    with subprocess.Popen(
        ["tar", "-C", str(root), "--exclude=./dev/*", "-c", "."], stdout=subprocess.PIPE
    ) as packed:
        command = ["docker", "import", "--change", "USER 65532:65532", "-", NAME]
        done = subprocess.run(
            command, stdin=packed.stdout, capture_output=True, text=True, check=False
        )
    if packed.returncode != 0 or done.returncode != 0:
        sys.exit(f"local base: making image {NAME} failed: {done.stderr[-1000:].strip()}")


if __name__ == "__main__":
    sys.exit(main())
