"""Roles that grant less than the deployed one: what older installations and strict clusters have."""

import contextlib
from collections.abc import Iterator
from typing import Any

import kubernetes
import yaml

from controlplane.fixtures import Observer
from harness.paths import REPOSITORY


@contextlib.contextmanager
def deployed_role_without(observer: Observer, *, resource: str, verbs: set[str], user: str) -> Iterator[None]:
    """Grant `user` the deployed cluster role less some verbs on a resource."""
    documents = list(yaml.safe_load_all((REPOSITORY / "deploy" / "rbac.yaml").read_text()))
    role = next(document for document in documents if document["kind"] == "ClusterRole")
    for rule in role["rules"]:
        if rule["resources"] == [resource]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb not in verbs]
    role["metadata"] = {"name": user}
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
