"""When a proxy is used. The answers are those of Go's httpproxy package, which was asked the same questions."""

import pytest

from onepassword_operator.rules.http_proxy import Proxies, is_direct, with_scheme

PROXIES = Proxies(http="http://for-http:3128", https="http://for-https:3128", exceptions="internal.example, .svc, 10.96.0.0/12")


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://connect.example", "http://for-http:3128"),
        ("http://connect.example:8080/v1", "http://for-http:3128"),
        ("https://connect.example", "http://for-https:3128"),
        ("https://10.95.255.255", "http://for-https:3128"),
        ("https://10.96.0.1:443", ""),
        ("https://10.111.255.255", ""),
        ("https://10.112.0.0", "http://for-https:3128"),
        ("http://onepassword-connect.tools.svc:8080", ""),
        ("http://svc", "http://for-http:3128"),
        ("https://INTERNAL.example", ""),
        ("ftp://connect.example", ""),
    ],
)
def test_the_scheme_picks_the_proxy_and_exceptions_need_none(url: str, proxy: str) -> None:
    assert PROXIES.for_url(url) == proxy


@pytest.mark.parametrize(
    ("proxies", "scheme"), [(Proxies(), "http"), (Proxies(http="http://p:1"), "https"), (Proxies(https="http://p:1"), "http")]
)
def test_without_a_proxy_everything_is_direct(proxies: Proxies, scheme: str) -> None:
    assert proxies.for_url(f"{scheme}://connect.example") == ""


@pytest.mark.parametrize("url", ["http://localhost:8080", "https://127.0.0.1", "https://127.9.9.9:6443", "http://[::1]:8080"])
def test_this_machine_itself_is_never_behind_a_proxy(url: str) -> None:
    assert Proxies(http="http://p:1", https="http://p:1").for_url(url) == ""


def test_the_port_of_the_url_or_of_its_scheme_counts() -> None:
    proxies = Proxies(http="http://p:1", https="http://p:1", exceptions="connect.example:443")
    assert proxies.for_url("https://connect.example") == ""
    assert proxies.for_url("https://connect.example:443") == ""
    assert proxies.for_url("https://connect.example:8443") == "http://p:1"
    assert proxies.for_url("http://connect.example") == "http://p:1"


@pytest.mark.parametrize(
    ("proxy", "url"),
    [
        ("http://p:3128", "http://p:3128"),
        ("https://p", "https://p"),
        ("p:3128", "http://p:3128"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("user:fake@p:3128", "http://user:fake@p:3128"),
    ],
)
def test_a_proxy_may_be_named_without_a_scheme(proxy: str, url: str) -> None:
    assert (with_scheme(proxy), Proxies(http=proxy).for_url("http://connect.example")) == (url, url)


@pytest.mark.parametrize(
    ("exceptions", "host", "direct"),
    [
        ("*", "connect.example", True),
        ("other, * ", "10.0.0.1", True),
        ("example.com", "example.com", True),
        ("example.com", "a.b.example.com", True),
        ("example.com", "anexample.com", False),
        ("EXAMPLE.com", "example.com", True),
        (".example.com", "example.com", False),
        (".example.com", "a.example.com", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*example.com", "a.example.com", False),
        ("example.com.", "example.com", False),
        ("connect", "connect", True),
        ("connect:80", "connect", True),
        ("connect:", "connect", True),
        ("connect:81", "connect", False),
        (".svc:80", "connect.svc", True),
        (".svc:81", "connect.svc", False),
        (" ,, connect ,", "connect", True),
        (":80", "connect", False),
        ("", "connect", False),
        ("a:b:c", "connect", False),
        ("münchen.example", "münchen.example", True),
        ("münchen.example", "xn--mnchen-3ya.example", True),
        ("xn--mnchen-3ya.example", "münchen.example", True),
        ("\udcff.example", "connect", False),
        ("10.96.0.1", "10.96.0.1", True),
        ("10.96.0.1:80", "10.96.0.1", True),
        ("10.96.0.1:81", "10.96.0.1", False),
        ("10.96.0.1", "110.96.0.1", False),
        (".1", "10.96.0.1", False),
        ("10.96.0.1", "connect", False),
        ("10.96.0.0/12", "10.111.0.1", True),
        ("10.96.0.7/12", "10.111.0.1", True),
        ("10.96.0.0/12", "10.112.0.1", False),
        ("10.96.0.0/33", "10.96.0.1", False),
        ("10.96.0.0/255.240.0.0", "10.96.0.1", False),
        ("0.0.0.0/0", "fd00::1", False),
        ("0.0.0.0/0", "connect", False),
        ("::ffff:10.96.0.1", "10.96.0.1", True),
        ("10.96.0.0/12", "::ffff:10.96.0.1", True),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fe80::1", False),
        ("fd00::1", "fd00::1", True),
        ("[fd00::1]:80", "fd00::1", True),
        ("[fd00::1]:81", "fd00::1", False),
        ("fe80::1", "fe80::1%eth0", True),
        ("connect", "::ffff:127.0.0.1", True),
    ],
)
def test_the_forms_of_no_proxy(exceptions: str, host: str, direct: object) -> None:
    assert is_direct(host, "80", exceptions=exceptions) is direct


def test_an_address_in_brackets_alone_is_an_address_here_though_not_in_go() -> None:
    """It can mean nothing else, and not to understand it would send a token to the proxy."""
    assert is_direct("fd00::1", "80", exceptions="[fd00::1]")


def test_no_representation_shows_a_password() -> None:
    assert "canary" not in repr(Proxies(http="http://user:canary@p", https="http://user:canary@p"))
