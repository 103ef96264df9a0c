"""Finds conflicts between settings that are valid each by itself, and between settings and files.

Talks to the file system.

It works on the raw flags and variables, so that these problems are reported together with all
others.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Final

from onepassword_operator.net import tls
from onepassword_operator.rules.token_syntax import problem as token_problem
from onepassword_operator.settings.values import BOOLEANS

_CONNECT: Final = ("OP_CONNECT_HOST", "OP_CONNECT_TOKEN")
_TOKENS: Final = ("OP_CONNECT_TOKEN", "OP_CONNECT_TOKEN_FILE")
_SERVICE_ACCOUNT: Final = "OP_SERVICE_ACCOUNT_TOKEN"
IGNORED: Final = ("OSDK_FORCE_RUN_MODE", "OPERATOR_NAME", "POD_NAME")
"""Variables in the official operator's manifests that have no effect here."""

WITHOUT_EFFECT: Final[Mapping[str, str]] = {
    "enable_http2": "--enable-http2 is accepted, but has no effect: /metrics is HTTP/1.1",
    "manage_connect": (
        "MANAGE_CONNECT is true, but this operator does not deploy Connect; "
        "it uses the one at OP_CONNECT_HOST. To deploy one: helm repo add 1password "
        "https://1password.github.io/connect-helm-charts ; helm install connect 1password/connect "
        "--set-file connect.credentials=1password-credentials.json"
    ),
}
"""Settings by name, with the warning to log if they are on."""

_IDENTITY: Final = (
    "ONEPASSWORD_OPERATOR_CONNECT_CLIENT_CERT",
    "ONEPASSWORD_OPERATOR_CONNECT_CLIENT_KEY",
)


def explains(missing: str, environment: Mapping[str, str]) -> bool:
    """Tell whether the problem of a service account token covers the absence of this variable."""
    return missing in _CONNECT and bool(environment.get(_SERVICE_ACCOUNT))


def find(flags: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Return every problem, each with the setting's name and the remedy."""
    return [*_credentials(environment), *_token(environment), *_metrics(flags), *_tls(environment)]


def _token(environment: Mapping[str, str]) -> Iterator[str]:
    given = [name for name in _TOKENS if environment.get(name)]
    if len(given) > 1:
        yield f"{' and '.join(_TOKENS)} are both set; unset one of them"
    elif not given and not explains("OP_CONNECT_TOKEN", environment):
        yield (
            f"{_TOKENS[0]} is not set; set it to a Connect access token, "
            f"or {_TOKENS[1]} to a file that holds one"
        )
    elif given == [_TOKENS[1]]:
        yield from _token_file(environment[_TOKENS[1]].strip())


def _token_file(file: str) -> Iterator[str]:
    try:
        problem = token_problem(pathlib.Path(file).read_bytes().strip().decode("latin-1"))
    except OSError as error:
        problem = f"can't be read ({type(error).__name__}); mount the token there"
    if problem:
        yield f"{_TOKENS[1]}: {file} {problem}"


def _credentials(environment: Mapping[str, str]) -> Iterator[str]:
    if not environment.get(_SERVICE_ACCOUNT):
        return
    if all(environment.get(name) for name in _CONNECT):
        yield f"{_SERVICE_ACCOUNT} and OP_CONNECT_TOKEN are both set; unset {_SERVICE_ACCOUNT}"
    else:
        yield (
            f"{_SERVICE_ACCOUNT}: service accounts are not supported, "
            f"only 1Password Connect is so far; unset it, and set {' and '.join(_CONNECT)} to a "
            "Connect server and its token"
        )


def _metrics(flags: Mapping[str, str]) -> Iterator[str]:
    secure, path = flags.get("metrics_secure"), flags.get("metrics_cert_path", "")
    wanted = BOOLEANS.get(secure, False) if secure is not None else bool(path)
    if flags.get("metrics_bind_address") == "0" or not wanted:
        return
    names = flags.get("metrics_cert_name") or "tls.crt", flags.get("metrics_cert_key") or "tls.key"
    if not path:
        yield (
            f"--metrics-secure needs --metrics-cert-path, a directory with {names[0]} and "
            f"{names[1]}; or leave it out, and /metrics is plain HTTP"
        )
        return
    for name in names:
        file = pathlib.Path(path) / name
        try:
            file.read_bytes()
        except OSError as error:
            yield (
                f"--metrics-cert-path: {file} can't be read ({type(error).__name__}); "
                "mount the certificate there, or leave the flag out"
            )


def unused_tls(files: Mapping[str, str]) -> Iterator[str]:
    """Yield warnings about files for TLS, by variable, that are given for a Connect without TLS."""
    if given := [name for name in _IDENTITY if files.get(name)]:
        yield (
            f"no client certificate is used in spite of {' and '.join(given)}, because "
            "OP_CONNECT_HOST begins with http://; begin it with https://"
        )
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if (path := files.get(name)) and not any(map(os.path.exists, path.split(":"))):
            yield f"{name}: {path} does not exist; it is not needed while OP_CONNECT_HOST is http://"


def _tls(environment: Mapping[str, str]) -> Iterator[str]:
    # The files are checked only if TLS is used at all: otherwise unusable ones do no harm, as in
    # Go.
    if not environment.get("OP_CONNECT_HOST", "").strip().lower().startswith("https:"):
        return
    yield from tls.unusable_roots(
        environment.get("SSL_CERT_FILE", ""), environment.get("SSL_CERT_DIR", "")
    )
    identity = [environment.get(name, "") for name in _IDENTITY]
    if any(identity) and not all(identity):
        yield f"{' and '.join(_IDENTITY)} belong together; set both, or none"
    elif all(identity) and (
        problem := tls.unusable_identity((pathlib.Path(identity[0]), pathlib.Path(identity[1])))
    ):
        yield f"{_IDENTITY[0]}: {problem}"
