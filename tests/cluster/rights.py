"""Roles that grant less than the deployed one: what older installations and strict clusters have."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import kubernetes
import yaml

from controlplane.fixtures import Observer
from harness.paths import REPOSITORY
from onepassword_operator.model.workload_kind import WorkloadKind


def _deployed_role(name: str) -> Any:
    documents = yaml.safe_load_all((REPOSITORY / "deploy" / "rbac.yaml").read_text())
    return next(document for document in documents if document["kind"] == "ClusterRole") | {"metadata": {"name": name}}


@contextlib.contextmanager
def deployed_role_without(observer: Observer, *, resource: str, verbs: set[str], user: str) -> Iterator[None]:
    """Grant `user` the deployed cluster role less some verbs on a resource."""
    role = _deployed_role(user)
    for rule in role["rules"]:
        if rule["resources"] == [resource]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb not in verbs]
    group = "rbac.authorization.k8s.io"
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": user}
    binding: Any = {"metadata": {"name": user}, "roleRef": reference, "subjects": [{"apiGroup": group, "kind": "User", "name": user}]}
    rbac = kubernetes.client.RbacAuthorizationV1Api(observer.api)
    rbac.create_cluster_role(role)
    rbac.create_cluster_role_binding(binding)
    try:
        yield
    finally:
        rbac.delete_cluster_role_binding(user)
        rbac.delete_cluster_role(user)


class Grants:
    """RoleBindings of one user to a ClusterRole, by namespace."""

    def __init__(self, observer: Observer, user: str) -> None:
        self._rbac, self._user = observer.rbac, user

    def give(self, namespace: str) -> None:
        group = "rbac.authorization.k8s.io"
        reference = {"apiGroup": group, "kind": "ClusterRole", "name": self._user}
        subject = {"apiGroup": group, "kind": "User", "name": self._user}
        binding: Any = {"metadata": {"name": self._user}, "roleRef": reference, "subjects": [subject]}
        self._rbac.create_namespaced_role_binding(namespace, binding)

    def take(self, namespace: str) -> None:
        self._rbac.delete_namespaced_role_binding(self._user, namespace)


@contextlib.contextmanager
def deployed_role_by_namespace(observer: Observer, *, user: str) -> Iterator[Grants]:
    """The deployed cluster role, for `user` in the namespaces that it is granted."""
    role = _deployed_role(user)
    observer.rbac.create_cluster_role(role)
    try:
        yield Grants(observer, user)
    finally:
        observer.rbac.delete_cluster_role(user)


@contextlib.contextmanager
def granted_kinds(observer: Observer, kinds: Iterable[WorkloadKind], *, user: str, without: str = "") -> Iterator[None]:
    """Grant `user` what the operator needs of kinds of workloads, less a verb, beside the deployed role."""
    name = f"{user}-kinds"
    needed = {row: {"get", "list", "watch"} | ({"patch"} if row.restarts else set()) for row in kinds}
    rules = [{"apiGroups": [row.group], "resources": [row.plural], "verbs": sorted(verbs - {without})} for row, verbs in needed.items()]
    group = "rbac.authorization.k8s.io"
    binding: Any = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    observer.rbac.create_cluster_role({"metadata": {"name": name}, "rules": rules})
    observer.rbac.create_cluster_role_binding(binding)
    try:
        yield
    finally:
        observer.rbac.delete_cluster_role_binding(name)
        observer.rbac.delete_cluster_role(name)
