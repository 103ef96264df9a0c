"""What does not go together, and what files are missing."""

import base64
import pathlib

import pytest

from controlplane.certificates import Authority, KeyPair
from onepassword_operator.settings import checks
from onepassword_operator.settings.checks import explains, find

HOST, TOKEN = {"OP_CONNECT_HOST": "https://connect"}, {"OP_CONNECT_TOKEN": "canary"}
ACCOUNT = {"OP_SERVICE_ACCOUNT_TOKEN": "canary"}


def problem(environment: dict[str, str], **flags: str) -> str:
    """The one problem that there is."""
    (found,) = find(flags, environment)
    assert "canary" not in found
    return found


def test_without_conflicts_nothing_is_said() -> None:
    assert find({}, HOST | TOKEN | dict.fromkeys(("OP_SERVICE_ACCOUNT_TOKEN", "SSL_CERT_FILE", "SSL_CERT_DIR"), "")) == []
    assert not explains("OP_CONNECT_HOST", HOST)


@pytest.mark.parametrize("environment", [ACCOUNT, ACCOUNT | HOST, ACCOUNT | TOKEN])
def test_a_service_account_is_not_supported_and_what_to_set_is_said(environment: dict[str, str]) -> None:
    said = problem(environment)
    assert said.startswith("OP_SERVICE_ACCOUNT_TOKEN: service accounts are not supported, ")
    assert "set OP_CONNECT_HOST and OP_CONNECT_TOKEN" in said
    assert explains("OP_CONNECT_HOST", environment)
    assert explains("OP_CONNECT_TOKEN", environment)


def test_a_service_account_beside_connect_is_one_too_many() -> None:
    assert "are both set; unset OP_SERVICE_ACCOUNT_TOKEN" in problem(HOST | TOKEN | ACCOUNT)


class TestToken:
    @pytest.mark.parametrize("environment", [HOST, HOST | {"OP_CONNECT_TOKEN": "", "OP_CONNECT_TOKEN_FILE": ""}])
    def test_one_is_needed_and_both_ways_are_named(self, environment: dict[str, str]) -> None:
        said = problem(environment)
        assert said.startswith("OP_CONNECT_TOKEN is not set; ")
        assert "OP_CONNECT_TOKEN_FILE to a file" in said

    def test_two_are_one_too_many(self) -> None:
        assert (
            problem(HOST | TOKEN | {"OP_CONNECT_TOKEN_FILE": "/canary"})
            == "OP_CONNECT_TOKEN and OP_CONNECT_TOKEN_FILE are both set; unset one of them"
        )

    def test_a_file_with_a_token_is_fine(self, tmp_path: pathlib.Path) -> None:
        (tmp_path / "token").write_text(" canary\n")
        assert find({}, HOST | {"OP_CONNECT_TOKEN_FILE": f" {tmp_path}/token "}) == []

    @pytest.mark.parametrize(
        ("content", "wrong"),
        [
            (None, "can't be read (FileNotFoundError); mount the token there"),
            (b"", "is empty, or has white space"),
            (b"canary canary", "is empty, or has white space"),
            (b"\xff\xfe", "is empty, or has white space or other characters"),
            (base64.b64encode(b"canary.canary.canary"), "is a token in base64; decode it first"),
        ],
    )
    def test_a_file_without_one_is_named(self, tmp_path: pathlib.Path, content: bytes | None, wrong: str) -> None:
        if content is not None:
            (tmp_path / "token").write_bytes(content)
        assert problem(HOST | {"OP_CONNECT_TOKEN_FILE": f"{tmp_path}/token"}).startswith(f"OP_CONNECT_TOKEN_FILE: {tmp_path}/token {wrong}")


class TestMetrics:
    @pytest.mark.parametrize("flags", [{}, {"metrics_cert_path": ""}, {"metrics_bind_address": ":8443"}])
    def test_https_needs_a_certificate(self, flags: dict[str, str]) -> None:
        assert problem(TOKEN, metrics_secure="T", **flags).startswith(
            "--metrics-secure needs --metrics-cert-path, a directory with tls.crt and tls.key"
        )

    @pytest.mark.parametrize(
        "flags",
        [
            {"metrics_secure": "false"},
            {"metrics_secure": "false", "metrics_cert_path": "/absent"},
            {"metrics_secure": "nonsense"},  # told as such elsewhere
            {"metrics_secure": "true", "metrics_bind_address": "0"},
            {"metrics_cert_path": "/absent", "metrics_bind_address": "0"},
        ],
    )
    def test_what_is_not_served_needs_none(self, flags: dict[str, str]) -> None:
        assert find(flags, TOKEN) == []

    def test_a_certificate_that_is_there_is_fine_and_each_file_that_can_not_be_read_is_named(self, tmp_path: pathlib.Path) -> None:
        for name in ("tls.crt", "tls.key"):
            (tmp_path / name).write_text("x")
        flags = {"metrics_cert_path": str(tmp_path)}
        assert find(flags, TOKEN) == find(flags | {"metrics_secure": "true"}, TOKEN) == []
        problems = find(flags | {"metrics_cert_name": "other.crt", "metrics_cert_key": "other.key"}, TOKEN)
        said = [problem.split(" can't be read")[0] for problem in problems]
        assert said == [f"--metrics-cert-path: {tmp_path}/{name}" for name in ("other.crt", "other.key")]


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, []),
        ({"SSL_CERT_FILE": "/absent", "SSL_CERT_DIR": "/absent:/nowhere"}, ["SSL_CERT_FILE: /absent", "SSL_CERT_DIR: /absent:/nowhere"]),
        ({"SSL_CERT_DIR": "/absent:/"}, []),
        ({"ONEPASSWORD_OPERATOR_CONNECT_CLIENT_CERT": "/x"}, ["no client certificate is used in spite of ONEPASSWORD_OPERATOR_CONN"]),
    ],
)
def test_files_for_tls_that_nobody_uses_are_warned_of_without_tls(given: dict[str, str], warned: list[str]) -> None:
    found = list(checks.unused_tls(given))
    assert len(found) == len(warned)
    assert all(text.startswith(beginning) for text, beginning in zip(found, warned, strict=True))


def test_roots_that_can_not_be_read_matter_where_tls_is_spoken(tmp_path: pathlib.Path) -> None:
    absent = {"SSL_CERT_FILE": str(tmp_path / "absent"), "SSL_CERT_DIR": str(tmp_path)}
    assert [problem.split(":")[0] for problem in find({}, HOST | TOKEN | absent)] == ["SSL_CERT_FILE", "SSL_CERT_DIR"]
    assert find({}, {"OP_CONNECT_HOST": "http://connect"} | TOKEN | absent) == []


CERT, KEY = "ONEPASSWORD_OPERATOR_CONNECT_CLIENT_CERT", "ONEPASSWORD_OPERATOR_CONNECT_CLIENT_KEY"


class TestClientCertificate:
    @pytest.fixture
    def pair(self, tmp_path: pathlib.Path) -> KeyPair:
        return Authority(tmp_path, "an authority").client("own", "operator", [])

    def test_a_certificate_with_its_key_is_fine(self, pair: KeyPair) -> None:
        assert find({}, HOST | TOKEN | {CERT: str(pair.certificate), KEY: str(pair.key)}) == []

    @pytest.mark.parametrize("name", [CERT, KEY])
    def test_one_without_the_other_is_half_of_it(self, name: str) -> None:
        assert problem(HOST | TOKEN | {name: "/x"}) == f"{CERT} and {KEY} belong together; set both, or none"

    def test_what_can_not_be_used_is_named(self, pair: KeyPair) -> None:
        assert problem(HOST | TOKEN | {CERT: str(pair.key), KEY: str(pair.certificate)}).startswith(
            f"{CERT}: {pair.key} and {pair.certificate} are no certificate and its key"
        )

    def test_without_tls_nobody_asks_for_it(self) -> None:
        assert find({}, {"OP_CONNECT_HOST": "http://connect", CERT: "/absent"} | TOKEN) == []
