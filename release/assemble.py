"""Runs in the image's build stage: installs the operator from the wheels beside it into `/out`.

Python alone, because the base has no shell. The result is the same byte for byte
whenever it is made of the same wheels: bytecode is tied to the source's hash and every time is
SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = Path("/opt/onepassword-operator")
OUT = Path("/out")
SCRIPTS = {"onepassword-operator", "python", "python3"}


def main() -> None:
    """Environment, wheels, bytecode, times."""
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    venv.EnvBuilder(with_pip=False, symlinks=True).create(HOME)
    python = HOME / "bin" / "python"
    pip = next((HERE / "wheels").glob("pip-*.whl")) / "pip"
    install = [
        str(python),
        str(pip),
        "install",
        "--no-index",
        "--no-compile",
        "--no-cache-dir",
        "--quiet",
        "--root-user-action=ignore",
    ]
    install += ["--disable-pip-version-check", f"--find-links={HERE / 'wheels'}"]
    subprocess.run(
        [*install, "--require-hashes", "-r", str(HERE / "requirements.lock")], check=True
    )
    subprocess.run([*install, "--no-deps", "onepassword-operator"], check=True)
    for script in (HOME / "bin").iterdir():
        if script.name not in SCRIPTS:
            script.unlink()
    for record in HOME.rglob("direct_url.json"):  # where the wheel lay while it was built
        record.unlink()
    compiling = [
        str(python),
        "-m",
        "compileall",
        "-q",
        "-f",
        "--invalidation-mode",
        "unchecked-hash",
        str(HOME / "lib"),
    ]
    subprocess.run(compiling, check=True)
    (OUT / "opt").mkdir(parents=True)
    shutil.move(HOME, OUT / HOME.relative_to("/"))
    (OUT / "manager").symlink_to(HOME / "bin" / "onepassword-operator")
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in sorted(OUT.rglob("*"), reverse=True):
        os.utime(path, (epoch, epoch), follow_symlinks=False)


if __name__ == "__main__":
    main()
