"""Builds the image: the wheel, the wheels it needs, a base, and `docker build`.

Wheels are fetched outside of the build, by pip and its configuration on this machine, and checked
against the hashes of `requirements.lock` twice: here and inside. So the build needs no network, and
an image for another architecture needs no emulation to find its wheels.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
WHEELS = DIST / "image"
PIP_LOCK = ROOT / "release" / "pip.lock"
LOCAL_BASE = "local/python3-bookworm"
PLATFORMS = {
    "amd64": ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_28_x86_64"),
    "arm64": ("manylinux_2_17_aarch64", "manylinux2014_aarch64", "manylinux_2_28_aarch64"),
}
PULL_SECONDS = 120


def main() -> int:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default=f"onepassword-operator:{version()}")
    parser.add_argument(
        "--base",
        default="",
        help="base image; default: the Dockerfile's, or a local one where that can't be pulled",
    )
    parser.add_argument(
        "--python", default="3.11", help="the base's Python, which decides about wheels"
    )
    parser.add_argument(
        "--arch",
        action="append",
        choices=PLATFORMS,
        help="architectures to fetch wheels for; default: amd64",
    )
    parser.add_argument(
        "--wheels-only", action="store_true", help="fill dist/image, for a build by other means"
    )
    arguments = parser.parse_args()
    if not arguments.wheels_only:
        ask_engine()
    fetch_wheels(arguments.python, arguments.arch or ["amd64"])
    if not arguments.wheels_only:
        build(arguments.tag, base=arguments.base or find_base())
    return 0


def version() -> str:
    """The version in pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def git(*arguments: str) -> str:
    """What git says; empty outside of a repository."""
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()


def epoch() -> str:
    """SOURCE_DATE_EPOCH: the environment's, or the time of the last commit."""
    return os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or "0"


def ask_engine() -> None:
    """End with the remedy where no Docker Engine can build, before anything is fetched."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0
    ):
        remedy = 'start Docker, or on Debian as root: eval "$(python3 tests/e2e/engine.py)"'
        sys.exit(f"image: no Docker Engine answers `docker info`; {remedy}")


# what subprocess.run takes
def call(title: str, command: list[str], **options: Any) -> None:  # noqa: ANN401
    """Run a program that reports its own failure; if it fails, end with its purpose."""
    if subprocess.run(command, check=False, **options).returncode != 0:
        sys.exit(f"image: {title} failed; its last words are above")


def fetch_wheels(python: str, architectures: list[str]) -> None:
    """Fill dist/image with our wheel, those of the lock, and pip's."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    WHEELS.mkdir(parents=True)
    building = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(WHEELS)]
    call(
        "building the wheel",
        building,
        cwd=ROOT,
        stdout=sys.stderr,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch()},
    )
    fetching = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    fetching += [
        "--dest",
        str(WHEELS),
        "--implementation=cp",
        f"--python-version={python}",
        "-r",
        str(PIP_LOCK),
    ]
    for architecture in architectures:
        say(f"image: fetching wheels for Python {python} on {architecture}")
        platforms = [f"--platform={tag}" for tag in PLATFORMS[architecture]]
        call("fetching wheels", [*fetching, *platforms, "-r", str(ROOT / "requirements.lock")])


def default_base() -> str:
    """The base that the Dockerfile names."""
    return next(
        line.split("=", 1)[1]
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("ARG BASE=")
    )


def find_base() -> str:
    """The Dockerfile's own base (empty) if it is there or can be pulled, else a local one."""
    default = default_base()
    inspect = ["docker", "image", "inspect", default]
    if subprocess.run(inspect, capture_output=True, check=False).returncode == 0:
        return ""
    try:
        pulled = subprocess.run(
            ["docker", "pull", "--quiet", default],
            capture_output=True,
            text=True,
            check=False,
            timeout=PULL_SECONDS,
        )
        if pulled.returncode == 0:
            return ""
        reason = (pulled.stderr.strip().splitlines() or ["no reason given"])[-1]
    except subprocess.TimeoutExpired:
        reason = f"no answer within {PULL_SECONDS} s"
    say(
        f"image: the default base can't be pulled ({reason}); using {LOCAL_BASE}, "
        "which is for tests"
    )
    call("making a base", [sys.executable, str(ROOT / "release" / "local_base.py")])
    return LOCAL_BASE


def build(tag: str, *, base: str) -> None:
    """`docker build`, with BuildKit where it is installed."""
    arguments = {
        "VERSION": version(),
        "REVISION": git("rev-parse", "HEAD") or "unknown",
        "SOURCE_DATE_EPOCH": epoch(),
    }
    if base:
        arguments["BASE"] = base
    given = [
        part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")
    ]
    buildx = (
        subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode
        == 0
    )
    environment = {**os.environ, "DOCKER_BUILDKIT": "1" if buildx else "0"}
    done = subprocess.run(
        ["docker", "build", *given, "--tag", tag, "."],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(
            f"{done.stdout[-3000:]}{done.stderr[-3000:]}image: docker build failed; "
            "its last words are above"
        )
    size = subprocess.run(
        ["docker", "image", "inspect", "--format={{.Size}}", tag],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    say(f"image: {tag} is ready, {int(size) / 1e6:.0f} MB")


def say(text: str) -> None:
    """Progress goes to standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
