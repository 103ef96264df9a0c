"""HTTPS for /metrics, over real sockets, and a certificate that is renewed while it serves."""

import asyncio
import pathlib
import shutil
import ssl

import pytest
from cryptography import x509

from controlplane.certificates import Authority
from harness.ports import free_port
from onepassword_operator.telemetry import probes
from onepassword_operator.telemetry.probes import exposition, serve
from onepassword_operator.telemetry.serving_certificate import ServingCertificateError, serving_tls


class Mounted:
    """A directory as the kubelet mounts a Secret: the files are links through `..data`, which is what is exchanged."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._authority = Authority(folder / "authority", "authority")
        self._number = 0
        for name in ("tls.crt", "tls.key"):
            (folder / name).symlink_to(pathlib.Path("..data") / name)
        self.renew()

    def renew(self) -> int:
        """Exchange both files at once; the new certificate's serial number."""
        self._number += 1
        data = self.folder / f"..{self._number}"
        data.mkdir()
        pair = self._authority.server(f"pair-{self._number}")
        shutil.copy(pair.certificate, data / "tls.crt")
        shutil.copy(pair.key, data / "tls.key")
        (self.folder / "..new").symlink_to(data.name)
        (self.folder / "..new").replace(self.folder / "..data")
        return x509.load_pem_x509_certificate(pair.certificate.read_bytes()).serial_number

    @property
    def files(self) -> tuple[pathlib.Path, pathlib.Path]:
        return self.folder / "tls.crt", self.folder / "tls.key"

    @property
    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._authority.certificate))


async def scrape(port: int, trusted: ssl.SSLContext, *, name: str = "127.0.0.1") -> tuple[bytes, int]:
    """The reply to a scrape, and the serial number of the certificate that it came with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted, server_hostname=name)
    try:
        seen = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return await reader.read(), x509.load_der_x509_certificate(seen).serial_number
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def mounted(tmp_path: pathlib.Path) -> Mounted:
    return Mounted(tmp_path)


ROUTES = {"/metrics": exposition(lambda: b"a 1\n", "text/plain")}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])  # without and with a name in the handshake
async def test_metrics_come_over_https_with_the_certificate_of_the_files_and_with_a_renewed_one(mounted: Mounted, name: str) -> None:
    port, first = free_port(), mounted.renew()
    async with serve(("127.0.0.1", port), ROUTES, flag="--x", tls=serving_tls(mounted.files)):
        reply, serial = await scrape(port, mounted.trusted, name=name)
        assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
        assert reply.endswith(b"\r\n\r\na 1\n")
        assert serial == first
        second = mounted.renew()
        assert (await scrape(port, mounted.trusted, name=name))[1] == second != first
        assert (await scrape(port, mounted.trusted, name=name))[1] == second


async def test_half_of_a_renewal_does_not_stop_it(mounted: Mounted, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with serve(("127.0.0.1", port), ROUTES, flag="--x", tls=serving_tls(mounted.files)):
        _, first = await scrape(port, mounted.trusted)
        data = mounted.folder / (mounted.folder / "..data").readlink()
        key = (data / "tls.key").read_bytes()
        for half in (b"", None):
            (data / "tls.key").write_bytes(half) if half is not None else (data / "tls.key").unlink()
            assert (await scrape(port, mounted.trusted))[1] == first
        assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
        (data / "tls.key").write_bytes(key)
        assert (await scrape(port, mounted.trusted))[1] == first
        assert (await scrape(port, mounted.trusted))[1] == first
        second = mounted.renew()
        assert (await scrape(port, mounted.trusted))[1] == second


@pytest.mark.parametrize("sent", [b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", b""])
async def test_whoever_begins_no_handshake_gets_nothing_and_is_closed(
    mounted: Mounted, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "STEP_SECONDS", 0.05)
    port = free_port()
    async with serve(("127.0.0.1", port), ROUTES, flag="--x", tls=serving_tls(mounted.files)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert b"a 1" not in await reader.read()
        writer.close()


def test_no_files_are_plain_http() -> None:
    assert serving_tls(None) is None


@pytest.mark.parametrize("what", ["absent", "text", "of another pair"])
def test_files_that_are_no_pair_are_refused_by_name(mounted: Mounted, tmp_path: pathlib.Path, what: str) -> None:
    certificate, key = mounted.files
    other = tmp_path / "other.key"
    if what == "text":
        other.write_text("canary")
    elif what == "of another pair":
        shutil.copy(key, other)
        mounted.renew()
    with pytest.raises(ServingCertificateError, match=r"--metrics-cert-path: .*/tls.crt and .*/other.key are no certificate") as caught:
        serving_tls((certificate, other))
    assert "canary" not in str(caught.value)
