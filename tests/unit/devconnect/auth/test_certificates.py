"""TLS of the API port."""

import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from onepassword_operator.devconnect.auth import certificates
from onepassword_operator.devconnect.auth.certificates import CertificateError, SelfMade
from onepassword_operator.devconnect.runtime import DevConnect, Options

NAMES = certificates.LOOPBACK_NAMES


async def ask(context: ssl.SSLContext, url: str, *, trusting: bytes, clock: Any) -> int:
    server = await DevConnect.start(options=Options(clock=clock, tls=context))
    assert server.url.startswith("https://127.0.0.1:")
    trust = ssl.create_default_context(cadata=trusting.decode())
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        async with aiohttp.ClientSession() as session, session.get(server.url.replace("127.0.0.1", url) + "/heartbeat", ssl=trust) as reply:
            return reply.status
    finally:
        await server.stop()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_clients_that_trust_the_authority_reach_the_server(clock: Any, name: str) -> None:
    made = SelfMade.make([*NAMES, "connect.example"])
    assert await ask(made.context(), name, trusting=made.authority, clock=clock) == 200


async def test_the_certificate_is_good_for_its_names_and_authority_only(clock: Any) -> None:
    made = SelfMade.make(["connect.example"])
    for authority in (made.authority, SelfMade.make(NAMES).authority):
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(made.context(), "127.0.0.1", trusting=authority, clock=clock)


async def test_a_given_certificate_is_used(clock: Any, tmp_path: Path) -> None:
    made = SelfMade.make(NAMES)
    (tmp_path / "tls.crt").write_bytes(made.certificate)
    (tmp_path / "tls.key").write_bytes(made.key)
    context = certificates.context(tmp_path / "tls.crt", tmp_path / "tls.key")
    assert await ask(context, "127.0.0.1", trusting=made.authority, clock=clock) == 200


def test_a_kept_certificate_stays_while_its_names_do(tmp_path: Path) -> None:
    path = tmp_path / "tls.pem"
    first = SelfMade.keep(path, NAMES)
    assert SelfMade.keep(path, ["localhost"]) == first
    more = SelfMade.keep(path, [*NAMES, "connect.example"])
    assert more.authority != first.authority
    assert SelfMade.keep(path, NAMES) == more
    path.write_text("damaged")
    assert SelfMade.keep(path, NAMES) != more
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_certificate_is_said(tmp_path: Path) -> None:
    first, second = SelfMade.make(NAMES), SelfMade.make(NAMES)
    for name, content in (("crt", first.certificate), ("other", second.key), ("text", b"x")):
        (tmp_path / name).write_bytes(content)
    for key in ("other", "text", "absent"):
        with pytest.raises(CertificateError, match=key):
            certificates.context(tmp_path / "crt", tmp_path / key)
    with pytest.raises(CertificateError, match="punycode"):
        SelfMade.make(["größe"])
