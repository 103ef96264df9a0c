"""The wheel as users get it: what is in it, and that it runs in an environment with the lock and nothing else."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from harness.paths import REPOSITORY

PACKAGE = REPOSITORY / "operator" / "onepassword_operator"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = []
    for name in ("one", "two"):
        directory = tmp_path_factory.mktemp(name)
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, env=environment)
        built.append(next(directory.glob("*.whl")))
    assert built[0].read_bytes() == built[1].read_bytes(), "two builds of one commit differ"
    return built[0]


def test_it_holds_the_package_and_its_licence_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package = {name for name in names if name.startswith("onepassword_operator/")}
    there = {str(path.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert package == there
    assert {name.partition("/")[2] for name in names if name not in package} == {
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    }


@pytest.mark.timeout(300)
def test_it_runs_with_the_lock_and_nothing_else(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / "bin"
    pip = [str(binaries / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(REPOSITORY / "requirements.lock")], check=True)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    clean = {"PATH": "/usr/bin:/bin", "PYTHONSAFEPATH": "1"}
    subprocess.run([str(binaries / "pip"), "check"], check=True, capture_output=True, env=clean)
    said = subprocess.run([str(binaries / "onepassword-operator"), "version"], capture_output=True, text=True, check=True, env=clean)
    assert said.stdout.startswith("onepassword-operator ")
    started = subprocess.run([str(binaries / "onepassword-operator")], capture_output=True, text=True, check=False, env=clean)
    assert started.returncode == 2
    assert "OP_CONNECT_HOST" in started.stderr
