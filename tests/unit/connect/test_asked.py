"""Each way to get no answer, in words that name the server, the cause and the remedy."""

import errno
import socket
import ssl
from unittest import mock

import aiohttp
import pytest

from onepassword_operator.connect import asked
from onepassword_operator.connect.asked import Asked, no_answer, through_proxy

AT = Asked(asked.VAULTS, "http://connect:8080")
KEY = mock.Mock(ssl=True)
UNTRUSTED = ssl.SSLCertVerificationError(1, "fake")
UNTRUSTED.verify_message = "self-signed certificate"


def tls(reason: str) -> aiohttp.ClientConnectorSSLError:
    cause = ssl.SSLError(1, "fake")
    cause.reason = reason
    return aiohttp.ClientConnectorSSLError(KEY, cause)


def failed(code: int) -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(KEY, OSError(code, "fake"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (failed(errno.ECONNREFUSED), "the connection is refused; check OP_CONNECT_HOST, and whether Connect runs there"),
        (failed(errno.EHOSTUNREACH), "no route leads to the host; check OP_CONNECT_HOST"),
        (failed(errno.ENETUNREACH), "no route leads to the host; check OP_CONNECT_HOST"),
        (failed(errno.EMFILE), "no connection; check OP_CONNECT_HOST"),
        (aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "fake")), "the host's name does not resolve; check OP_CONNECT_HOST"),
        (aiohttp.ConnectionTimeoutError(), "no connection in time, as behind a firewall or NetworkPolicy; check OP_CONNECT_HOST"),
        (aiohttp.SocketTimeoutError(), "no answer in time; check whether Connect is up, or overloaded"),
        (TimeoutError(), "no answer in time; check whether Connect is up, or overloaded"),
        (aiohttp.ServerDisconnectedError(), "if it stays so and the port serves TLS, begin OP_CONNECT_HOST with https://"),
        (tls("WRONG_VERSION_NUMBER"), "the port is no TLS port; set OP_CONNECT_HOST to http://"),
        (tls("RECORD_LAYER_FAILURE"), "the port is no TLS port; set OP_CONNECT_HOST to http://"),
        (tls("NO_PROTOCOLS_AVAILABLE"), "TLS failed (no protocols available); check the server's certificate, and SSL_CERT_FILE"),
        (aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED), "self-signed certificate; renew it, or set SSL_CERT_FILE"),
    ],
)
def test_no_answer_is_told_with_its_cause_and_the_remedy(error: Exception, said: str) -> None:
    assert said in no_answer(error, AT)


def test_only_a_port_that_is_asked_in_plain_text_may_want_tls() -> None:
    assert "https://" not in no_answer(aiohttp.ServerDisconnectedError(), AT._replace(server="https://connect"))


def test_a_proxy_is_told_with_what_went_wrong_on_the_way_to_it() -> None:
    said = through_proxy(aiohttp.ClientProxyConnectionError(KEY, OSError(errno.ECONNREFUSED, "fake")), "http://proxy:3128")
    assert said.startswith("the proxy http://proxy:3128 does not connect (the connection is refused); check HTTP_PROXY")
    assert "(the connection failed)" in through_proxy(aiohttp.ClientError(), "http://proxy:3128")


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (asked.VAULTS, "the vault list"),
        (asked.ITEMS, "the item list of a vault"),
        (asked.ITEM, "an item"),
        (asked.FILE, "a file of an item"),
        (asked.HEALTH, "the health page"),
    ],
)
def test_people_read_what_was_asked_for_and_of_which_server(route: str, words: str) -> None:
    assert str(Asked(route, "http://connect:8080")) == f"{words} from http://connect:8080"
