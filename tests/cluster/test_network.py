"""What may lie between the operator and its servers: TLS of a private authority in front of Connect, and HTTP proxies.

A proxy is never asked for loopback, so here Connect has a name that only the proxy knows, and the API server is at 0.0.0.0, which Linux
takes for this machine and the rules of NO_PROXY take for any other address.
"""

import base64
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from controlplane import access
from controlplane.certificates import Authority
from fakes.relays import Address, ForwardProxy, forward_proxy, in_thread, tls_end
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World, seed

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-password-1")
FIRST, SECOND = {"password": b"canary-password-1"}, {"password": b"canary-password-2"}
CONNECT = "connect.example:8080"
PASSWORD = "canary of the proxy"
CREDENTIALS = "Basic " + base64.b64encode(f"operator:{PASSWORD}".encode()).decode()


def address_of(url: str) -> Address:
    parts = urlsplit(url)
    return "127.0.0.1", parts.port or 0


def through(proxy: ForwardProxy) -> dict[str, str]:
    """The variables that lead through the proxy, with its password."""
    url = proxy.url.replace("://", f"://operator:{PASSWORD.replace(' ', '%20')}@")
    return {"HTTP_PROXY": url, "HTTPS_PROXY": url, "OP_CONNECT_HOST": f"http://{CONNECT}"}


def elsewhere(world: World, tmp_path: Path) -> tuple[str, str]:
    """A kubeconfig for the API server at 0.0.0.0, for which it has no certificate; and its host and port."""
    config = yaml.safe_load(world.proxy.kubeconfig_for(access.OPERATOR).read_text())
    cluster = config["clusters"][0]["cluster"]
    host = f"0.0.0.0:{urlsplit(cluster['server']).port}"
    config["clusters"][0]["cluster"] = {"server": f"https://{host}", "insecure-skip-tls-verify": True}
    path = tmp_path / "elsewhere.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path), host


def main_job(world: World) -> None:
    """A resource becomes a Secret, and follows its item."""
    world.item("db", "vaults/v/items/db")
    world.wait_ready("db")
    assert world.data("db") == FIRST
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.wait_data("db", SECOND)


def test_connect_over_tls_with_a_private_authority_in_ssl_cert_file(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(SEED)
    authority = Authority(tmp_path / "authority", "a private authority")
    with in_thread(tls_end(authority.server("connect").server_tls(), address_of(world.connect.url))) as port:
        operator = world.operator(OP_CONNECT_HOST=f"https://localhost:{port}", SSL_CERT_FILE=str(authority.certificate))
        main_job(world)
        assert operator.stop() == 0


def test_connect_through_a_proxy_and_the_api_server_past_it(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(SEED)
    kubeconfig, _ = elsewhere(world, tmp_path)
    with in_thread(forward_proxy(ForwardProxy(names={CONNECT: address_of(world.connect.url)}, credentials=CREDENTIALS))) as proxy:
        world.environment = through(proxy)
        operator = world.operator(KUBECONFIG=kubeconfig, NO_PROXY="10.96.0.0/12, 0.0.0.0/8,.svc")
        main_job(world)
        assert proxy.targets() == {CONNECT}
        assert operator.stop() == 0
    assert PASSWORD not in world.log.read_text()


def test_both_through_a_proxy_watches_included_and_errors_are_told_without_its_password(make_world: MakeWorld, tmp_path: Path) -> None:
    """kopf logs the errors of its requests in full, and aiohttp's hold everything that aiohttp was told about the way."""
    world = make_world(SEED)
    kubeconfig, host = elsewhere(world, tmp_path)
    names = {CONNECT: address_of(world.connect.url), host: address_of(world.proxy.url)}
    with in_thread(forward_proxy(ForwardProxy(names=names, credentials=CREDENTIALS))) as proxy:
        world.environment = through(proxy)
        operator = world.operator(KUBECONFIG=kubeconfig)
        main_job(world)
        world.patch_secret("db", {"data": {"password": "ZWRpdGVk"}})
        world.wait_data("db", SECOND)
        assert proxy.targets() == {CONNECT, host}
        assert {asked.method for asked in proxy.asked if asked.target == host} == {"CONNECT"}
        names[host] = address_of(world.connect.url)  # which does not speak TLS
        proxy.cut()
        eventually(world.log.read_text, lambda text: "watches ended" in text or "namespace is not served" in text)
    eventually(world.log.read_text, lambda text: "ClientProxyConnectionError" in text)
    assert operator.stop() == 0
    for form in (PASSWORD, PASSWORD.replace(" ", "%20"), CREDENTIALS.removeprefix("Basic ")):
        assert form not in world.log.read_text()
