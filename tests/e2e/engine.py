"""A Docker Engine for the end-to-end tests: the one that runs, or one of our own from Debian's packages.

Our own has its socket, data and process number in `.tools/docker`. It is left running for the next run; `python tests/e2e/engine.py stop`
ends it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":  # run as a script, Python puts this file's folder on the path and not the tests' root
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from e2e import packages
from e2e.steps import StepError, run, say, succeeds
from harness.paths import TOOLS

HOME = TOOLS / "docker"
SOCKET = f"unix://{HOME / 'docker.sock'}"
START_SECONDS = 60


def ensure() -> None:
    """Make `docker` work in this process and its children, or say what is missing."""
    if shutil.which("docker") and succeeds("docker", "info"):
        return
    os.environ["DOCKER_HOST"] = SOCKET
    if shutil.which("docker") and succeeds("docker", "info"):
        return
    if os.geteuid() != 0:
        raise StepError("no Docker Engine answers `docker info`, and only root can start one: start Docker, or run as root")
    if not shutil.which("dockerd") and not shutil.which("apt-get"):
        raise StepError("no Docker Engine answers `docker info`, and this is no Debian to install one on: start Docker")
    packages.need("dockerd", "iptables")
    packages.need("docker")
    start()


def start() -> None:
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "pid").unlink(missing_ok=True)
    say(f"starting a Docker Engine of our own in {HOME}")
    places = [f"--data-root={HOME / 'data'}", f"--exec-root={HOME / 'exec'}", f"--pidfile={HOME / 'pid'}"]
    # By way of a shell, because it outlives us: Python warns of a child that is let go of while it runs.
    in_background = ["sh", "-c", '"$@" >"$0" 2>&1 & echo $!', str(HOME / "log"), "dockerd", f"--host={SOCKET}", *places]
    daemon = int(subprocess.run(in_background, check=True, stdout=subprocess.PIPE, start_new_session=True).stdout)
    deadline = time.monotonic() + START_SECONDS
    while not succeeds("docker", "info"):
        if not _is_running(daemon) or time.monotonic() > deadline:
            raise StepError(f"dockerd does not come up:\n{(HOME / 'log').read_text()[-2000:]}")
        time.sleep(0.3)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def stop() -> None:
    """End our own engine, by its process number."""
    pid = HOME / "pid"
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGTERM)


def can_pull(image: str, *, seconds: int = 600) -> bool:
    """Whether an image is there, or could be pulled just now."""
    if succeeds("docker", "image", "inspect", image):
        return True
    try:
        return subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, check=False, timeout=seconds).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def build(directory: Path, tag: str, *options: str) -> None:
    os.environ["DOCKER_BUILDKIT"] = "1" if succeeds("docker", "buildx", "version") else "0"
    run("docker", "build", "--quiet", "--tag", tag, *options, directory)


if __name__ == "__main__":
    if sys.argv[1:] == ["stop"]:
        stop()
    else:
        try:
            ensure()
        except StepError as error:
            sys.exit(f"e2e: {error}")
        print(f"export DOCKER_HOST={os.environ['DOCKER_HOST']}" if "DOCKER_HOST" in os.environ else "# the machine's own")
