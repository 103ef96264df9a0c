"""The table of workload kinds."""

from pathlib import Path

import pytest
import yaml

from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS, WorkloadKind

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ((), "/apis/apps/v1/deployments"),
        (("team",), "/apis/apps/v1/namespaces/team/deployments"),
        (("team", "api"), "/apis/apps/v1/namespaces/team/deployments/api"),
    ],
)
def test_a_path_leads_to_all_objects_to_those_of_a_namespace_or_to_one(where: tuple[str, ...], path: str) -> None:
    assert DEPLOYMENT.url_path(*where) == path


def test_a_deployment_restarts_by_annotations_of_its_pod_template() -> None:
    assert DEPLOYMENT.restart_patch({"a": "b"}) == {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_role_of_the_operator_covers_every_kind(kind: WorkloadKind) -> None:
    documents = [found for path in sorted(DEPLOY.glob("*.yaml")) for found in yaml.safe_load_all(path.read_text()) if found]
    rules = [rule for found in documents if found["kind"] == "ClusterRole" for rule in found["rules"]]
    [verbs] = [rule["verbs"] for rule in rules if rule["apiGroups"] == [kind.group] and kind.plural in rule["resources"]]
    assert {"get", "list", "watch", "patch"} <= set(verbs)
