"""How the API server is found and trusted."""

import base64
import pathlib
import ssl
from typing import Any

import pytest
import yaml

from controlplane.certificates import Authority
from onepassword_operator.cluster import credentials
from onepassword_operator.cluster.credentials import KubeconfigError, TokenFile, load


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a kubeconfig may name."""
    authority = Authority(tmp_path_factory.mktemp("authority"), "fake")
    own = authority.client("own", "operator", [])
    files = {"certificate-authority": authority.certificate, "client-certificate": own.certificate, "client-key": own.key}
    return {name: file.read_text() for name, file in files.items()}


def kubeconfig(folder: pathlib.Path, *, cluster: Any = None, user: Any = None, **context: str) -> str:
    config = {
        "current-context": "here",
        "contexts": [{"name": "other"}, {"name": "here", "context": {"cluster": "c", "user": "u"} | context}],
        "clusters": [{"name": "c", "cluster": cluster or {"server": "http://api:8080/"}}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_a_named_kubeconfig_wins(tmp_path: pathlib.Path) -> None:
    access = load(kubeconfig(tmp_path, user={"token": "canary"}), {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    assert access.server == "http://api:8080"
    assert (access.ssl_context, access.namespace) == (None, "")
    assert access.token
    assert access.token() == "canary"
    assert "canary" not in f"{access!r} {access.token!r}"


def test_the_namespace_is_that_of_the_context_and_a_token_file_is_found_beside_the_kubeconfig(tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").write_text("fake\n")
    access = load(kubeconfig(tmp_path, user={"tokenFile": "token"}, namespace="ops"), {})
    assert access.namespace == "ops"
    assert access.token
    assert access.token() == "fake"
    assert load(kubeconfig(tmp_path), {}).token is None


@pytest.mark.parametrize("inline", [True, False])
def test_certificates_come_inline_or_as_files(tmp_path: pathlib.Path, pem: dict[str, str], *, inline: bool) -> None:
    for name, text in pem.items():
        (tmp_path / name).write_text(text)
    with_line_breaks = {f"{name}-data": base64.encodebytes(text.encode()).decode() for name, text in pem.items()}
    section = with_line_breaks if inline else {name: name for name in pem}
    context = load(kubeconfig(tmp_path, cluster={"server": "https://api:6443"} | section, user=section), {}).ssl_context
    assert context
    assert (context.verify_mode, context.check_hostname, len(context.get_ca_certs())) == (ssl.CERT_REQUIRED, True, 1)


def test_verification_ends_only_where_the_kubeconfig_says_so(tmp_path: pathlib.Path) -> None:
    context = load(kubeconfig(tmp_path, cluster={"server": "https://api", "insecure-skip-tls-verify": True}), {}).ssl_context
    assert context
    assert context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize("authority", [{"-data": "!!!"}, {"-data": base64.b64encode(b"canary").decode()}, {"": "empty"}])
def test_certificates_that_are_none_are_said_to_be_none(tmp_path: pathlib.Path, authority: dict[str, str]) -> None:
    (tmp_path / "empty").touch()
    cluster = {"server": "https://api"} | {f"certificate-authority{suffix}": value for suffix, value in authority.items()}
    with pytest.raises(KubeconfigError, match="certificates that can't be loaded") as caught:
        load(kubeconfig(tmp_path, cluster=cluster), {})
    assert "canary" not in str(caught.value)


def test_a_kubeconfig_without_an_authority_trusts_the_systems_roots_and_ssl_cert_dir(tmp_path: pathlib.Path, pem: dict[str, str]) -> None:
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "own.pem").write_text(pem["certificate-authority"])
    context = load(kubeconfig(tmp_path, cluster={"server": "https://api"}), {"SSL_CERT_DIR": str(tmp_path / "roots")}).ssl_context
    assert context
    assert ssl.PEM_cert_to_DER_cert(pem["certificate-authority"]) in context.get_ca_certs(binary_form=True)


@pytest.mark.parametrize("plugin", ["exec", "auth-provider"])
def test_a_login_plugin_is_not_run(tmp_path: pathlib.Path, plugin: str) -> None:
    with pytest.raises(KubeconfigError, match="plugin"):
        load(kubeconfig(tmp_path, user={plugin: {}}), {})


ABSENT = "does not exist; set --kubeconfig or KUBECONFIG to one file that does, or neither"
NONE = "can't be used: it needs a current-context that names a cluster and a user"


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, ABSENT)]
    + [(text, NONE) for text in ("", "[]", "a: [", "current-context: x", "{current-context: x, contexts: [], clusters: [], users: []}")],
)
def test_a_kubeconfig_that_is_none_is_named_with_the_remedy(tmp_path: pathlib.Path, text: str | None, said: str) -> None:
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(KubeconfigError, match=f"kubeconfig {path} {said}"):
        load(str(path), {})


class TestInAPod:
    @pytest.fixture
    def account(self, tmp_path: pathlib.Path, pem: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
        folder = tmp_path / "serviceaccount"
        folder.mkdir()
        (folder / "token").write_text("first\n")
        (folder / "ca.crt").write_text(pem["certificate-authority"])
        monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", folder)
        return folder

    @pytest.mark.usefixtures("account")
    @pytest.mark.parametrize(("host", "port", "server"), [("10.0.0.1", "6443", "10.0.0.1:6443"), ("fd00::1", None, "[fd00::1]:443")])
    def test_the_service_account_and_its_authority_alone_are_used(
        self, pem: dict[str, str], host: str, port: str | None, server: str
    ) -> None:
        chosen = {"KUBERNETES_SERVICE_PORT": port} if port else {}
        access = load(None, {"KUBERNETES_SERVICE_HOST": host, "SSL_CERT_DIR": "/etc/ssl/certs"} | chosen)
        assert access.server == f"https://{server}"
        assert access.ssl_context
        assert access.ssl_context.get_ca_certs(binary_form=True) == [ssl.PEM_cert_to_DER_cert(pem["certificate-authority"])]
        assert access.token
        assert access.token() == "first"

    def test_an_empty_authority_is_an_error_and_does_not_mean_the_systems(self, account: pathlib.Path) -> None:
        (account / "ca.crt").write_text("")
        with pytest.raises(ValueError, match="authority is empty"):
            load(None, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})

    @pytest.mark.parametrize("by_kubeconfig", [False, True])
    def test_a_new_authority_in_its_file_is_trusted_within_a_minute_and_an_unusable_one_changes_nothing(
        self, account: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, *, by_kubeconfig: bool
    ) -> None:
        now = [0.0]
        monkeypatch.setattr("time.monotonic", lambda: now[0])
        file, new = account / "ca.crt", Authority(tmp_path / "new", "new").certificate.read_text()
        cluster = {"server": "https://api", "certificate-authority": str(file)}
        access = load(kubeconfig(tmp_path, cluster=cluster) if by_kubeconfig else None, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
        assert access.authority
        assert access.ssl_context
        file.write_text(file.read_text() + new)
        for seconds, trusted in ((60.0, 1), (0.1, 2), (61.0, 2), (61.0, 2)):
            now[0] += seconds
            access.authority.check()
            assert len(access.ssl_context.get_ca_certs()) == trusted
            if trusted == 2:
                file.write_text("no certificate")

    def test_the_token_is_read_again_once_a_minute_and_the_last_good_one_serves_while_the_file_is_gone(
        self, account: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = 0.5
        monkeypatch.setattr("time.monotonic", lambda: now)
        with pytest.raises(OSError, match="absent"):
            TokenFile(account / "absent")()
        token = TokenFile(account / "token")
        assert token() == "first"
        (account / "token").write_text("second")
        now += 60
        assert token() == "first"
        now += 1
        assert token() == "second"
        (account / "token").unlink()
        now += 61
        assert token() == "second"


def test_the_users_own_kubeconfig_is_the_last_resort_and_without_it_the_error_says_where_was_looked(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", tmp_path / "absent")
    with pytest.raises(KubeconfigError, match="set KUBECONFIG") as caught:
        load(None, {"HOME": str(tmp_path)})
    assert str(tmp_path / ".kube" / "config") in str(caught.value)
    (tmp_path / ".kube").mkdir()
    kubeconfig(tmp_path / ".kube")
    assert load(None, {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "10.0.0.1"}).server == "http://api:8080"
