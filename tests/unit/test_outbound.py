"""Proxies and trust, over real sockets."""

from __future__ import annotations

import base64
import contextlib
import pathlib
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest

from controlplane.certificates import Authority, KeyPair
from fakes.relays import Asked, ForwardProxy, forward_proxy, tls_end
from fakes.scripted_server import ScriptedServer, reply, scripted_server
from onepassword_operator import outbound
from onepassword_operator.outbound import DIRECT, Route, client_tls, route_to, unusable_roots
from onepassword_operator.rules.http_proxy import Proxies

NAME = "server.example"
BASIC = "Basic " + base64.b64encode(b"us:er%:fake p").decode()


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
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        running.routes["/x"] = reply({})
        yield running


def port_of(server: ScriptedServer) -> int:
    return int(server.url.rpartition(":")[2])


@contextlib.asynccontextmanager
async def over_tls(server: ScriptedServer, pair: KeyPair) -> AsyncIterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    async with tls_end(context, ("127.0.0.1", port_of(server))) as port:
        yield port


async def status(url: str, way: Route) -> int:
    connector = aiohttp.TCPConnector(ssl=way.tls or True)
    async with (
        aiohttp.ClientSession(connector=connector, proxy=way.proxy, middlewares=(way.authenticate,)) as session,
        session.get(url, headers={"Authorization": "Bearer fake"}) as response,
    ):
        return response.status


class TestTrust:
    async def test_a_private_authority_is_not_trusted_unasked(self, server: ScriptedServer, pair: KeyPair) -> None:
        async with over_tls(server, pair) as port:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await status(f"https://127.0.0.1:{port}/x", Route(tls=client_tls()))

    async def test_an_authority_that_is_given_is_trusted(self, server: ScriptedServer, authority: Authority, pair: KeyPair) -> None:
        async with over_tls(server, pair) as port:
            assert await status(f"https://127.0.0.1:{port}/x", Route(tls=client_tls(authority.certificate.read_text()))) == 200

    async def test_ssl_cert_file_is_trusted(
        self, server: ScriptedServer, authority: Authority, pair: KeyPair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        async with over_tls(server, pair) as port:
            assert await status(f"https://127.0.0.1:{port}/x", Route(tls=client_tls())) == 200

    async def test_a_servers_own_certificate_in_ssl_cert_file_is_trusted_as_in_go(
        self, server: ScriptedServer, pair: KeyPair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The official chart mounts `tls.crt` of a Secret there, which as a rule is that."""
        monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
        async with over_tls(server, pair) as port:
            assert await status(f"https://127.0.0.1:{port}/x", Route(tls=client_tls())) == 200

    async def test_every_file_of_ssl_cert_dir_is_trusted_whatever_its_name(
        self, server: ScriptedServer, authority: Authority, pair: KeyPair, tmp_path: pathlib.Path
    ) -> None:
        folder = tmp_path / "roots"
        (folder / "below").mkdir(parents=True)
        (folder / "company.pem").write_bytes(authority.certificate.read_bytes())
        (folder / "a-readme.txt").write_text("no certificate")
        async with over_tls(server, pair) as port:
            roots = client_tls(directories=f"/absent::{folder}")
            assert await status(f"https://127.0.0.1:{port}/x", Route(tls=roots)) == 200

    async def test_an_authority_that_is_given_is_the_only_one(
        self, server: ScriptedServer, authority: Authority, pair: KeyPair, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = Authority(tmp_path / "other", "another").certificate
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        only = client_tls(other.read_text(), directories=str(authority.directory))
        async with over_tls(server, pair) as port:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await status(f"https://127.0.0.1:{port}/x", Route(tls=only))

    @pytest.mark.parametrize("text", ["", " \n"])
    def test_an_empty_authority_does_not_mean_the_systems(self, text: str) -> None:
        with pytest.raises(ValueError, match="empty"):
            client_tls(text)

    def test_names_are_checked_and_letters_of_rfc_5280_are_not(self) -> None:
        context = client_tls()
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT


class TestUnusableRoots:
    def test_what_can_be_read_is_fine(self, authority: Authority) -> None:
        assert list(unusable_roots(str(authority.certificate), str(authority.directory))) == []
        assert list(unusable_roots("", "")) == []

    def test_what_can_not_is_named(self, tmp_path: pathlib.Path) -> None:
        (tmp_path / "text").write_text("no certificate")
        for file in (tmp_path / "absent", tmp_path / "text", tmp_path):
            (problem,) = unusable_roots(str(file), "")
            assert problem.startswith(f"SSL_CERT_FILE: no certificate can be read from {file};")
        (problem,) = unusable_roots("", f"{tmp_path}:/absent")
        assert problem.startswith("SSL_CERT_DIR: ")


class TestProxies:
    async def test_a_request_goes_through_the_proxy_and_names_us_to_it(self, server: ScriptedServer) -> None:
        proxy = ForwardProxy(names={f"{NAME}:80": ("127.0.0.1", port_of(server))}, credentials=BASIC)
        async with forward_proxy(proxy):
            way = route_to(f"http://{NAME}", Proxies(http=proxy.url.replace("://", "://us%3Aer%25:fake p@")))
            assert await status(f"http://{NAME}/x", way) == 200
        assert proxy.asked == [Asked("GET", f"{NAME}:80", BASIC)]
        assert "Proxy-Authorization" not in server.seen[0].headers
        assert server.seen[0].headers["Authorization"] == "Bearer fake"

    async def test_an_https_request_tunnels_and_only_the_proxy_learns_its_password(
        self, server: ScriptedServer, authority: Authority, pair: KeyPair
    ) -> None:
        async with over_tls(server, pair) as port:
            proxy = ForwardProxy(names={"localhost.example:443": ("127.0.0.1", port)}, credentials=BASIC)
            trust = client_tls(authority.certificate.read_text())
            trust.check_hostname = False  # the certificate is for loopback
            async with forward_proxy(proxy):
                url = "https://localhost.example"
                way = route_to(url, Proxies(https=proxy.url.replace("://", "://us%3Aer%25:fake p@")), tls=trust)
                assert await status(f"{url}/x", way) == 200
        assert proxy.asked == [Asked("CONNECT", "localhost.example:443", BASIC)]
        assert "Proxy-Authorization" not in server.seen[0].headers

    async def test_what_is_exempt_goes_straight(self, server: ScriptedServer) -> None:
        way = route_to(server.url, Proxies(http="http://127.0.0.1:1"))
        assert (way.proxy, way.proxy_authorization) == (None, "")
        assert await status(f"{server.url}/x", way) == 200
        assert await status(f"{server.url}/x", DIRECT) == 200

    async def test_no_error_and_no_representation_shows_the_proxys_password(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        for scheme in ("http", "https"):
            url = f"{scheme}://{NAME}"
            way = route_to(url, Proxies(http="http://user:canary@127.0.0.1:1", https="user:canary@127.0.0.1:1"))
            with pytest.raises(aiohttp.ClientProxyConnectionError) as caught:
                await status(url, way)
            assert "canary" not in f"{caught.value!r} {caught.value} {way!r} {caplog.text}"
            assert way.proxy == "http://127.0.0.1:1"
        assert [record.__dict__["proxy"] for record in caplog.records if record.name == outbound.__name__] == ["http://127.0.0.1:1"] * 2
