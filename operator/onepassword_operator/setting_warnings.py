"""What is accepted for the sake of manifests that say it, and has not the effect it has elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

IGNORED: Final = ("OSDK_FORCE_RUN_MODE", "OPERATOR_NAME", "POD_NAME")
"""Variables that manifests for the official operator set, and that mean nothing here."""

WITHOUT_EFFECT: Final[Mapping[str, str]] = {
    "enable_http2": "--enable-http2 is accepted, but has no effect: /metrics is HTTP/1.1",
    "manage_connect": (
        "MANAGE_CONNECT is true, but this operator does not deploy Connect, and goes on with the one at OP_CONNECT_HOST; to deploy one: "
        "helm repo add 1password https://1password.github.io/connect-helm-charts ; "
        "helm install connect 1password/connect --set-file connect.credentials=1password-credentials.json"
    ),
}
"""Settings by name, and what the log says if they are on."""
