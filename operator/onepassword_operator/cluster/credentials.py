"""Address and credentials of the API server: the pod's service account, or a kubeconfig."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import logging
import os
import pathlib
import ssl
import tempfile
import time
from collections.abc import Mapping
from typing import Any, Final

import yaml

from onepassword_operator.net.tls import client_tls

SERVICE_ACCOUNT: Final = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TOKEN_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class KubeconfigError(Exception):
    """No cluster can be reached with what is configured."""


class TokenFile:
    """A bearer token in a file that the kubelet rewrites about hourly; read again once a minute."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._token = ""
        self._read_at = -_TOKEN_SECONDS

    def __call__(self) -> str:
        """Return the current token; the last good one while the file can't be read."""
        if time.monotonic() - self._read_at > _TOKEN_SECONDS:
            try:
                self._token = self._path.read_text().strip()
            except OSError:
                if not self._token:
                    raise
            self._read_at = time.monotonic()
        return self._token


class AuthorityFile:
    """The cluster's certificate authority in a file; looked at once a minute.

    New certificates in it are trusted from then on; those that are gone still are until a restart.
    """

    def __init__(self, path: pathlib.Path, context: ssl.SSLContext) -> None:
        self._path = path
        self._context = context
        self._checked_at = time.monotonic()
        self._text = path.read_text()

    def check(self) -> None:
        """Trust what the file holds by now; if that is unusable, what it held before."""
        if time.monotonic() - self._checked_at <= _TOKEN_SECONDS:
            return
        self._checked_at = time.monotonic()
        with contextlib.suppress(OSError, UnicodeError, ssl.SSLError):
            text = self._path.read_text()
            if text.strip() and text != self._text:
                self._context.load_verify_locations(cadata=text)
                self._text = text
                _log.info("the cluster's certificate authority has been read again")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FixedToken:
    """A bearer token that never changes."""

    token: str = dataclasses.field(repr=False)

    def __call__(self) -> str:
        """Return the token."""
        return self.token


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """An API server's URL, TLS context and bearer token."""

    server: str
    ssl_context: ssl.SSLContext | None
    token: TokenFile | FixedToken | None
    authority: AuthorityFile | None = None
    """None if the authority is not in a file."""
    namespace: str = ""
    """The kubeconfig context's; empty if it names none, and in a pod."""


def load(kubeconfig: str | None, environment: Mapping[str, str]) -> ClusterAccess:
    """Find the access: the named kubeconfig, else the service account, else `~/.kube/config`.

    Raises:
        KubeconfigError: nothing usable was found; the message names the places that were
            tried.
    """
    roots = environment.get("SSL_CERT_DIR", "")
    if kubeconfig:
        return _from_kubeconfig(pathlib.Path(kubeconfig), roots)
    host = environment.get("KUBERNETES_SERVICE_HOST")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    if host and (SERVICE_ACCOUNT / "token").exists():
        bracketed = f"[{host}]" if ":" in host else host
        authority = SERVICE_ACCOUNT / "ca.crt"
        context = client_tls(authority.read_text())
        return ClusterAccess(
            server=f"https://{bracketed}:{port}",
            ssl_context=context,
            token=TokenFile(SERVICE_ACCOUNT / "token"),
            authority=AuthorityFile(authority, context),
        )
    default = pathlib.Path(environment.get("HOME") or str(pathlib.Path.home())) / ".kube" / "config"
    if default.exists():
        return _from_kubeconfig(default, roots)
    raise KubeconfigError(
        f"no cluster to talk to: not in a pod (no {SERVICE_ACCOUNT}/token), "
        f"KUBECONFIG is not set, and {default} does not exist; "
        "set KUBECONFIG to a kubeconfig file"
    )


def _from_kubeconfig(path: pathlib.Path, roots: str) -> ClusterAccess:
    try:
        config = yaml.safe_load(path.read_text())
        context = _named(config, "contexts", name=config.get("current-context"))["context"]
        cluster = _named(config, "clusters", name=context["cluster"])["cluster"]
        user = _named(config, "users", name=context["user"])["user"] or {}
        server = cluster["server"].rstrip("/")
    except FileNotFoundError:
        raise KubeconfigError(
            f"kubeconfig {path} does not exist; set --kubeconfig or KUBECONFIG to one file that "
            "does, or neither"
        ) from None
    except OSError as error:
        raise KubeconfigError(f"kubeconfig {path} can't be read: {error.strerror}") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise KubeconfigError(
            f"kubeconfig {path} can't be used: "
            "it needs a current-context that names a cluster and a user"
        ) from None
    if "exec" in user or "auth-provider" in user:
        raise KubeconfigError(
            f"kubeconfig {path} logs in through a plugin, which the operator does not run; "
            "use a token or a client certificate"
        )
    try:
        ssl_context = (
            _ssl_context(cluster, user, folder=path.parent, roots=roots)
            if server.startswith("https:")
            else None
        )
    except (OSError, ssl.SSLError, ValueError) as error:
        raise KubeconfigError(
            f"kubeconfig {path} has certificates that can't be loaded: {type(error).__name__}"
        ) from None
    return ClusterAccess(
        server=server,
        ssl_context=ssl_context,
        token=_token(user, path.parent),
        authority=_authority(cluster, ssl_context, folder=path.parent),
        namespace=context.get("namespace") or "",
    )


def _named(config: Mapping[str, Any], section: str, *, name: str) -> Any:
    return next(entry for entry in [*config[section], {}] if entry.get("name") == name or not entry)


def _authority(
    cluster: Mapping[str, Any], context: ssl.SSLContext | None, *, folder: pathlib.Path
) -> AuthorityFile | None:
    named = cluster.get("certificate-authority")
    if context is None or not named or cluster.get("certificate-authority-data"):
        return None
    return AuthorityFile(folder / named, context)


def _token(user: Mapping[str, Any], folder: pathlib.Path) -> TokenFile | FixedToken | None:
    if token := user.get("token"):
        return FixedToken(token=token)
    return TokenFile(folder / user["tokenFile"]) if user.get("tokenFile") else None


def _ssl_context(
    cluster: Mapping[str, Any], user: Mapping[str, Any], *, folder: pathlib.Path, roots: str
) -> ssl.SSLContext:
    authority = _pem(cluster, "certificate-authority", folder=folder)
    context = client_tls(None if authority is None else authority.decode(), directories=roots)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = (
        _pem(user, "client-certificate", folder=folder),
        _pem(user, "client-key", folder=folder),
    )
    if certificate and key:
        _load_client_certificate(context, certificate + b"\n" + key)
    return context


def _pem(section: Mapping[str, Any], name: str, *, folder: pathlib.Path) -> bytes | None:
    if data := section.get(f"{name}-data"):
        # Strict decoding: without it, invalid base64 could decode to nothing, and an empty
        # authority means the machine's own roots.
        return base64.b64decode("".join(str(data).split()), validate=True)
    return (folder / section[name]).read_bytes() if section.get(name) else None


def _load_client_certificate(context: ssl.SSLContext, pem: bytes) -> None:
    # The ssl module loads client certificates from files only; this file exists during the call and
    # is readable by us alone.
    handle, name = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        context.load_cert_chain(name)
    finally:
        pathlib.Path(name).unlink()
