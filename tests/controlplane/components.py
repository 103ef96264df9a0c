"""Command lines of etcd, kube-apiserver and kube-controller-manager for a throw-away control plane on loopback.

They are those of a real cluster wherever the operator could notice: RBAC, default admission, priority and fairness, garbage collection,
namespace deletion and the audit log are all on. What is off needs nodes or a cloud.
"""

from dataclasses import dataclass
from pathlib import Path

from controlplane.certificates import KeyPair

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""

CONTROLLERS_WITHOUT_USE = ("nodeipam", "nodelifecycle", "cloud-node-lifecycle", "route", "service-lb-controller")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Ports and files of one control plane."""

    etcd_port: int
    etcd_peer_port: int
    apiserver_port: int
    controllers_port: int
    directory: Path
    ca_file: Path
    serving: KeyPair
    service_accounts: KeyPair
    admission_plugins: tuple[str, ...] = ()
    """Those that are on beside the default ones."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.apiserver_port}"

    @property
    def audit_log(self) -> Path:
        """Where the API server writes one JSON line per answered request."""
        return self.directory / "audit.log"


def etcd(layout: Layout) -> list[str]:
    """Flags of a single-member etcd that never waits for the disk."""
    clients, peers = (f"http://127.0.0.1:{port}" for port in (layout.etcd_port, layout.etcd_peer_port))
    return [
        f"--data-dir={layout.directory / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--socket-reuse-port",
        "--log-level=warn",
    ]


def apiserver(layout: Layout, token_file: Path) -> list[str]:
    """Flags of kube-apiserver; writes the audit policy that they name."""
    policy = layout.directory / "audit-policy.yaml"
    policy.write_text(AUDIT_POLICY)
    return [
        f"--etcd-servers=http://127.0.0.1:{layout.etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={layout.apiserver_port}",
        "--permit-port-sharing",
        f"--tls-cert-file={layout.serving.certificate}",
        f"--tls-private-key-file={layout.serving.key}",
        f"--client-ca-file={layout.ca_file}",
        f"--token-auth-file={token_file}",
        "--authorization-mode=RBAC",
        f"--service-account-issuer={layout.url}",
        f"--service-account-key-file={layout.service_accounts.certificate}",
        f"--service-account-signing-key-file={layout.service_accounts.key}",
        "--service-cluster-ip-range=10.96.0.0/24",
        "--endpoint-reconciler-type=none",
        "--disable-admission-plugins=ServiceAccount",  # it refuses pods until their account exists, and no pod ever runs here
        f"--audit-policy-file={policy}",
        f"--audit-log-path={layout.audit_log}",
        *([f"--enable-admission-plugins={','.join(layout.admission_plugins)}"] if layout.admission_plugins else []),
    ]


def controller_manager(layout: Layout, kubeconfig: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.controllers_port}",
        "--permit-port-sharing",
        f"--tls-cert-file={layout.serving.certificate}",
        f"--tls-private-key-file={layout.serving.key}",
        f"--root-ca-file={layout.ca_file}",
        f"--service-account-private-key-file={layout.service_accounts.key}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        f"--controllers={','.join(['*', *(f'-{name}' for name in CONTROLLERS_WITHOUT_USE)])}",
    ]
