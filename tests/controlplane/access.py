"""Who may talk to the local API server, and the kubeconfigs they do it with.

Anybody gets a client certificate on demand. Bearer tokens exist for the users below only, because the API server reads its token file
once, at start. Tokens are what a proxy between client and API server can pass on.
"""

import csv
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from controlplane.certificates import Authority
from controlplane.errors import ControlPlaneError

ADMIN = "admin"
OPERATOR = "system:serviceaccount:onepassword-operator:onepassword-operator"
SPARES = tuple(f"spare-{number}" for number in range(1, 9))
SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):[^:]+")


def groups_of(user: str) -> tuple[str, ...]:
    """The groups that a user has by its name alone."""
    if user == ADMIN:
        return ("system:masters",)
    if found := SERVICE_ACCOUNT.fullmatch(user):
        return ("system:serviceaccounts", f"system:serviceaccounts:{found['namespace']}")
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An API server as a client sees it."""

    url: str
    ca_file: Path


class Access:
    """Tokens and client certificates of one control plane, and the kubeconfig files made of them."""

    def __init__(self, directory: Path, authority: Authority) -> None:
        self._directory = directory
        self._authority = authority
        self._tokens: Mapping[str, str] = {user: secrets.token_hex(16) for user in (ADMIN, OPERATOR, *SPARES)}
        self.token_file = directory / "tokens.csv"
        self.token_file.touch(mode=0o600)
        with self.token_file.open("w", newline="") as file:
            csv.writer(file).writerows((token, user, user, ",".join(groups_of(user))) for user, token in self._tokens.items())

    def with_certificate(self, server: Server, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with a client certificate for any user; no groups given means those of the user's name."""
        chosen = tuple(groups) or groups_of(user)
        name = file_name(user, *chosen)
        pair = self._authority.client(name, user, chosen)
        return self._write(server, name, {"client-certificate": str(pair.certificate), "client-key": str(pair.key)})

    def with_token(self, server: Server, user: str) -> Path:
        """A kubeconfig with a bearer token for one of the users that have one."""
        if user not in self._tokens:
            raise ControlPlaneError(f"{user!r} has no token, and only tokens pass a proxy; users with a token: {', '.join(self._tokens)}")
        return self._write(server, file_name(user, server.url), {"token": self._tokens[user]})

    def _write(self, server: Server, name: str, credentials: Mapping[str, str]) -> Path:
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "local",
            "clusters": [{"name": "local", "cluster": {"server": server.url, "certificate-authority": str(server.ca_file)}}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
            "users": [{"name": "local", "user": dict(credentials)}],
        }
        path = self._directory / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path


def file_name(*parts: str) -> str:
    """A file name that tells a person the first part and is unique for all of them."""
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', parts[0])}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"
