"""Proxies, over real sockets."""

import base64
import ssl

import aiohttp
import pytest

from controlplane.certificates import Authority, KeyPair
from fakes.relays import Asked, ForwardProxy, forward_proxy
from fakes.scripted_server import Server
from onepassword_operator.net import proxy as net_proxy
from onepassword_operator.net.proxy import DIRECT, route_to
from onepassword_operator.net.tls import client_tls
from onepassword_operator.rules.http_proxy import Proxies
from unit.net.roundtrip import over_tls, port_of, status

NAME = "server.example"
BASIC = "Basic " + base64.b64encode(b"us:er%:fake p").decode()


class TestProxies:
    async def test_a_request_goes_through_the_proxy_and_names_us_to_it(self, server: Server) -> None:
        proxy = ForwardProxy(names={f"{NAME}:80": ("127.0.0.1", port_of(server))}, credentials=BASIC)
        async with forward_proxy(proxy):
            way = route_to(f"http://{NAME}", Proxies(http=proxy.url.replace("://", "://us%3Aer%25:fake p@")))
            assert await status(f"http://{NAME}/x", way) == 200
        assert proxy.asked == [Asked("GET", f"{NAME}:80", BASIC)]
        assert "Proxy-Authorization" not in server.seen[0].headers
        assert server.seen[0].headers["Authorization"] == "Bearer fake"

    async def test_an_https_request_tunnels_and_only_the_proxy_is_told_its_password(
        self, server: Server, authority: Authority, pair: KeyPair
    ) -> None:
        async with over_tls(server, pair) as port:
            proxy = ForwardProxy(names={"localhost.example:443": ("127.0.0.1", port)}, credentials=BASIC)
            trust = client_tls(authority.certificate.read_text())
            trust.check_hostname = False  # the certificate is for loopback
            async with forward_proxy(proxy):
                url = "https://localhost.example"
                way = route_to(url, Proxies(https=proxy.url.replace("://", "://us%3Aer%25:fake p@")), tls=lambda: trust)
                assert await status(f"{url}/x", way) == 200
        assert proxy.asked == [Asked("CONNECT", "localhost.example:443", BASIC)]
        assert "Proxy-Authorization" not in server.seen[0].headers

    async def test_what_is_exempt_goes_straight(self, server: Server) -> None:
        way = route_to(server.url, Proxies(http="http://127.0.0.1:1"))
        assert (way.proxy, way.proxy_authorization) == (None, "")
        assert await status(f"{server.url}/x", way) == 200
        assert await status(f"{server.url}/x", DIRECT) == 200

    @pytest.mark.parametrize(
        ("url", "proxies", "asked"),
        [
            ("http://connect", Proxies(), False),
            ("http://connect", Proxies(http="http://proxy"), False),
            ("http://connect", Proxies(http="https://proxy"), True),
            ("https://connect", Proxies(), True),
        ],
    )
    def test_nobody_asks_what_tls_goes_by_where_nothing_on_the_way_is_https(self, url: str, proxies: Proxies, asked: object) -> None:
        context, times = ssl.create_default_context(), []

        def trust() -> ssl.SSLContext:
            times.append("asked")
            return context

        way = route_to(url, proxies, tls=trust)
        assert bool(times) is asked  # at once, while the files are known to be usable
        assert (way.trust() is context) is asked

    async def test_no_error_and_no_representation_shows_the_proxys_password(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        for scheme in ("http", "https"):
            url = f"{scheme}://{NAME}"
            way = route_to(url, Proxies(http="http://user:canary@127.0.0.1:1", https="user:canary@127.0.0.1:1"))
            with pytest.raises(aiohttp.ClientProxyConnectionError) as caught:
                await status(url, way)
            assert "canary" not in f"{caught.value!r} {caught.value} {way!r} {caplog.text}"
            assert way.proxy == "http://127.0.0.1:1"
        assert [record.__dict__["proxy"] for record in caplog.records if record.name == net_proxy.__name__] == ["http://127.0.0.1:1"] * 2
