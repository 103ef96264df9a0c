"""A server behind TLS, and no variables of the environment."""

import pathlib

import pytest

from controlplane.certificates import Authority, KeyPair
from fakes.scripted_server import Server, reply


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: pathlib.Path) -> Authority:
    return Authority(tmp_path / "authority", "a private authority")


@pytest.fixture
def pair(authority: Authority) -> KeyPair:
    return authority.server("server")


@pytest.fixture
def server(server: Server) -> Server:
    server.routes["/x"] = reply({})
    return server
