"""What the machine lacks is told once, with the remedy. Needs no Docker, so it is in every run of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e import packages
from e2e.steps import StepError
from harness.paths import REPOSITORY


@pytest.mark.parametrize(
    ("there", "user", "reported"),
    [
        (
            ["apt-get"],
            1000,
            "iptables, debootstrap not installed: run `apt-get install iptables debootstrap` as root, or all of this as root",
        ),
        (["apt-get", "iptables"], 1000, "debootstrap not installed: run `apt-get install debootstrap` as root, or all of this as root"),
        ([], 0, "iptables, debootstrap not installed, and this is no Debian to install from: install them yourself"),
        (["apt-get"], 0, "apt-get update failed:\nno mirror"),
    ],
)
def test_what_is_missing_is_told_in_one_message(
    there: list[str], user: int, reported: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in there:
        (tmp_path / name).write_text("#!/bin/sh\necho no mirror >&2\nexit 100\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(StepError) as caught:
        packages.need("iptables", "debootstrap")
    assert str(caught.value) == reported


def test_root_on_debian_gets_what_is_missing_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, bash = tmp_path / "log", shutil.which("bash")
    (tmp_path / "apt-get").write_text(
        f'#!{bash}\necho "$*" >> {log}\nprintf "" > {tmp_path}/debootstrap\nPATH=/usr/bin:/bin chmod +x {tmp_path}/debootstrap\n'
    )
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    packages.need("debootstrap")
    packages.need("debootstrap")
    assert log.read_text().splitlines() == ["-qq update", "-qq install -y --no-install-recommends debootstrap"]


@pytest.mark.parametrize("there", [[], ["git"]])
def test_make_names_every_program_that_tests_miss(there: list[str], tmp_path: Path) -> None:
    for name in there:
        (tmp_path / name).touch(mode=0o755)
    make = shutil.which("make") or pytest.fail("make is not installed")
    done = subprocess.run([make, "programs"], cwd=REPOSITORY, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    missing = " ".join(name for name in ("git", "curl") if name not in there)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"make: not installed: {missing}; on Debian: apt-get install {missing}"


def test_a_run_that_can_not_be_prepared_ends_with_one_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-m", "e2e", "-n", "0", "-q", "-p", "no:cacheprovider", "tests/e2e"]
    done = subprocess.run(command, cwd=REPOSITORY, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert said.count("e2e: no Docker Engine answers `docker info`, and ") == 1, said
    assert "Traceback" not in said
    assert "ERROR" not in said
