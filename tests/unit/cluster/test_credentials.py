"""How the API server is found and trusted."""

import base64
import datetime
import pathlib
import ssl
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from onepassword_operator.cluster import credentials
from onepassword_operator.cluster.credentials import FixedToken, TokenFile, load
from onepassword_operator.model.errors import ClusterUnavailableError


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """A certificate and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake")])
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()


def kubeconfig(folder: pathlib.Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> str:
    config = {
        "current-context": "here",
        "contexts": [{"name": "other"}, {"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster or {"server": "http://api:8080/"}}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_a_named_kubeconfig_wins(tmp_path: pathlib.Path) -> None:
    access = load(kubeconfig(tmp_path, user={"token": "canary"}), {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    assert access.server == "http://api:8080"
    assert access.ssl_context is None
    assert access.token
    assert access.token() == "canary"
    assert "canary" not in repr(access)


def test_the_namespace_is_that_of_the_context(tmp_path: pathlib.Path) -> None:
    path = pathlib.Path(kubeconfig(tmp_path, user={}))
    assert load(str(path), {}).namespace == ""
    config = yaml.safe_load(path.read_text())
    config["contexts"][1]["context"]["namespace"] = "ops"
    path.write_text(yaml.safe_dump(config))
    assert load(str(path), {}).namespace == "ops"


def test_a_user_without_credentials_has_no_token(tmp_path: pathlib.Path) -> None:
    assert load(kubeconfig(tmp_path), {}).token is None


def test_a_token_file_is_found_beside_the_kubeconfig(tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").write_text("fake\n")
    access = load(kubeconfig(tmp_path, user={"tokenFile": "token"}), {})
    assert access.token
    assert access.token() == "fake"


@pytest.mark.parametrize("inline", ["data", "files"])
def test_certificates_come_inline_or_as_files(tmp_path: pathlib.Path, pair: tuple[str, str], inline: str) -> None:
    certificate, key = pair
    cluster: dict[str, Any] = {"server": "https://api:6443"}
    user: dict[str, Any] = {}
    for section, name, text in (
        (cluster, "certificate-authority", certificate),
        (user, "client-certificate", certificate),
        (user, "client-key", key),
    ):
        if inline == "data":
            section[f"{name}-data"] = base64.encodebytes(text.encode()).decode()  # with line breaks
        else:
            (tmp_path / name).write_text(text)
            section[name] = name
    context = load(kubeconfig(tmp_path, cluster=cluster, user=user), {}).ssl_context
    assert context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


def test_verification_ends_only_where_the_kubeconfig_says_so(tmp_path: pathlib.Path) -> None:
    context = load(kubeconfig(tmp_path, cluster={"server": "https://api", "insecure-skip-tls-verify": True}), {}).ssl_context
    assert context
    assert context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize("data", ["!!!", base64.b64encode(b"canary").decode()])
def test_certificates_that_are_none_are_said_to_be_none(tmp_path: pathlib.Path, data: str) -> None:
    cluster = {"server": "https://api", "certificate-authority-data": data}
    with pytest.raises(ClusterUnavailableError, match="certificates") as caught:
        load(kubeconfig(tmp_path, cluster=cluster), {})
    assert "canary" not in str(caught.value)


def test_a_kubeconfig_with_an_empty_authority_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ca.crt").touch()
    with pytest.raises(ClusterUnavailableError, match="certificates that can't be loaded"):
        load(kubeconfig(tmp_path, cluster={"server": "https://api", "certificate-authority": "ca.crt"}), {})


def test_a_kubeconfig_without_an_authority_trusts_the_systems_roots_and_ssl_cert_dir(tmp_path: pathlib.Path, pair: tuple[str, str]) -> None:
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "own.pem").write_text(pair[0])
    context = load(kubeconfig(tmp_path, cluster={"server": "https://api"}), {"SSL_CERT_DIR": str(tmp_path / "roots")}).ssl_context
    assert context
    assert ssl.PEM_cert_to_DER_cert(pair[0]) in context.get_ca_certs(binary_form=True)


@pytest.mark.parametrize("plugin", ["exec", "auth-provider"])
def test_a_login_plugin_is_not_run(tmp_path: pathlib.Path, plugin: str) -> None:
    with pytest.raises(ClusterUnavailableError, match="plugin"):
        load(kubeconfig(tmp_path, user={plugin: {}}), {})


@pytest.mark.parametrize("text", ["", "[]", "a: [", "current-context: x", "{current-context: x, contexts: [], clusters: [], users: []}"])
def test_a_kubeconfig_that_is_none_is_named(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ClusterUnavailableError, match=str(path)):
        load(str(path), {})


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ClusterUnavailableError, match="FileNotFoundError"):
        load(str(tmp_path / "absent"), {})


class TestInAPod:
    @pytest.fixture
    def account(self, tmp_path: pathlib.Path, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
        folder = tmp_path / "serviceaccount"
        folder.mkdir()
        (folder / "token").write_text("first\n")
        (folder / "ca.crt").write_text(pair[0])
        monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", folder)
        return folder

    @pytest.mark.parametrize(
        ("environment", "server"),
        [
            ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, "https://10.0.0.1:6443"),
            ({"KUBERNETES_SERVICE_HOST": "fd00::1"}, "https://[fd00::1]:443"),
        ],
    )
    def test_the_service_account_is_used(self, account: pathlib.Path, environment: dict[str, str], server: str) -> None:
        access = load(None, environment)
        assert access.server == server
        assert access.ssl_context
        assert access.token
        assert access.token() == "first"
        assert account.exists()

    @pytest.mark.usefixtures("account")
    def test_only_the_clusters_own_authority_is_trusted(self, pair: tuple[str, str]) -> None:
        context = load(None, {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "SSL_CERT_DIR": "/etc/ssl/certs"}).ssl_context
        assert context
        assert context.get_ca_certs(binary_form=True) == [ssl.PEM_cert_to_DER_cert(pair[0])]

    def test_an_empty_authority_is_an_error_and_does_not_mean_the_systems(self, account: pathlib.Path) -> None:
        (account / "ca.crt").write_text("")
        with pytest.raises(ValueError, match="authority is empty"):
            load(None, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})

    def test_the_token_is_read_again_once_a_minute(self, account: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 0.5
        monkeypatch.setattr("time.monotonic", lambda: now)
        token = TokenFile(account / "token")
        assert token() == "first"
        (account / "token").write_text("second")
        now += 60
        assert token() == "first"
        now += 1
        assert token() == "second"

    def test_the_last_good_token_serves_while_the_file_is_gone(self, account: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 100.0
        monkeypatch.setattr("time.monotonic", lambda: now)
        token = TokenFile(account / "token")
        assert token() == "first"
        (account / "token").unlink()
        now += 61
        assert token() == "first"

    def test_without_any_token_there_is_an_error(self, tmp_path: pathlib.Path) -> None:
        with pytest.raises(OSError, match="absent"):
            TokenFile(tmp_path / "absent")()


def test_the_users_own_kubeconfig_is_the_last_resort(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", tmp_path / "absent")
    (tmp_path / ".kube").mkdir()
    kubeconfig(tmp_path / ".kube")
    assert load(None, {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "10.0.0.1"}).server == "http://api:8080"


def test_without_anything_the_error_says_where_was_looked(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", tmp_path / "absent")
    with pytest.raises(ClusterUnavailableError, match="set KUBECONFIG") as caught:
        load(None, {"HOME": str(tmp_path)})
    assert str(tmp_path / ".kube" / "config") in str(caught.value)


def test_a_fixed_token_is_not_shown() -> None:
    assert "canary" not in repr(FixedToken(token="canary"))
