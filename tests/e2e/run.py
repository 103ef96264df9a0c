"""`make e2e`: the end-to-end tests with progress."""

import os
import subprocess
import sys
import time

TESTS = "tests/e2e"
PATIENCE = {"TEST_PATIENCE": "6"}  # a machine that runs a whole cluster promises nothing by its speed


def main() -> int:
    """Run pytest on them, one after the other, and say what each did."""
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-m", "e2e", "-n", "0", "-p", "no:randomly", "-s", "-v", "--durations=10", TESTS]
    code = subprocess.run([*command, *sys.argv[1:]], env=os.environ | PATIENCE, check=False).returncode
    print(f"e2e: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
