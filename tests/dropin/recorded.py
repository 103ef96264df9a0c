"""The recorded states: objects as the official operator left them, in `states/`, and how they come to life again.

A file holds Kubernetes objects without what differs from cluster to cluster: uids, versions, times, the status of Deployments, defaults.
A namespace reads NAMESPACE, a time reads as `A_TIME`; a `deletionTimestamp` says that the object was being deleted.
"""

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

STATES = Path(__file__).with_name("states")
A_TIME = "2026-01-02T03:04:05Z"

ITEM_PATH = "operator.1password.io/item-path"
ITEM_NAME = "operator.1password.io/item-name"
ITEM_VERSION = "operator.1password.io/item-version"
LAST_RESTARTED = "operator.1password.io/last-restarted"

Object = dict[str, Any]

KEPT_METADATA = ("name", "labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp")
DEFAULTS_OF_A_DEPLOYMENT = ("progressDeadlineSeconds", "revisionHistoryLimit", "strategy")
DEFAULTS_OF_PODS = ("dnsPolicy", "restartPolicy", "schedulerName", "securityContext", "terminationGracePeriodSeconds")
DEFAULTS_OF_CONTAINERS = ("imagePullPolicy", "resources", "terminationMessagePath", "terminationMessagePolicy")


def names() -> list[str]:
    return sorted(path.stem for path in STATES.glob("0*.yaml"))


def specs(*wanted: str) -> list[Object]:
    """What the user applied, by name."""
    return [found for found in load(STATES / "specs.yaml") if found["metadata"]["name"] in wanted]


def state(name: str) -> list[Object]:
    return load(STATES / f"{name}.yaml")


def load(path: Path) -> list[Object]:
    return list(yaml.safe_load_all(path.read_text()))


def save(name: str, title: str, objects: Iterable[Object]) -> None:
    (STATES / f"{name}.yaml").write_text(f"# {title}\n" + yaml.safe_dump_all(objects, sort_keys=False, width=140))


def trimmed(found: Mapping[str, Any], namespace: str) -> Object:
    """What is recorded of an object that the API server shows."""
    kept: Object = json.loads(json.dumps(found).replace(namespace, "NAMESPACE"))
    metadata = {key: kept["metadata"][key] for key in KEPT_METADATA if kept["metadata"].get(key)}
    metadata.get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    metadata["ownerReferences"] = [{k: v for k, v in owner.items() if k != "uid"} for owner in metadata.get("ownerReferences", ())]
    if "deletionTimestamp" in metadata:
        metadata["deletionTimestamp"] = A_TIME
    kept["metadata"] = {key: value for key, value in metadata.items() if value}
    if kept["kind"] == "Deployment":
        trim_deployment(kept)
    for condition in kept.get("status", {}).get("conditions", ()):
        condition["lastTransitionTime"] = A_TIME
    order = ("apiVersion", "kind", "metadata", "type", "spec", "data", "status")
    return {key: kept[key] for key in order if key in kept}


def trim_deployment(found: Object) -> None:
    """Take out what every Deployment has, and what the cluster says about this one."""
    found.pop("status", None)
    template = found["spec"]["template"]
    template["metadata"].pop("creationTimestamp", None)
    if LAST_RESTARTED in (template["metadata"].get("annotations") or {}):
        template["metadata"]["annotations"][LAST_RESTARTED] = A_TIME
    for level, defaults in (
        (found["spec"], DEFAULTS_OF_A_DEPLOYMENT),
        (template["spec"], DEFAULTS_OF_PODS),
        *((container, DEFAULTS_OF_CONTAINERS) for container in template["spec"]["containers"]),
    ):
        for name in defaults:
            level.pop(name, None)


def seed_of(objects: Sequence[Mapping[str, Any]]) -> Object:
    """What 1Password held at that moment: every item at the version that the Secrets say they have."""
    versions = {
        annotations[ITEM_PATH]: int(annotations[ITEM_VERSION])
        for annotations in (found["metadata"].get("annotations", {}) for found in objects if found["kind"] == "Secret")
    }
    [seed] = load(STATES / "seed.yaml")
    for vault in seed["vaults"]:
        for item in vault["items"]:
            item["version"] = versions.get(f"vaults/{vault['id']}/items/{item['id']}", 1)
            item["fields"]["password"] = password(item["fields"]["password"], item["version"])
    return dict(seed)


def password(of_any_version: str, version: int) -> str:
    """The password that an item has in this version; the recording edits nothing else."""
    return f"{of_any_version.rpartition('-')[0]}-{version}"


def before_1_4_0(objects: Iterable[Object]) -> list[Object]:
    """The objects as releases before 1.4.0 left them: their Secrets have no owner."""
    old = copy.deepcopy(list(objects))
    for found in old:
        found["metadata"].pop("ownerReferences", None)
    return old
