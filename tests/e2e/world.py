"""What the end-to-end tests touch: the embedded Connect server as a pod, releases of the chart, and workloads that read Secrets."""

import base64
import json
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from e2e.images import OPERATOR
from e2e.kind_cluster import KindCluster
from e2e.steps import StepError
from harness.paths import REPOSITORY
from harness.waiting import eventually

CHART = REPOSITORY / "charts" / "onepassword-operator"
CONNECT_NAMESPACE = "connect"
CONNECT_URL = f"http://onepassword-connect.{CONNECT_NAMESPACE}:8080"
ITEMS = "onepassworditems.onepassword.com"
SEED: dict[str, Any] = {
    "vaults": [
        {
            "name": "Shop",
            "items": [
                {"title": name, "fields": {"username": "shop", "password": f"{name}-canary-1 ü"}}
                for name in ("database", "rotated", "plain", "official", "readme", "upgraded", "standby")
            ],
        }
    ]
}
RESTRICTED: dict[str, Any] = {
    "pod": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
    "container": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
}
PYTHON = "/opt/onepassword-operator/bin/python"


def pod_spec(arguments: list[str], **container: Any) -> dict[str, Any]:
    main = {"name": "main", "image": OPERATOR, "command": [PYTHON, "-c"], "args": arguments, "securityContext": RESTRICTED["container"]}
    return {
        "securityContext": RESTRICTED["pod"],
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [main | container],
    }


class Connect:
    """The embedded server in the cluster; its admin port is reached through the API server."""

    def __init__(self, cluster: KindCluster) -> None:
        self._cluster = cluster
        self.token = ""

    def start(self) -> None:
        """Deploy it and take its token from its first line."""
        labels = {"app": "onepassword-connect"}
        listen = ["--listen", "0.0.0.0:8080", "--admin", "0.0.0.0:8090", "--seed", "/seed/seed.yaml"]
        container = {"image": OPERATOR, "command": ["/manager", "dev-connect"], "ports": [{"name": "api", "containerPort": 8080}]}
        spec = pod_spec(listen, **container, volumeMounts=[{"name": "seed", "mountPath": "/seed"}])
        spec["volumes"] = [{"name": "seed", "configMap": {"name": "seed"}}]
        template = {"metadata": {"labels": labels}, "spec": spec}
        ports = [{"name": "api", "port": 8080}, {"name": "admin", "port": 8090}]
        self._cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONNECT_NAMESPACE}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seed"}, "data": {"seed.yaml": yaml.safe_dump(SEED)}},
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "onepassword-connect"},
                "spec": {"selector": labels, "ports": ports},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "onepassword-connect"},
                # Of a cluster that is used again, the former server's log would give a token that is none any more.
                "spec": {"selector": {"matchLabels": labels}, "template": template, "strategy": {"type": "Recreate"}},
            },
            namespace=CONNECT_NAMESPACE,
        )
        self._cluster.kubectl("-n", CONNECT_NAMESPACE, "rollout", "status", "deployment/onepassword-connect", "--timeout=180s")
        log = eventually(
            lambda: self._cluster.kubectl("-n", CONNECT_NAMESPACE, "logs", "deployment/onepassword-connect"),
            what="its log",
            not_yet=StepError,
        )
        self.token = json.loads(log.splitlines()[0])["token"]

    def edit(self, item: str, **fields: str) -> None:
        service = f"/api/v1/namespaces/{CONNECT_NAMESPACE}/services/onepassword-connect:admin/proxy/vaults/Shop/items/{item}"
        self._cluster.kubectl("create", "--raw", service, "-f", "-", given=json.dumps({"fields": fields}))


class Home:
    """A namespace with an installed operator, or with a user's work."""

    def __init__(self, cluster: KindCluster, connect: Connect, namespace: str) -> None:
        self.cluster, self.connect, self.namespace = cluster, connect, namespace

    def create(self) -> None:
        """Make the namespace; only restricted pods run in it."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels}})

    def token_secret(self, name: str = "onepassword-token") -> None:
        """The Secret with the Connect token, as an administrator makes it."""
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"token": self.connect.token}}
        self.cluster.apply(body, namespace=self.namespace)

    def install(self, release: str, *options: str, chart: str = str(CHART), verb: str = "install") -> str:
        image, _, tag = OPERATOR.partition(":")
        values = [f"operator.imageRepository={image}", f"operator.version={tag}", "operator.pollingInterval=2"]
        values.append(f"operator.connectHost={CONNECT_URL}")
        settings = [part for value in values for part in ("--set", value)]
        done = self.cluster.helm(verb, release, chart, "-n", self.namespace, "--wait", "--timeout=180s", *settings, *options)
        return done.stdout

    def uninstall(self, release: str) -> None:
        self.cluster.helm("uninstall", release, "-n", self.namespace, "--wait", "--timeout=120s")

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        return self.cluster.kubectl("-n", self.namespace, *arguments, given=given)

    def item(self, name: str) -> None:
        body = {"apiVersion": "onepassword.com/v1", "kind": "OnePasswordItem", "metadata": {"name": name}}
        self.cluster.apply(body | {"spec": {"itemPath": f"vaults/Shop/items/{name}"}}, namespace=self.namespace)

    def data(self, name: str) -> dict[str, str]:
        """The Secret's data, decoded; empty while there is none."""
        if not self.cluster.exists("-n", self.namespace, "secret", name):
            return {}
        found = self.cluster.get("-n", self.namespace, "secret", name).get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in found.items()}

    def wait_password(self, name: str, password: str) -> None:
        eventually(lambda: self.data(name).get("password"), lambda seen: seen == password, what=f"password of {name}", not_yet=StepError)

    def wait_ready(self, name: str) -> None:
        self.kubectl("wait", f"{ITEMS}/{name}", "--for=condition=Ready", "--timeout=120s")

    def reader(self, name: str, secret: str, *, kind: str = "Deployment") -> None:
        """A workload that asks for restarts, and prints what it has by volume and by variable, and then stays, unless it is a CronJob."""
        program = "import base64, os, time; b = lambda v: base64.b64encode(v).decode()\n"
        program += "print('mounted', b(open('/secret/password', 'rb').read()), 'variable', b(os.environb[b'PASSWORD']), flush=True)\n"
        program += "" if kind == "CronJob" else "time.sleep(100000)"
        variable = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": secret, "key": "password"}}}
        spec = pod_spec([program], env=[variable], volumeMounts=[{"name": "secret", "mountPath": "/secret"}])
        spec["volumes"] = [{"name": "secret", "secret": {"secretName": secret}}]
        metadata = {"name": name, "annotations": {"operator.1password.io/auto-restart": "true"}}
        template = {"metadata": {"labels": {"app": name}}, "spec": spec}
        selected: dict[str, Any] = {"selector": {"matchLabels": {"app": name}}, "template": template}
        specs: dict[str, dict[str, Any]] = {
            "Deployment": selected | {"replicas": 2},
            "StatefulSet": selected | {"replicas": 2, "serviceName": name},
            "DaemonSet": selected,
            "CronJob": {"schedule": "0 0 30 2 *", "jobTemplate": {"spec": {"template": template}}},
        }
        if kind == "CronJob":
            spec["restartPolicy"] = "Never"
        group = "batch/v1" if kind == "CronJob" else "apps/v1"
        self.cluster.apply({"apiVersion": group, "kind": kind, "metadata": metadata, "spec": specs[kind]}, namespace=self.namespace)
        if kind != "CronJob":
            self.rolled_out(name, kind=kind)

    def rolled_out(self, name: str, *, kind: str = "Deployment") -> None:
        """Return when the workload's pods are those of its newest template."""
        self.kubectl("rollout", "status", f"{kind.lower()}/{name}", "--timeout=180s")

    def run_now(self, cron_job: str, name: str) -> None:
        """Start a CronJob's next run, and return when it has ended."""
        self.kubectl("create", "job", name, f"--from=cronjob/{cron_job}")
        self.kubectl("wait", f"job/{name}", "--for=condition=Complete", "--timeout=120s")

    def pods(self, selector: str) -> dict[str, Mapping[str, Any]]:
        listed = self.cluster.get("-n", self.namespace, "pods", "-l", selector)["items"]
        return {each["metadata"]["uid"]: each for each in listed if "deletionTimestamp" not in each["metadata"]}

    def what_pods_read(self, deployment: str) -> set[tuple[str, str]]:
        """(by volume, by variable), of every living pod."""
        read = set()
        for pod in self.pods(f"app={deployment}").values():
            log = self.kubectl("logs", pod["metadata"]["name"])
            words = shlex.split(log)
            read.add((base64.b64decode(words[1]).decode(), base64.b64decode(words[3]).decode()) if len(words) == 4 else ("", ""))
        return read

    def delete(self) -> None:
        """Delete the namespace and wait until it is gone: a finalizer would hold it up."""
        self.cluster.kubectl("delete", "namespace", self.namespace, "--wait=true", "--timeout=120s")
