"""What the machine lacks is told once, with the remedy. Needs no Docker, so it is in every run of the tests."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import REPOSITORY


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
