"""What the chart makes of its values."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from chart.rendering import (
    CHART,
    EVERYTHING,
    INSTALLATIONS,
    NAMESPACE,
    container,
    environment,
    helm,
    kinds,
    merged,
    nested,
    pick,
    pod,
    render,
)
from harness.paths import REPOSITORY
from onepassword_operator import cli
from onepassword_operator.settings import schema as settings
from release import manifests

RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
OPERATOR = "release-onepassword-operator"


def operator(values: dict[str, Any] | None = None) -> dict[str, Any]:
    return pick(render(values), "Deployment", OPERATOR)


def test_the_defaults_make_these_objects() -> None:
    assert kinds(render()) == [
        *("ClusterRole", "ClusterRole", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Deployment"),
        *("Pod", "Role", "RoleBinding", "Service", "ServiceAccount"),
    ]


def test_chart_and_package_have_one_version() -> None:
    chart = (CHART / "Chart.yaml").read_text()
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^(?:version|appVersion): (.*)$", chart, re.MULTILINE) == [version, version]


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_every_pod_is_restricted(name: str) -> None:
    objects = render(INSTALLATIONS[name])
    specs = [pod(each) for each in objects if each["kind"] == "Deployment"] + [each["spec"] for each in objects if each["kind"] == "Pod"]
    assert specs
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert all(each["securityContext"] == RESTRICTED for each in spec["containers"])
        assert all({"cpu", "memory"} <= each["resources"]["limits"].keys() for each in spec["containers"])


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_every_namespaced_object_says_its_namespace_and_every_object_its_chart(name: str) -> None:
    for each in render(INSTALLATIONS[name]):
        cluster_wide = each["kind"].startswith("Cluster") or each["kind"] == "CustomResourceDefinition"
        assert ("namespace" in each["metadata"]) is not cluster_wide, each["metadata"]
        assert each["metadata"]["labels"]["helm.sh/chart"].startswith("onepassword-operator-")


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_selectors_select_the_pods_they_mean_and_no_others(name: str) -> None:
    objects = render(INSTALLATIONS[name])
    pods = {each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"] for each in objects if each["kind"] == "Deployment"}
    pods |= {each["metadata"]["name"]: each["metadata"]["labels"] for each in objects if each["kind"] == "Pod"}
    for each in objects:
        spec = each.get("spec", {})
        match each["kind"]:
            case "Service":
                wanted = spec["selector"]
            case "PodDisruptionBudget" | "Deployment":
                wanted = spec["selector"]["matchLabels"]
            case "NetworkPolicy":
                wanted = spec["podSelector"]["matchLabels"]
            case _:
                continue
        assert len([found for found, labels in pods.items() if wanted.items() <= labels.items()]) == 1, each["metadata"]["name"]


def test_every_flag_and_variable_is_one_that_the_operator_knows() -> None:
    deployment = operator(merged(EVERYTHING, {"operator": {"enableAnnotations": True, "allowEmptyValues": True}}))
    known = cli.known_flags()
    given = {argument.removeprefix("--").partition("=")[0] for argument in container(deployment)["args"]}
    assert given - set(known.booleans) - set(known.valued) == set()
    variables = set(settings.variable_names().values())
    assert set(environment(deployment)) - variables == set()


def test_the_token_is_a_file_of_the_named_secret_and_no_variable() -> None:
    deployment = operator({"operator": {"token": {"name": "mine", "key": "credential"}}})
    mount = next(each for each in container(deployment)["volumeMounts"] if each["name"] == "token")
    volume = next(each for each in pod(deployment)["volumes"] if each["name"] == "token")
    assert volume["secret"] == {"secretName": "mine", "defaultMode": 0o440, "items": [{"key": "credential", "path": "credential"}]}
    assert environment(deployment)["OP_CONNECT_TOKEN_FILE"] == f"{mount['mountPath']}/credential"
    assert "OP_CONNECT_TOKEN" not in environment(deployment)


def test_a_token_in_the_values_makes_its_secret_and_stands_nowhere_else() -> None:
    objects = render({"operator": {"token": {"name": "mine", "value": "canary-token"}}})
    secret = pick(objects, "Secret")
    assert (secret["metadata"]["name"], secret["stringData"]) == ("mine", {"token": "canary-token"})
    assert "canary-token" not in str([each for each in objects if each is not secret])
    assert "Secret" not in kinds(render())


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "http://onepassword-connect:8080"),
        ({"connect": {"host": "connect.other", "api": {"httpPort": 80}}}, "http://connect.other:80"),
        ({"connect": {"create": True, "applicationName": "mine"}}, "http://mine:8080"),
        ({"connect": {"create": True, "applicationName": "mine", "host": "mine.home.svc"}}, "http://mine.home.svc:8080"),
        ({"connect": {"tls": {"enabled": True}}}, "https://onepassword-connect:8443"),
        ({"operator": {"connectHost": "https://connect.example.com"}, "connect": {"create": True}}, "https://connect.example.com"),
    ],
)
def test_the_url_of_connect(values: dict[str, Any], url: str) -> None:
    assert environment(operator(values))["OP_CONNECT_HOST"] == url


def test_a_private_authority_is_mounted_and_trusted() -> None:
    for kind in ("secret", "configMap"):
        deployment = operator({"operator": {"tls": {"trust": {kind: "authorities", "key": "ca.pem"}}}})
        assert environment(deployment)["SSL_CERT_FILE"] == "/tls/trust/ca.pem"
        assert {"name": "trust", "mountPath": "/tls/trust", "readOnly": True} in container(deployment)["volumeMounts"]
        assert kind in next(each for each in pod(deployment)["volumes"] if each["name"] == "trust")


def test_without_an_election_the_old_pod_goes_before_the_new_one_comes() -> None:
    assert operator()["spec"]["strategy"]["type"] == "RollingUpdate"
    assert operator({"operator": {"leaderElection": {"enabled": False}}})["spec"]["strategy"] == {"type": "Recreate"}


def test_new_credentials_in_the_values_make_new_pods_of_connect() -> None:
    def annotations(**connect: Any) -> dict[str, str]:
        deployment = pick(render({"connect": {"create": True, **connect}}), "Deployment", "onepassword-connect")
        found: dict[str, str] = deployment["spec"]["template"]["metadata"].get("annotations", {})
        return found

    one, two = annotations(credentials_base64="e30="), annotations(credentials_base64="e30K", podAnnotations={"a": "b"})
    assert one.keys() == {"checksum/credentials"}
    assert two.keys() == {"checksum/credentials", "a"}
    assert one["checksum/credentials"] != two["checksum/credentials"]
    assert annotations() == {}


def test_a_name_too_long_for_a_service_is_cut_before_its_ending() -> None:
    objects = render({"fullnameOverride": "n" * 70})
    name = pick(objects, "Service")["metadata"]["name"]
    assert (len(name), name[-9:]) == (63, "n-metrics")
    assert f"http://{name}:8080/metrics" in pick(objects, "Pod")["spec"]["containers"][0]["args"][0]


def test_names_that_are_numbers_stay_text() -> None:
    values = merged(EVERYTHING, {"operator": {"watchNamespace": ["789"]}})
    done = helm("template", "123", str(CHART), "--namespace", "456", values=values)
    assert done.returncode == 0, done.stderr
    for each in filter(None, yaml.safe_load_all(done.stdout)):
        assert each["metadata"]["labels"]["app.kubernetes.io/instance"] == "123"
        assert each["metadata"].get("namespace", "456") in {"456", "789"}


@pytest.mark.parametrize(
    ("budget", "rendered"),
    [
        ({}, {"maxUnavailable": 1}),
        ({"minAvailable": None, "maxUnavailable": None}, {"maxUnavailable": 1}),
        ({"minAvailable": 2}, {"minAvailable": 2}),
        ({"minAvailable": "50%"}, {"minAvailable": "50%"}),
        ({"maxUnavailable": "34%"}, {"maxUnavailable": "34%"}),
    ],
)
def test_the_disruption_budget_says_one_of_two_numbers(budget: dict[str, Any], rendered: dict[str, Any]) -> None:
    spec = pick(render({"operator": {"replicas": 3, "pdb": {"enabled": True, **budget}}}), "PodDisruptionBudget")["spec"]
    assert {key: value for key, value in spec.items() if key != "selector"} == rendered


# --- rights ---


def secret_verbs(values: dict[str, Any]) -> list[str]:
    rules = pick(render(values), "ClusterRole", OPERATOR)["rules"]
    verbs: list[str] = next(rule["verbs"] for rule in rules if "secrets" in rule["resources"])
    return verbs


def test_listed_namespaces_are_granted_one_by_one_and_nothing_cluster_wide() -> None:
    objects = render({"operator": {"watchNamespace": ["team-a", "{{ .Release.Namespace }}", "team-a"]}})
    bindings = [each for each in objects if each["kind"] == "RoleBinding" and each["roleRef"]["kind"] == "ClusterRole"]
    assert sorted(each["metadata"]["namespace"] for each in bindings) == [NAMESPACE, "team-a"]
    assert "ClusterRoleBinding" not in kinds(objects)
    assert environment(pick(objects, "Deployment"))["WATCH_NAMESPACE"] == f"team-a,{NAMESPACE}"


def test_where_owner_references_are_enforced_secrets_may_be_deleted_if_asked_for() -> None:
    assert secret_verbs({"operator": {"ownerReferencesEnforced": True}}) == [*secret_verbs({}), "delete"]


def test_the_lease_is_in_the_releases_namespace_and_goes_with_the_election() -> None:
    role = pick(render(), "Role")
    assert role["metadata"]["namespace"] == NAMESPACE
    assert {rule.get("resourceNames", [""])[0]: rule["verbs"] for rule in role["rules"]} == {
        "": ["create"],
        "c26807fd.onepassword.com": ["get", "update"],
    }
    assert {"--leader-elect", "--leader-election-id=c26807fd.onepassword.com"} <= {*container(operator())["args"]}
    named = render({"operator": {"leaderElection": {"id": "team-b"}}})
    assert pick(named, "Role")["rules"][1]["resourceNames"] == ["team-b"]
    assert "--leader-election-id=team-b" in container(pick(named, "Deployment"))["args"]
    off = render({"operator": {"leaderElection": {"enabled": False}}})
    assert "Role" not in kinds(off)
    assert "--leader-elect" not in container(pick(off, "Deployment"))["args"]


def test_the_built_in_roles_of_users_take_in_the_resource() -> None:
    labels = [label for each in render() if each["kind"] == "ClusterRole" for label in each["metadata"]["labels"] if "aggregate" in label]
    assert sorted(label.rpartition("-")[2] for label in labels) == ["admin", "edit", "view"]


# --- the CRD ---


def test_the_crd_is_kept_on_uninstall_unless_told_otherwise() -> None:
    keep = "helm.sh/resource-policy"
    assert pick(render(), "CustomResourceDefinition")["metadata"]["annotations"][keep] == "keep"
    assert keep not in str(pick(render(nested("crds.keep", value=False)), "CustomResourceDefinition")["metadata"])
    assert "CustomResourceDefinition" not in kinds(render(nested("crds.create", value=False)))


# --- the plain manifests ---


def test_the_plain_manifests_are_those_of_the_chart() -> None:
    stale = [path for path, text in manifests.manifests().items() if (REPOSITORY / path).read_text() != text]
    assert stale == [], "run `make manifests`"
    kept = {f"{folder}/{path.name}" for folder in ("crds", "deploy") for path in (REPOSITORY / folder).iterdir()}
    assert kept == manifests.manifests().keys()


def test_the_namespace_is_in_the_file_that_is_applied_first() -> None:
    """kubectl takes the files of a folder by name."""
    first = min((REPOSITORY / "deploy").iterdir())
    assert "kind: Namespace" in first.read_text()
