"""Starts a real Kubernetes control plane on loopback: etcd, kube-apiserver and kube-controller-manager, no nodes.

`make tools` builds the programs. For tests, the demo and benchmarks; `python tests/controlplane/launcher.py` runs one by hand.
"""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

REPOSITORY = Path(__file__).resolve().parents[2]
if __name__ == "__main__":  # run as a script, Python puts this file's folder on the path and not the tests' root
    sys.path[0] = str(REPOSITORY / "tests")

from controlplane import access, components, workspace  # noqa: E402
from controlplane.certificates import Authority, signing_key  # noqa: E402
from controlplane.errors import ControlPlaneError  # noqa: E402
from controlplane.process import Probe, Program, ReservedPort  # noqa: E402

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


def say_nothing(_text: str) -> None:
    """The default listener to progress."""


class ControlPlane:
    """A running control plane; a context manager that stops it at the end.

    The programs die with the thread that called `start`, because the kernel binds them to it: call it from the main thread.
    """

    def __init__(self, *, say: Callable[[str], None], admission_plugins: Sequence[str]) -> None:
        self.binaries = find_binaries()
        self._say = say
        self._closing = ExitStack()
        self.directory = self._closing.enter_context(workspace.own_directory())
        authority = Authority(self.directory / "pki", "onepassword-operator local control plane")
        self._access = access.Access(self.directory, authority)
        self._layout = components.Layout(
            etcd_port=self._reserve_port(),
            etcd_peer_port=self._reserve_port(),
            apiserver_port=self._reserve_port(),
            controllers_port=self._reserve_port(),
            directory=self.directory,
            ca_file=authority.certificate,
            serving=authority.server("serving"),
            service_accounts=signing_key(authority.directory, "service-accounts"),
            admission_plugins=tuple(admission_plugins),
        )
        self.programs: list[Program] = []
        self.url = self._layout.url
        self.ca_file = self._layout.ca_file
        self.audit_log = self._layout.audit_log
        self.admin_kubeconfig = self.kubeconfig_for(access.ADMIN)

    @classmethod
    def start(
        cls, *, crds: Sequence[Path] = (), say: Callable[[str], None] = say_nothing, admission_plugins: Sequence[str] = ()
    ) -> ControlPlane:
        """Start one and return when it works.

        Args:
            crds: YAML files of CustomResourceDefinitions to create before the controllers start. The garbage collector learns of a
                kind that comes later only within 30 s, and until then doesn't notice that such an owner is deleted.
            say: Called with a line of progress for each program.
            admission_plugins: Those of the API server to have beside the default ones.
        """
        started = time.monotonic()
        plane = cls(say=say, admission_plugins=admission_plugins)
        try:
            plane._start_programs(crds)
        except BaseException:
            plane.stop()
            raise
        say(f"control plane: ready at {plane.url} after {time.monotonic() - started:.1f} s")
        return plane

    def kubeconfig_for(self, user: str, groups: Sequence[str] = (), *, server: str | None = None, ca_file: Path | None = None) -> Path:
        """A kubeconfig file for the user.

        Without `server` it holds a client certificate, for any user and any groups; no groups means those of the user's name (a service
        account's, the admin's). With `server`, and the `ca_file` to check it with, it holds a bearer token, which survives a proxy; only
        `access.ADMIN`, `access.OPERATOR` and `access.SPARES` have one, and their groups are fixed.
        """
        if server is None:
            return self._access.with_certificate(access.Server(url=self.url, ca_file=ca_file or self.ca_file), user, groups)
        if groups:
            raise ControlPlaneError("groups go with client certificates only: a token's groups are fixed when the API server starts")
        return self._access.with_token(access.Server(url=server, ca_file=ca_file or self.ca_file), user)

    def stop(self) -> None:
        """End the programs, last started first, and remove the temporary directory; once is enough, twice does no harm."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _reserve_port(self) -> int:
        port = ReservedPort()
        self._closing.callback(port.close)
        return port.number

    def _start_programs(self, crds: Sequence[Path]) -> None:
        layout = self._layout
        tls = ssl.create_default_context(cafile=str(self.ca_file))
        self._run("etcd", components.etcd(layout), Probe(port=layout.etcd_port, path="/readyz", tls=None))
        flags = components.apiserver(layout, self._access.token_file)
        self._run("kube-apiserver", flags, Probe(port=layout.apiserver_port, path="/readyz", tls=tls))
        if crds:
            self._create_crds(crds)
        flags = components.controller_manager(layout, self.kubeconfig_for("system:kube-controller-manager"))
        self._run("kube-controller-manager", flags, Probe(port=layout.controllers_port, path="/healthz", tls=tls))

    def _create_crds(self, crds: Sequence[Path]) -> None:
        files = [argument for file in crds for argument in ("-f", str(file))]
        self.kubectl("create", *files)
        self.kubectl("wait", "--for=condition=Established", "--timeout=10s", *files)

    def kubectl(self, *arguments: str) -> str:
        fixed = [str(self.binaries / "kubectl"), f"--kubeconfig={self.admin_kubeconfig}", f"--cache-dir={self.directory / 'kubectl'}"]
        done = subprocess.run([*fixed, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ControlPlaneError(f"kubectl {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def _run(self, name: str, flags: Sequence[str], probe: Probe) -> None:
        started = time.monotonic()
        program = Program(name, [str(self.binaries / name), *flags], self.directory / f"{name}.log")
        self.programs.append(program)
        self._closing.callback(program.stop)
        program.wait_ready(probe)
        self._say(f"control plane: {name} ready after {time.monotonic() - started:.1f} s")


def find_binaries() -> Path:
    """The directory that holds the programs; an error with the remedy when one is missing."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    directory = Path(assets or REPOSITORY / ".tools" / "bin")
    missing = [name for name in PROGRAMS if not os.access(directory / name, os.X_OK)]
    if missing:
        remedy = "correct KUBEBUILDER_ASSETS, or unset it and run `make tools`" if assets else "run `make tools`"
        raise ControlPlaneError(f"{', '.join(missing)} not found in {directory}: {remedy}")
    return directory.resolve()


def say_aloud(text: str) -> None:
    """Progress on standard error, at once."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run a control plane until SIGINT or SIGTERM, for a person with kubectl."""
    signals = {signal.SIGINT, signal.SIGTERM}
    try:
        with ControlPlane.start(say=say_aloud) as plane:
            signal.pthread_sigmask(signal.SIG_BLOCK, signals)
            print(f"export KUBECONFIG={plane.admin_kubeconfig}", flush=True)
            say_aloud(f"kubectl is {plane.binaries / 'kubectl'}; press Ctrl-C to stop")
            signal.sigwait(signals)
    except ControlPlaneError as error:
        say_aloud(f"control plane: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
