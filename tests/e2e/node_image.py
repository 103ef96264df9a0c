"""The node that kind runs: the ordinary image where a registry has it, else one made here, of Debian's packages and our own builds.

The local one holds the versions that `tests/controlplane/go.mod` names, and every image that kubeadm asks for. It is made once, in
`.tools/node`, and again when a version or a file in `node/` changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from controlplane.build import PARTS, kubernetes_version
from e2e import engine, packages
from e2e.steps import StepError, run, say, step, stream, succeeds
from harness.paths import PROGRAMS, REPOSITORY, TOOLS

FILES = Path(__file__).resolve().parent / "node"
SCRATCH = TOOLS / "node"
DEBIAN = "bookworm"  # its systemd runs on both versions of cgroups
PACKAGES = (
    *("systemd", "dbus", "iptables", "iproute2", "conntrack", "ethtool", "kmod", "procps", "ca-certificates"),
    *("containerd", "runc", "containernetworking-plugins"),
)
ROOT_IMAGE = "local/e2e-debian"
ORDINARY = "kindest/node:v1.35.0@sha256:452d707d4862f52530247495d180205e029056831160e22870e37e3f6c1ac31f"
KUBECTL, ETCD, SERVERS = "kubectl", "etcd", ("kube-apiserver", "kube-controller-manager")


def ordinary() -> str:
    """The node image to use where a registry answers."""
    return os.environ.get("E2E_NODE_IMAGE") or ORDINARY


def ensure() -> str:
    """The name of a node image that is there."""
    if engine.can_pull(ordinary()):
        return ordinary()
    if "E2E_NODE_IMAGE" in os.environ:
        raise StepError(f"{ordinary()} (E2E_NODE_IMAGE) can't be pulled")
    say(f"{ordinary()} can't be pulled; making a node image here")
    with step("programs of the node"):
        build = REPOSITORY / "tests" / "controlplane" / "build.py"
        stream("building the programs of the node", sys.executable, build, "--into", PROGRAMS, "--parts", "control-plane", "node")
    name = f"local/e2e-node:{kubernetes_version()}-{digest()}"
    if not succeeds("docker", "image", "inspect", name):
        make(name)
    return name


def digest() -> str:
    """The identity of what the image is made of."""
    found = hashlib.sha256((PROGRAMS / ".stamp-node").read_bytes() + Path(__file__).read_bytes())
    for path in sorted(FILES.iterdir()):
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()[:12]


def make(name: str) -> None:
    """Build root, images and node."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    root = SCRATCH / "root"
    if not root.exists():
        with step(f"Debian {DEBIAN} by debootstrap"):
            bootstrap(root)
    if not succeeds("docker", "image", "inspect", ROOT_IMAGE):
        pack(root, ROOT_IMAGE)
    images = wanted_images()
    context = SCRATCH / "context"
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(FILES, context, ignore=shutil.ignore_patterns("coredns", "pause", "go.*"))
    with step("images of the control plane"):
        for program, image in images.items():
            pack(image_root(program, root), image, "--change", f'ENTRYPOINT ["/usr/local/bin/{program}"]')
        run("docker", "save", "--output", context / "images.tar", *images.values())
    for program in ("kubeadm", "kubelet", KUBECTL):
        shutil.copy2(PROGRAMS / program, context / program)
    settings = (context / "containerd.toml").read_text()
    settings = settings.replace("@PAUSE@", images["pause"]).replace("@SYSTEMD@", str(not cgroup_v1()).lower())
    (context / "containerd.toml").write_text(settings)
    with step("node image"):
        engine.build(context, name, "--build-arg", f"VERSION={kubernetes_version()}")
    shutil.rmtree(context)


def bootstrap(root: Path) -> None:
    """A minimal Debian with what a node needs; it gets its name when it is complete."""
    packages.need("debootstrap")
    growing = root.with_name("root.incomplete")
    run("rm", "-rf", "--one-file-system", growing)
    run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", DEBIAN, growing)
    for path in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(growing / path, ignore_errors=True)
        (growing / path).mkdir(parents=True)
    growing.rename(root)


def wanted_images() -> dict[str, str]:
    """Program → image, as kubeadm names them."""
    listed = run(PROGRAMS / "kubeadm", "config", "images", "list", f"--kubernetes-version={kubernetes_version()}").stdout.split()
    found = {image.rpartition("/")[2].partition(":")[0]: image for image in listed}
    known = {program.name for program in PARTS["node"].programs} | {ETCD, *SERVERS}
    if unknown := found.keys() - known:
        raise StepError(f"kubeadm asks for images that nobody builds: {', '.join(sorted(unknown))}")
    return found


def image_root(program: str, debian: Path) -> Path:
    """The root of an image with one static program; kube-proxy gets iptables with its libraries too."""
    root = SCRATCH / "images" / program
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("usr/local/bin", "etc/ssl/certs", "tmp", "run"):
        (root / folder).mkdir(parents=True)
    shutil.copy2(PROGRAMS / program, root / "usr/local/bin" / program)
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/sbin/nologin\n")
    shutil.copy2(debian / "etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    if program == "kube-proxy":
        add_iptables(root, debian)
    return root


def add_iptables(root: Path, debian: Path) -> None:
    """Without iptables and each of its libraries, Services do nothing, and nobody says so."""
    (root / "usr/sbin").mkdir(parents=True)
    shutil.copy2(debian / "usr/sbin/xtables-nft-multi", root / "usr/sbin/xtables-nft-multi")
    for family in ("ip", "ip6"):
        for suffix in ("", "-save", "-restore"):
            for flavour in ("", "-nft"):
                (root / "usr/sbin" / f"{family}tables{flavour}{suffix}").symlink_to("xtables-nft-multi")
    extensions = next(debian.glob("usr/lib/*/xtables"))
    shutil.copytree(extensions, root / extensions.relative_to(debian))
    loaded = ["/usr/sbin/xtables-nft-multi", *(f"/{path.relative_to(debian)}" for path in sorted(extensions.glob("*.so")))]
    linked = run("chroot", debian, "ldd", *loaded).stdout
    libraries = {word for word in linked.split() if word.startswith("/") and not word.endswith(":")}
    for library in sorted(libraries):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(debian / library.lstrip("/"), place)


def pack(root: Path, image: str, *changes: str) -> None:
    """A directory as an image."""
    environment = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    with subprocess.Popen(["tar", "-C", str(root), "--exclude=./dev/*", "-c", "."], stdout=subprocess.PIPE) as packed:
        command = ["docker", "import", "--change", environment, *changes, "-", image]
        done = subprocess.run(command, stdin=packed.stdout, capture_output=True, text=True, check=False)
    if packed.returncode != 0 or done.returncode != 0:
        raise StepError(f"making image {image} of {root} failed: {done.stderr[-1000:].strip()}")


def cgroup_v1() -> bool:
    """Whether this machine still has the old cgroups."""
    return not Path("/sys/fs/cgroup/cgroup.controllers").exists()
