"""The chart on a real API server: what it takes, how a release lives, and how it meets a CRD that was there before."""

import json
import re
from typing import Any

import pytest
import yaml

from chart.fixtures import RESTRICTED, Cluster
from chart.rendering import INSTALLATIONS, NAMESPACE, Object, render
from dropin.chart import CRD as OFFICIAL_CRD
from harness.waiting import eventually
from harness.world import GROUP, PLURAL

pytestmark = pytest.mark.cluster

CRD = "onepassworditems.onepassword.com"
ANYTHING = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
SERVICE_MONITOR: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": ANYTHING}],
    },
}
"""The Prometheus Operator's kind, by name only: what it means is not held against a schema here."""


def dump(objects: list[Object]) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False)


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_the_api_server_takes_every_object(cluster: Cluster, name: str) -> None:
    """Strictly: an unknown field is an error; and without a warning, so that the pods are restricted and no API is deprecated."""
    places = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": each, "labels": RESTRICTED}} for each in ("team-a", "team-b")]
    places.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}})
    cluster.kubectl("apply", "-f", "-", given=dump([*places, SERVICE_MONITOR]))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=10s", "crd", SERVICE_MONITOR["metadata"]["name"])
    objects = render(INSTALLATIONS[name])
    options = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"]
    done = cluster.kubectl(*options, given=dump(objects))
    assert len(done.stdout.splitlines()) == len(objects)
    assert "Warning" not in done.stderr


def test_a_release_comes_and_goes_and_leaves_the_crd_with_all_resources(cluster: Cluster) -> None:
    namespace, work = cluster.namespace("home"), cluster.namespace("work")
    cluster.install("first", namespace)
    assert len(cluster.left_of("first")) > 8
    item(cluster, work)
    cluster.uninstall("first", namespace)
    left = eventually(lambda: cluster.left_of("first"), lambda found: len(found) == 1)
    assert left == [f"customresourcedefinition.apiextensions.k8s.io/{CRD}"]
    assert item_path(cluster, work) == "vaults/v/items/db"
    cluster.install("first", namespace)
    assert item_path(cluster, work) == "vaults/v/items/db"
    cluster.uninstall("first", namespace)


def test_without_keep_the_crd_goes_too(cluster: Cluster) -> None:
    namespace = cluster.namespace("home")
    cluster.install("first", namespace, {"crds": {"keep": False}})
    cluster.uninstall("first", namespace)
    eventually(lambda: cluster.left_of("first"), lambda found: found == [])


def test_the_notes_name_what_is_missing_until_it_is_there(cluster: Cluster) -> None:
    namespace = cluster.namespace("home")
    tls = {"trust": {"configMap": "authorities"}, "client": {"secret": "client"}}
    values = {"operator": {"tls": tls, "metrics": {"tls": {"secret": "metrics"}}, "connectHost": "http://elsewhere:8080"}}
    notes = cluster.install("first", namespace, values)
    assert re.findall(r"MISSING: .*?(?:Service|Secret|ConfigMap) (\S+)", notes.replace(".", "")) == [
        "onepassword-token",
        "elsewhere",
        "authorities",
        "client",
        "metrics",
    ]
    command = next(line for line in notes.splitlines() if "create secret generic" in line)
    arguments = command.replace("FILE-WITH-THE-TOKEN", "/dev/null").split()[1:]
    cluster.kubectl(*arguments)
    cluster.kubectl("-n", namespace, "create", "service", "clusterip", "elsewhere", "--tcp=8080")
    cluster.kubectl("-n", namespace, "create", "configmap", "authorities", "--from-literal=tls.crt=x")
    for name in ("client", "metrics"):
        cluster.kubectl("-n", namespace, "create", "secret", "generic", name, "--from-literal=tls.crt=x")
    assert "MISSING" not in cluster.upgrade("first", namespace, values)
    assert "MISSING: the key other" in cluster.upgrade("first", namespace, {"operator": {"token": {"key": "other"}}})
    connect = {"create": True, "applicationName": "other", "tls": {"enabled": True}}
    notes = cluster.upgrade("first", namespace, {"connect": connect})
    assert "MISSING: the Secret op-credentials" in notes
    assert "MISSING: the Secret op-connect-tls" in notes
    assert "--set operator.tls.trust.secret=op-connect-tls" in notes


def test_a_crd_of_the_official_chart_is_left_alone_then_handed_over_by_the_notes_own_commands(cluster: Cluster) -> None:
    """Resources survive each step: install beside it, uninstall, install again, take over, upgrade, uninstall."""
    namespace, work = cluster.namespace("home"), cluster.namespace("work")
    cluster.kubectl("create", "-f", str(OFFICIAL_CRD))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=10s", "crd", CRD)
    item(cluster, work)
    before = crd(cluster)
    cluster.install("first", namespace)
    cluster.uninstall("first", namespace)
    assert (crd(cluster)["metadata"]["uid"], crd(cluster)["spec"]) == (before["metadata"]["uid"], before["spec"])
    notes = cluster.install("first", namespace)
    assert "left as it is" in notes
    assert not crd(cluster)["spec"]["versions"][0].get("additionalPrinterColumns")
    assert "left as it is" in cluster.upgrade("first", namespace)
    commands = [line.split()[1:] for line in notes.splitlines() if line.strip().startswith("kubectl") and "crd" in line]
    assert len(commands) == 2
    for command in commands:
        cluster.kubectl(*command)
    assert "left as it is" not in cluster.upgrade("first", namespace)
    columns = [column["name"] for column in crd(cluster)["spec"]["versions"][0]["additionalPrinterColumns"]]
    assert columns == ["Age", "Ready", "Reason", "Version", "Item", "Secret", "Message"]
    cluster.uninstall("first", namespace)
    assert item_path(cluster, work) == "vaults/v/items/db"


def test_two_releases_in_two_namespaces_live_side_by_side(cluster: Cluster) -> None:
    one, two = cluster.namespace("one"), cluster.namespace("two")
    cluster.install("one", one, {"operator": {"watchNamespace": [one]}})
    assert "left as it is" in cluster.install("two", two, {"operator": {"watchNamespace": [two]}})
    cluster.uninstall("one", one)
    assert crd(cluster)
    cluster.uninstall("two", two)


def test_whoever_may_edit_a_namespace_may_edit_its_resources_and_whoever_may_view_may_read(cluster: Cluster) -> None:
    namespace = cluster.namespace("home")
    cluster.install("first", namespace)
    for role in ("view", "edit", "admin"):
        cluster.kubectl("-n", namespace, "create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}")

    def may(user: str, verb: str) -> bool:
        answer = cluster.kubectl("auth", "can-i", verb, f"{PLURAL}.{GROUP[0]}", "-n", namespace, f"--as={user}", check=False)
        return answer.stdout.strip() == "yes"

    eventually(lambda: [may(role, "create") for role in ("view", "edit", "admin")], lambda seen: seen == [False, True, True])
    eventually(lambda: [may(role, "list") for role in ("view", "edit", "admin")], lambda seen: seen == [True, True, True])
    cluster.uninstall("first", namespace)


def item(cluster: Cluster, namespace: str) -> None:
    body = {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem", "metadata": {"name": "db"}, "spec": {"itemPath": "vaults/v/items/db"}}
    cluster.kubectl("-n", namespace, "create", "-f", "-", given=json.dumps(body))


def item_path(cluster: Cluster, namespace: str) -> str:
    found: dict[str, Any] = cluster.observer.custom.get_namespaced_custom_object(*GROUP, namespace, PLURAL, "db")
    return str(found["spec"]["itemPath"])


def crd(cluster: Cluster) -> Object:
    found: Object = json.loads(cluster.kubectl("get", "crd", CRD, "-o", "json").stdout)
    return found
