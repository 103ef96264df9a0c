"""Trust and identity, over real sockets."""

import contextlib
import pathlib
import ssl
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization

from controlplane.certificates import Authority, KeyPair
from fakes.relays import tls_end
from fakes.scripted_server import Server
from onepassword_operator.net import tls
from onepassword_operator.net.proxy import Route
from onepassword_operator.net.tls import TlsFiles, client_tls, unusable_identity, unusable_roots
from unit.net.roundtrip import over_tls, port_of, status


def other_authority(tmp_path: pathlib.Path) -> Authority:
    return Authority(tmp_path / "other", "another")


@pytest.fixture
async def url(server: Server, pair: KeyPair) -> AsyncIterator[str]:
    """A page over TLS, with a certificate of the authority."""
    async with over_tls(server, pair) as port:
        yield f"https://127.0.0.1:{port}/x"


async def trusted(url: str, context: Callable[[], ssl.SSLContext] = client_tls) -> bool:
    try:
        return await status(url, Route(tls=context)) == 200
    except aiohttp.ClientConnectorCertificateError:
        return False


class TestTrust:
    async def test_a_private_authority_is_trusted_if_it_is_given_and_not_unasked(self, url: str, authority: Authority) -> None:
        assert not await trusted(url)
        assert await trusted(url, lambda: client_tls(authority.certificate.read_text()))

    @pytest.mark.parametrize("of", ["authority", "server"])
    async def test_ssl_cert_file_is_trusted_also_if_it_is_the_servers_own_certificate_as_in_go(
        self, url: str, authority: Authority, pair: KeyPair, monkeypatch: pytest.MonkeyPatch, of: str
    ) -> None:
        """The official chart mounts `tls.crt` of a Secret there, which as a rule is the server's own."""
        monkeypatch.setenv("SSL_CERT_FILE", str((authority if of == "authority" else pair).certificate))
        assert await trusted(url)

    async def test_every_file_of_ssl_cert_dir_is_trusted(self, url: str, authority: Authority, tmp_path: pathlib.Path) -> None:
        folder = tmp_path / "roots"
        (folder / "below").mkdir(parents=True)
        (folder / "company.pem").write_bytes(authority.certificate.read_bytes())
        (folder / "a-readme.txt").write_text("no certificate")
        assert await trusted(url, lambda: client_tls(directories=f"/absent::{folder}"))

    async def test_a_given_authority_is_the_only_one(
        self, url: str, authority: Authority, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        other = other_authority(tmp_path).certificate.read_text()
        assert not await trusted(url, lambda: client_tls(other, directories=str(authority.directory)))

    @pytest.mark.parametrize("text", ["", " \n"])
    def test_an_empty_authority_does_not_mean_the_systems(self, text: str) -> None:
        with pytest.raises(ValueError, match="empty"):
            client_tls(text)

    def test_names_are_checked_and_letters_of_rfc_5280_are_not(self) -> None:
        context = client_tls()
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT


@pytest.fixture
def always_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "CHECK_SECONDS", 0.0)


@pytest.mark.usefixtures("always_looking")
class TestChanges:
    """Files are read again when they change, without a restart and without ever going unverified."""

    async def test_an_authority_that_takes_the_place_of_another_is_trusted_from_then_on(
        self, url: str, authority: Authority, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "ca.pem"
        file.write_bytes(other_authority(tmp_path).certificate.read_bytes())
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        files = TlsFiles(file=str(file))
        assert not await trusted(url, files.context)
        file.write_bytes(authority.certificate.read_bytes() + b"\n")
        assert await trusted(url, files.context)

    async def test_a_file_that_is_added_to_a_directory_is_trusted_and_one_that_is_taken_away_is_not(
        self, url: str, authority: Authority, tmp_path: pathlib.Path
    ) -> None:
        folder = other_authority(tmp_path).directory
        files = TlsFiles(directories=str(folder))
        assert not await trusted(url, files.context)
        (folder / "ours.pem").write_bytes(authority.certificate.read_bytes())
        assert await trusted(url, files.context)
        (folder / "ours.pem").unlink()
        assert not await trusted(url, files.context)

    def test_what_can_not_be_read_changes_nothing_and_is_told_once(
        self, authority: Authority, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = tmp_path / "ca.pem"
        file.write_bytes(authority.certificate.read_bytes())
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        files = TlsFiles(file=str(file))
        before = files.context()
        assert files.context() is before, "while nothing changes connections are kept, which are used again only under the same context"
        file.write_text("half of a certif")
        assert files.context() is files.context() is before
        (record,) = caplog.records
        assert record.__dict__["detail"][0].startswith(f"SSL_CERT_FILE: no certificate can be read from {file}")
        file.write_bytes(authority.certificate.read_bytes() + b"\n")
        assert files.context() is not before

    def test_a_link_that_leads_nowhere_or_round_in_circles_hides_no_other_file(self, authority: Authority, tmp_path: pathlib.Path) -> None:
        folder = tmp_path / "roots"
        folder.mkdir()
        (folder / "ca.pem").write_bytes(authority.certificate.read_bytes())
        (folder / "circle").symlink_to("circle")
        (folder / "nowhere").symlink_to("absent")
        (folder / "below-a-file").symlink_to("ca.pem/x")
        assert list(unusable_roots("", str(folder))) == []
        assert len(client_tls(directories=str(folder)).get_ca_certs()) == len(client_tls().get_ca_certs()) + 1


def test_files_are_looked_at_once_in_a_while(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(tls.time, "monotonic", lambda: now[0])  # type: ignore[attr-defined]
    files = TlsFiles(directories=str(tmp_path))
    before = files.context()
    (tmp_path / "ca.pem").write_bytes(other_authority(tmp_path).certificate.read_bytes())
    now[0] += tls.CHECK_SECONDS / 2
    assert files.context() is before
    now[0] += tls.CHECK_SECONDS / 2
    assert files.context() is not before


@contextlib.asynccontextmanager
async def asking_for_a_certificate(server: Server, pair: KeyPair, authority: Authority) -> AsyncIterator[str]:
    context = pair.server_tls()
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    async with tls_end(context, ("127.0.0.1", port_of(server))) as port:
        yield f"https://127.0.0.1:{port}/x"


@pytest.mark.usefixtures("always_looking")
class TestIdentity:
    """A certificate of our own, for servers and gateways that ask for one."""

    async def test_it_is_shown_and_without_one_there_is_no_connection(
        self, server: Server, authority: Authority, pair: KeyPair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        own = authority.client("own", "operator", [])
        async with asking_for_a_certificate(server, pair, authority) as url:
            assert await status(url, Route(tls=TlsFiles(identity=(own.certificate, own.key)).context)) == 200
            with pytest.raises((aiohttp.ClientError, OSError)):
                await status(url, Route(tls=TlsFiles().context))

    async def test_a_new_one_is_shown_without_a_restart(
        self, server: Server, authority: Authority, pair: KeyPair, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        own, foreign = authority.client("own", "operator", []), other_authority(tmp_path).client("own", "operator", [])
        shown = KeyPair(certificate=tmp_path / "shown.crt", key=tmp_path / "shown.key")
        shown.certificate.write_bytes(foreign.certificate.read_bytes())
        shown.key.write_bytes(foreign.key.read_bytes())
        files = TlsFiles(identity=(shown.certificate, shown.key))
        async with asking_for_a_certificate(server, pair, authority) as url:
            with pytest.raises((aiohttp.ClientError, OSError)):
                await status(url, Route(tls=files.context))
            before = files.context()
            shown.certificate.write_bytes(own.certificate.read_bytes() + b"\n")
            assert files.context() is before  # a certificate without its key is not taken
            shown.key.write_bytes(own.key.read_bytes() + b"\n")
            assert await status(url, Route(tls=files.context)) == 200

    def test_files_that_are_no_certificate_and_its_key_are_named_and_no_password_is_asked_for(
        self, authority: Authority, pair: KeyPair, tmp_path: pathlib.Path
    ) -> None:
        assert unusable_identity((pair.certificate, pair.key)) == ""
        key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
        protected = tmp_path / "protected.key"
        how = serialization.BestAvailableEncryption(b"canary")
        protected.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))
        for bad in (tmp_path / "absent", authority.certificate, authority.server("other").key, protected):
            said = unusable_identity((pair.certificate, bad))
            assert said.startswith(f"{pair.certificate} and {bad} are no certificate and its key (")
            assert "canary" not in said


def test_roots_that_can_not_be_read_are_named(authority: Authority, tmp_path: pathlib.Path) -> None:
    assert [*unusable_roots(str(authority.certificate), str(authority.directory)), *unusable_roots("", "")] == []
    (tmp_path / "text").write_text("no certificate")
    for file in (tmp_path / "absent", tmp_path / "text", tmp_path):
        (problem,) = unusable_roots(str(file), "")
        assert problem.startswith(f"SSL_CERT_FILE: no certificate can be read from {file};")
    (problem,) = unusable_roots("", f"{tmp_path}:/absent")
    assert problem.startswith("SSL_CERT_DIR: ")
