"""What does not go together, and what files are missing."""

import base64
import pathlib

import pytest

from controlplane.certificates import Authority, KeyPair
from onepassword_operator.settings import checks
from onepassword_operator.settings.checks import explains, find

HOST, TOKEN = {"OP_CONNECT_HOST": "https://connect"}, {"OP_CONNECT_TOKEN": "canary"}
ACCOUNT = {"OP_SERVICE_ACCOUNT_TOKEN": "canary"}


def test_without_conflicts_nothing_is_said() -> None:
    assert find({}, HOST | TOKEN) == []
    assert not explains("OP_CONNECT_HOST", HOST)


@pytest.mark.parametrize("environment", [ACCOUNT, ACCOUNT | HOST, ACCOUNT | TOKEN])
def test_a_service_account_is_not_supported_and_what_to_set_is_said(environment: dict[str, str]) -> None:
    (problem,) = find({}, environment)
    assert problem.startswith("OP_SERVICE_ACCOUNT_TOKEN: service accounts are not supported, ")
    assert "set OP_CONNECT_HOST and OP_CONNECT_TOKEN" in problem
    assert "canary" not in problem
    assert explains("OP_CONNECT_HOST", environment)
    assert explains("OP_CONNECT_TOKEN", environment)


def test_a_service_account_beside_connect_is_one_too_many() -> None:
    (problem,) = find({}, HOST | TOKEN | ACCOUNT)
    assert "are both set; unset OP_SERVICE_ACCOUNT_TOKEN" in problem
    assert "canary" not in problem


class TestToken:
    @pytest.mark.parametrize("environment", [HOST, HOST | {"OP_CONNECT_TOKEN": "", "OP_CONNECT_TOKEN_FILE": ""}])
    def test_one_is_needed_and_both_ways_are_named(self, environment: dict[str, str]) -> None:
        (problem,) = find({}, environment)
        assert problem.startswith("OP_CONNECT_TOKEN is not set; ")
        assert "OP_CONNECT_TOKEN_FILE to a file" in problem

    def test_two_are_one_too_many(self) -> None:
        (problem,) = find({}, HOST | TOKEN | {"OP_CONNECT_TOKEN_FILE": "/canary"})
        assert problem == "OP_CONNECT_TOKEN and OP_CONNECT_TOKEN_FILE are both set; unset one of them"

    def test_a_file_with_a_token_is_fine(self, tmp_path: pathlib.Path) -> None:
        (tmp_path / "token").write_text(" canary\n")
        assert find({}, HOST | {"OP_CONNECT_TOKEN_FILE": f" {tmp_path}/token "}) == []

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, "can't be read (FileNotFoundError); mount the token there"),
            (b"", "is empty, or has white space"),
            (b"canary canary", "is empty, or has white space"),
            (b"\xff\xfe", "is empty, or has white space or other characters"),
            (base64.b64encode(b"canary.canary.canary"), "is a token in base64; decode it first"),
        ],
    )
    def test_a_file_without_one_is_named(self, tmp_path: pathlib.Path, content: bytes | None, said: str) -> None:
        if content is not None:
            (tmp_path / "token").write_bytes(content)
        (problem,) = find({}, HOST | {"OP_CONNECT_TOKEN_FILE": f"{tmp_path}/token"})
        assert problem.startswith(f"OP_CONNECT_TOKEN_FILE: {tmp_path}/token {said}")
        assert "canary" not in problem


class TestMetrics:
    @pytest.fixture
    def folder(self, tmp_path: pathlib.Path) -> pathlib.Path:
        for name in ("tls.crt", "tls.key"):
            (tmp_path / name).write_text("x")
        return tmp_path

    @pytest.mark.parametrize(
        "flags",
        [
            {"metrics_secure": "true"},
            {"metrics_secure": "T", "metrics_cert_path": ""},
            {"metrics_secure": "1", "metrics_bind_address": ":8443"},
        ],
    )
    def test_https_needs_a_certificate(self, flags: dict[str, str]) -> None:
        (problem,) = find(flags, TOKEN)
        assert problem.startswith("--metrics-secure needs --metrics-cert-path, a directory with tls.crt and tls.key")

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

    def test_a_certificate_that_is_there_is_fine(self, folder: pathlib.Path) -> None:
        assert find({"metrics_secure": "true", "metrics_cert_path": str(folder)}, TOKEN) == []
        assert find({"metrics_cert_path": str(folder)}, TOKEN) == []

    def test_each_file_that_can_not_be_read_is_named(self, folder: pathlib.Path) -> None:
        flags = {"metrics_cert_path": str(folder), "metrics_cert_name": "other.crt", "metrics_cert_key": "other.key"}
        problems = find(flags, TOKEN)
        assert [problem.split(" can't be read")[0] for problem in problems] == [
            f"--metrics-cert-path: {folder}/other.crt",
            f"--metrics-cert-path: {folder}/other.key",
        ]


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
        (problem,) = find({}, HOST | TOKEN | {name: "/x"})
        assert problem == f"{CERT} and {KEY} belong together; set both, or none"

    def test_what_can_not_be_used_is_named(self, pair: KeyPair) -> None:
        (problem,) = find({}, HOST | TOKEN | {CERT: str(pair.key), KEY: str(pair.certificate)})
        assert problem.startswith(f"{CERT}: {pair.key} and {pair.certificate} are no certificate and its key")

    def test_without_tls_nobody_asks_for_it(self) -> None:
        assert find({}, {"OP_CONNECT_HOST": "http://connect", CERT: "/absent"} | TOKEN) == []


def test_empty_variables_are_none() -> None:
    assert checks.find({}, {"OP_SERVICE_ACCOUNT_TOKEN": "", "SSL_CERT_FILE": "", "SSL_CERT_DIR": ""} | HOST | TOKEN) == []
