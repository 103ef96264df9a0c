"""Every way to install, and what is left after removing it: each in a namespace of its own, which must go away afterwards."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.conftest import MakeHome
from e2e.images import OPERATOR
from e2e.kind_cluster import KindCluster, fence_rules
from e2e.steps import run
from e2e.world import CONNECT_URL, ITEMS, Home, pod_spec
from harness.paths import REPOSITORY, TOOLS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900, func_only=True)]

OFFICIAL = REPOSITORY / "tests" / "dropin" / "official_chart"
CHART_FOLDER = "charts/onepassword-operator"
CONTINUED = "\\\n      "
"""How a command in the documents goes on in the next line."""


def wipe_crd(cluster: KindCluster) -> None:
    cluster.kubectl("delete", "crd", ITEMS, "--ignore-not-found", "--wait=true", "--timeout=120s")


def test_our_image_runs_under_the_official_charts_manifests(kind_cluster: KindCluster, make_home: MakeHome) -> None:
    home, work = make_home("swap"), make_home("work")
    home.token_secret()
    if not kind_cluster.exists("crd", ITEMS):
        kind_cluster.kubectl("create", "-f", str(OFFICIAL / "crd.yaml"))
    for name in ("serviceaccount", "clusterrole", "clusterrolebinding", "deployment"):
        body: dict[str, Any] = yaml.safe_load((OFFICIAL / f"{name}.yaml").read_text().replace("RELEASE", home.namespace))
        if name == "deployment":
            container = body["spec"]["template"]["spec"]["containers"][0]
            container["image"] = OPERATOR
            for variable in container["env"]:
                changed = {"POLLING_INTERVAL": "2", "OP_CONNECT_HOST": CONNECT_URL}.get(variable["name"])
                if changed:
                    variable["value"] = changed
        kind_cluster.apply(body, namespace=home.namespace)
    home.rolled_out("onepassword-connect-operator")
    work.item("official")
    work.wait_password("official", "official-canary-1 ü")
    for kind in ("clusterrole", "clusterrolebinding"):
        kind_cluster.kubectl("delete", kind, "onepassword-connect-operator")


def test_the_plain_manifests_work_with_two_edits(kind_cluster: KindCluster, make_home: MakeHome, tmp_path: Path) -> None:
    """The URL and the token; the image is the one under test."""
    work = make_home("work")
    wipe_crd(kind_cluster)
    for path in (REPOSITORY / "deploy").glob("*.yaml"):
        text = path.read_text().replace("http://onepassword-connect:8080", CONNECT_URL)
        text = text.replace("put-the-connect-token-here", work.connect.token)
        (tmp_path / path.name).write_text(re.sub(r"image: onepassword-operator:\S+", f"image: {OPERATOR}", text))
    kind_cluster.kubectl("apply", "-f", str(REPOSITORY / "crds"), "-f", str(tmp_path))
    plain = Home(kind_cluster, work.connect, "onepassword-operator")
    plain.rolled_out("onepassword-operator")
    work.item("plain")
    work.wait_ready("plain")
    work.wait_password("plain", "plain-canary-1 ü")
    kind_cluster.kubectl("delete", "-f", str(tmp_path), "--wait=true", "--timeout=120s")
    assert work.data("plain")["password"] == "plain-canary-1 ü"
    wipe_crd(kind_cluster)


def test_an_upgrade_from_an_earlier_chart(kind_cluster: KindCluster, make_home: MakeHome) -> None:
    """The chart of the last tag, or of the first commit that has one; the Secret keeps its identity and follows on."""
    earlier = packaged_earlier()
    home, work = make_home("upgrade"), make_home("work")
    home.token_secret()
    home.install("upgrade", chart=earlier)
    work.item("upgraded")
    work.wait_ready("upgraded")
    before = kind_cluster.get("-n", work.namespace, "secret", "upgraded")["metadata"]["uid"]
    home.install("upgrade", "--set", "operator.autoRestart=true", verb="upgrade")
    work.connect.edit("upgraded", password="upgraded-canary-2")
    work.wait_password("upgraded", "upgraded-canary-2")
    assert kind_cluster.get("-n", work.namespace, "secret", "upgraded")["metadata"]["uid"] == before
    home.uninstall("upgrade")


def packaged_earlier() -> str:
    git = ["git", "-C", str(REPOSITORY)]
    tag = run(*git, "describe", "--tags", "--abbrev=0", "--match=v*", "HEAD^", check=False).stdout.strip()
    first = run(*git, "log", "--format=%H", "--reverse", "--", CHART_FOLDER).stdout.split()[0]
    folder = TOOLS / "e2e" / "earlier"
    run("rm", "-rf", folder)
    folder.mkdir(parents=True)
    with subprocess.Popen([*git, "archive", tag or first, CHART_FOLDER], stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-C", str(folder), "-x"], stdin=archive.stdout, check=True)
    return str(folder / CHART_FOLDER)


def test_the_install_section_of_the_documents_followed_word_for_word(
    kind_cluster: KindCluster, make_home: MakeHome, tmp_path: Path
) -> None:
    """The commands of docs/install.md, in their order, in a shell, as a new user; then those that remove it."""
    work = make_home("readme")
    wipe_crd(kind_cluster)
    (tmp_path / "connect-token").write_text(work.connect.token)
    page = (REPOSITORY / "docs" / "install.md").read_text().replace(CONTINUED, "")
    blocks = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    sections = {title: re.findall(r"^    (\S.*)$", text, re.MULTILINE) for title, text in blocks}
    for title in ("With Helm", "Remove it"):
        for command in sections[title]:
            replaced = command.replace("charts/onepassword-operator", str(REPOSITORY / CHART_FOLDER))
            replaced = replaced.replace("http://onepassword-connect.CONNECT-NAMESPACE.svc:8080", CONNECT_URL)
            shell(kind_cluster, replaced, tmp_path)
        if title == "With Helm":
            plain = Home(kind_cluster, work.connect, "onepassword-operator")
            plain.rolled_out("onepassword-operator")
            work.item("readme")
            work.wait_password("readme", "readme-canary-1 ü")
    assert not kind_cluster.exists("namespace", "onepassword-operator")
    assert not kind_cluster.exists("crd", ITEMS)


def shell(cluster: KindCluster, command: str, directory: Path) -> None:
    """One line of the documents, with helm and kubectl on PATH; the image is the one under test."""
    programs = Path(run("sh", "-c", "echo $KUBEBUILDER_ASSETS").stdout.strip() or TOOLS / "bin")
    image, _, tag = OPERATOR.partition(":")
    if command.startswith("helm install"):
        command += f" --set operator.imageRepository={image},operator.version={tag} --wait --timeout 180s"
    setting = f"export KUBECONFIG={cluster.kubeconfig} PATH={programs}:$PATH; cd {directory}; "
    run("bash", "-euc", setting + command)


def test_nothing_that_runs_in_the_cluster_gets_out_of_the_machine(kind_cluster: KindCluster, make_home: MakeHome) -> None:
    """A pod asks for an address that is reserved for documents, and reaches nobody: the rule that keeps packets in has counted them."""
    chain, *rule = fence_rules()[0]
    run("iptables", "-C", chain, *rule)
    before = rejected()
    work = make_home("inside")
    program = "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), timeout=5)\n"
    program += "except OSError as error:\n    print(type(error).__name__)"
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "out"}, "spec": pod_spec([program]) | {"restartPolicy": "Never"}}
    kind_cluster.apply(body, namespace=work.namespace)
    work.kubectl("wait", "pod/out", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert work.kubectl("logs", "out").strip() in {"ConnectionRefusedError", "OSError", "TimeoutError"}
    assert rejected() > before


def rejected() -> int:
    lines = run("iptables", "-nvxL", "DOCKER-USER").stdout.splitlines()
    return sum(int(line.split()[0]) for line in lines if "REJECT" in line)
