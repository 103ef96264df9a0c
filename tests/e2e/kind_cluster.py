"""A kind cluster on this machine, and nothing of it reaches beyond: what would be forwarded out of its network is rejected."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from e2e import docker_shim, node_image, packages
from e2e.steps import run, say, step, succeeds
from harness.paths import PROGRAMS, TOOLS

HOME = TOOLS / "e2e"
BRIDGE = "br-opo-e2e"
NETWORK = "opo-e2e"
CONFIGURATION: dict[str, Any] = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"}


class KindCluster:
    """A cluster by its name, as pytest-kind has one: `create`, `load_docker_image`, `kubectl`, `delete`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kubeconfig = HOME / f"{name}.kubeconfig"

    def create(self, image: str) -> None:
        HOME.mkdir(parents=True, exist_ok=True)
        self._use_shim()
        if self.name in self._kind("get", "clusters").split():
            say(f"cluster {self.name} runs already")
            self._kind("export", "kubeconfig", "--name", self.name, "--kubeconfig", str(self.kubeconfig))
            return
        fence()
        file = HOME / f"{self.name}.yaml"
        file.write_text(json.dumps(configuration(image)))
        with step(f"kind cluster {self.name}"):
            self._kind("create", "cluster", "--name", self.name, "--config", str(file), "--kubeconfig", str(self.kubeconfig), "--wait=180s")
            self.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=180s")

    def delete(self) -> None:
        self._kind("delete", "cluster", "--name", self.name, "--kubeconfig", str(self.kubeconfig))
        unfence()

    def load_docker_image(self, image: str) -> None:
        with step(f"loading {image}"):
            self._kind("load", "docker-image", image, "--name", self.name)

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        return run(PROGRAMS / "kubectl", f"--kubeconfig={self.kubeconfig}", *arguments, given=given, check=check).stdout

    def refused(self, *arguments: str, given: str | None = None) -> str:
        done = run(PROGRAMS / "kubectl", f"--kubeconfig={self.kubeconfig}", *arguments, given=given, check=False)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def get(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def exists(self, *arguments: str) -> bool:
        return bool(self.kubectl("get", *arguments, "--ignore-not-found", "-o", "name").strip())

    def apply(self, *objects: Any, namespace: str = "default") -> None:
        self.kubectl("-n", namespace, "apply", "-f", "-", given="\n---\n".join(json.dumps(each) for each in objects))

    def helm(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run(PROGRAMS / "helm", *arguments, f"--kubeconfig={self.kubeconfig}", check=check)

    def _kind(self, *arguments: str) -> str:
        return run(PROGRAMS / "kind", *arguments).stdout

    def _use_shim(self) -> None:
        os.environ["KIND_EXPERIMENTAL_DOCKER_NETWORK"] = NETWORK
        if not docker_shim.missing() and Path("/lib/modules").is_dir():
            return
        folder = HOME / "path"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path(docker_shim.__file__), folder / "docker")
        (folder / "docker").chmod(0o755)
        if str(folder) not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def configuration(image: str) -> dict[str, Any]:
    """kind's configuration: one node. The local node brings its own network plugin and old cgroups need three settings."""
    wanted = CONFIGURATION | {"nodes": [{"role": "control-plane", "image": image}]}
    if not image.startswith("local/"):
        return wanted | {"networking": {"apiServerAddress": "127.0.0.1"}}
    kubelet: dict[str, Any] = {"kind": "KubeletConfiguration", "resolvConf": "/kind/pod-resolv.conf"}
    if node_image.cgroup_v1():
        kubelet |= {"failCgroupV1": False, "cgroupDriver": "cgroupfs", "cgroupRoot": "/"}
    return wanted | {
        "networking": {"disableDefaultCNI": True, "apiServerAddress": "127.0.0.1"},
        "kubeadmConfigPatches": [json.dumps(kubelet)],
    }


def fence() -> None:
    """A Docker network of our own, out of which nothing is forwarded; the API server's port on loopback still works."""
    if not succeeds("docker", "network", "inspect", NETWORK):
        run("docker", "network", "create", NETWORK, "--driver=bridge", "-o", f"com.docker.network.bridge.name={BRIDGE}")
    if os.geteuid() != 0:
        say("not root: the cluster's network is not fenced in")
        return
    packages.need("iptables")
    for chain_rule in fence_rules():
        if not succeeds("iptables", "-C", *chain_rule):
            run("iptables", "-I", *chain_rule)


def fence_rules() -> list[list[str]]:
    """What keeps forwarded packets in."""
    return [["DOCKER-USER", "-i", BRIDGE, "!", "-o", BRIDGE, "-j", "REJECT"]]


def unfence() -> None:
    """Take network and rules away."""
    if os.geteuid() == 0:
        for chain_rule in fence_rules():
            run("iptables", "-D", *chain_rule, check=False)
    run("docker", "network", "rm", NETWORK, check=False)
