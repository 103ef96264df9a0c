"""The table of workload kinds."""

import pytest

from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS


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


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_pods_restart_by_annotations_of_their_template(kind: str) -> None:
    patch = KINDS[kind].restart_patch({"a": "b"}, time="now")
    assert patch == {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}


def test_a_rollout_restarts_at_a_time_and_keeps_its_pod_template() -> None:
    patch = KINDS["Rollout"].restart_patch({"a": "b"}, time="now")
    assert patch == {"metadata": {"annotations": {"a": "b"}}, "spec": {"restartAt": "now"}}
