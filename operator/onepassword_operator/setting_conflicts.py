"""What is wrong between settings that are fine each by themselves, and between settings and files. Talks to the file system.

Asked with what was given and not with what was understood, so that these problems are told together with all others.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Final

from onepassword_operator import outbound
from onepassword_operator.setting_values import BOOLEANS

_CONNECT: Final = ("OP_CONNECT_HOST", "OP_CONNECT_TOKEN")
_SERVICE_ACCOUNT: Final = "OP_SERVICE_ACCOUNT_TOKEN"


def explains(missing: str, environment: Mapping[str, str]) -> bool:
    """Whether what is said about a service account says already that this variable is missing."""
    return missing in _CONNECT and bool(environment.get(_SERVICE_ACCOUNT))


def find(flags: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Every problem, by name and with the remedy."""
    return [*_credentials(environment), *_metrics(flags), *_roots(environment)]


def _credentials(environment: Mapping[str, str]) -> Iterator[str]:
    if not environment.get(_SERVICE_ACCOUNT):
        return
    if all(environment.get(name) for name in _CONNECT):
        yield f"{_SERVICE_ACCOUNT} and OP_CONNECT_TOKEN are both set, and exactly one of them must be; unset {_SERVICE_ACCOUNT}"
    else:
        yield (
            f"{_SERVICE_ACCOUNT}: service accounts are not supported, only 1Password Connect is so far; "
            f"unset it, and set {' and '.join(_CONNECT)} to a Connect server and its token"
        )


def _metrics(flags: Mapping[str, str]) -> Iterator[str]:
    secure, path = flags.get("metrics_secure"), flags.get("metrics_cert_path", "")
    wanted = BOOLEANS.get(secure, False) if secure is not None else bool(path)
    if flags.get("metrics_bind_address") == "0" or not wanted:
        return
    names = flags.get("metrics_cert_name") or "tls.crt", flags.get("metrics_cert_key") or "tls.key"
    if not path:
        yield (
            f"--metrics-secure needs --metrics-cert-path, a directory with {names[0]} and {names[1]}; "
            "or leave it out, and /metrics is plain HTTP"
        )
        return
    for name in names:
        file = pathlib.Path(path) / name
        try:
            file.read_bytes()
        except OSError as error:
            yield f"--metrics-cert-path: {file} can't be read ({type(error).__name__}); mount the certificate there, or leave the flag out"


def _roots(environment: Mapping[str, str]) -> Iterator[str]:
    # Where nothing is checked against them they do no harm, as in Go.
    if environment.get("OP_CONNECT_HOST", "").strip().lower().startswith("https:"):
        yield from outbound.unusable_roots(environment.get("SSL_CERT_FILE", ""), environment.get("SSL_CERT_DIR", ""))
