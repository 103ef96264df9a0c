"""The tools of the gates: programs in `.tools/bin`, and an environment of Python tools in `.tools/gates`. `make tools` makes both."""

import subprocess

from harness.paths import PROGRAMS, REPOSITORY

PYTHON_TOOLS = PROGRAMS.parent / "gates" / "bin"


def run(name: str, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run one of the tools in the repository; never touches the network on purpose."""
    program = next((each / name for each in (PROGRAMS, PYTHON_TOOLS) if (each / name).exists()), None)
    assert program, f"{name} is missing; run `make tools`"
    return subprocess.run([str(program), *arguments], cwd=REPOSITORY, input=given, capture_output=True, text=True, check=False)
