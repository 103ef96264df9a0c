"""The pod's process really ends at an attempt to write, however it is made, and not at anything else."""

import subprocess
import sys
from pathlib import Path

import pytest

from dropin import pod

PROGRAM = """
import os, pathlib, socket, sys, tempfile
sys.dont_write_bytecode = True
sys.path[:] = sys.argv[2:]
from dropin import pod
sys.addaudithook(pod.refuse_writing)
try:
    exec(sys.argv[1])
except BaseException:
    sys.exit(1)
sys.exit(3)
"""


def ended(statement: str, directory: Path) -> tuple[int, str]:
    """Exit code and standard error of a process that does this after the hook is on; 3 if it came to its end."""
    command = [sys.executable, "-c", PROGRAM, statement, *filter(None, sys.path)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


@pytest.mark.parametrize("statement", ["open('new', 'w')", "os.open('kept', os.O_RDWR)", "os.remove('kept')", "tempfile.mkdtemp(dir='.')"])
def test_an_attempt_to_write_ends_it_with_a_word(tmp_path: Path, statement: str) -> None:
    (tmp_path / "kept").touch()
    code, said = ended(statement, tmp_path)
    assert code == pod.WROTE
    assert "the file system is read-only" in said
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_reading_and_speaking_are_fine(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    assert ended("open('kept').read(); os.listdir('.'); socket.create_server(('127.0.0.1', 0))", tmp_path)[0] == 3
