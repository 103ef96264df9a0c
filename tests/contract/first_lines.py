"""Runs the first lines of a page as a reader would, but in a folder and with ports of their own."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from harness.paths import REPOSITORY
from harness.ports import free_port


def run(page: Path, folder: Path, *, after: str, then: str = "") -> str:
    """What the block after a text prints; all of it but `make venv` is run, and what a test adds."""
    found = re.search(re.escape(after) + r"\n\n((?:    .*\n)+)", page.read_text())
    assert found
    lines = [line.strip() for line in found[1].splitlines()]
    assert (len(lines), lines[0]) == (5, "make venv")
    program = f"{shlex.quote(sys.executable)} -m onepassword_operator"
    script = "\n".join(["set -em", *lines[1:], then]).replace(".venv/bin/onepassword-operator", program).replace("curl ", "curl -s ")
    for number in ("8090", "8091"):
        script = script.replace(number, str(free_port()))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY / "operator"), "no_proxy": "127.0.0.1"}
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
