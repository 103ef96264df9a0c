"""Forms of a value, read back by the programs that they are made for, and what can't take the form."""

import base64
import io
import json
import subprocess
from collections.abc import Mapping

import dotenv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NotConvertibleError, ShapeError
from onepassword_operator.model.recipe import Bundle, BundleFormat, Entry, Format, Registry
from onepassword_operator.rules.contents import formats

SEED = "JBSWY3DPEHPK3PXP"
ENV = Bundle(BundleFormat.DOTENV)


def converted(value: bytes, to: Format) -> bytes:
    return formats.converted(Confidential(value), to, name="a field", key="a-key").reveal()


@pytest.mark.parametrize(
    ("value", "to", "expected"),
    [
        (b"any\xff", Format.NONE, b"any\xff"),
        (b"any\xff", Format.BASE64_ENCODED, b"YW55/w=="),
        (b"YW55/w==", Format.BASE64_DECODED, b"any\xff"),
        (b" YW55\r\n_w \n", Format.BASE64_DECODED, b"any\xff"),
        (SEED.encode(), Format.OTP_SECRET, SEED.encode()),
        (b"jbsw y3dp ehpk3pxp\n", Format.OTP_SECRET, SEED.encode()),
        (b"otpauth://totp/Acme#1?secret=jBSW-y3dp".replace(b"-", b""), Format.OTP_SECRET, b"JBSWY3DP"),
        (f"otpauth://totp/x:y?issuer=z&secret={SEED.lower()}%3D".encode(), Format.OTP_SECRET, SEED.encode()),
    ],
)
def test_a_field_is_converted(value: bytes, to: Format, expected: bytes) -> None:
    assert converted(value, to) == expected


@pytest.mark.parametrize(
    ("value", "to", "words"),
    [
        (b"canary!", Format.BASE64_DECODED, "is not base64"),
        (b"canary==", Format.BASE64_DECODED, ""),
        (b"c", Format.BASE64_DECODED, "is not base64"),
        (b"canary 0189", Format.OTP_SECRET, "otpauth://"),
        (b"canary\xff", Format.OTP_SECRET, "otpauth://"),
        (b"example-canary-password", Format.OTP_SECRET, "otpauth://"),
        (b"canaryhorsebatteryxyz" + b"a" * 6, Format.OTP_SECRET, "otpauth://"),
        (b"otpauth://totp/x?secret=" + b"A" * 5000, Format.OTP_SECRET, "otpauth://"),
        (b" ==", Format.BASE64_DECODED, "is not base64"),
        (b"YQ==YQ==", Format.BASE64_DECODED, "is not base64"),
        (b"YQ" + b"\n" * 2 * 1024 * 1024, Format.BASE64_DECODED, "is not base64"),
        (b"ExampleCanaryPassword", Format.OTP_SECRET, "otpauth://"),
        (b"CANARY", Format.OTP_SECRET, "otpauth://"),
        (b"otpauth://totp/canary", Format.OTP_SECRET, "otpauth://"),
        (b"otpauth://[canary?secret=A", Format.OTP_SECRET, "otpauth://"),
        (b"", Format.OTP_SECRET, "otpauth://"),
        (b"canary", Format.OPENSSH, "a private key without a passphrase"),
    ],
)
def test_what_has_another_form_is_refused_by_name_and_never_with_its_value(value: bytes, to: Format, words: str) -> None:
    if not words:
        assert converted(value, to)  # padding says nothing
        return
    with pytest.raises(NotConvertibleError) as refused:
        converted(value, to)
    assert (words in str(refused.value), '"a field"' in str(refused.value), '"a-key"' in str(refused.value)) == (True, True, True)
    assert "canary" not in str(refused.value)
    assert refused.value.__context__ is None


def bundled(data: Mapping[str, bytes], kind: BundleFormat) -> bytes:
    held = {name: Confidential(value) for name, value in data.items()}
    return formats.bundled(held, Bundle(kind), key=".env").reveal()


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,3}", fullmatch=True), st.text(st.sampled_from("ab'\"\\$(){}=#\n\r\t ä`!~\0")), max_size=3
    )
)
def test_a_dotenv_file_is_read_alike_by_python_and_by_a_shell_or_refused(data: dict[str, str]) -> None:
    try:
        made = bundled({name: value.encode() for name, value in data.items()}, BundleFormat.DOTENV).decode()
    except NotConvertibleError:
        return
    assert dotenv.dotenv_values(stream=io.StringIO(made, newline=None)) == data
    for name, value in data.items():
        script = f'{made}\nprintf %s. "${name}"'
        assert subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode() == value + "."


def test_a_json_file_has_every_text_sorted() -> None:
    made = bundled({"b": 'ä"\n'.encode(), "a.b-c": b""}, BundleFormat.JSON)
    assert json.loads(made) == {"a.b-c": "", "b": 'ä"\n'}
    assert made.index(b"a.b-c") < made.index(b'"b"')


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        ({"A": b"canary'"}, BundleFormat.DOTENV, 'the value of "A"'),
        ({"A": b"canary\\"}, BundleFormat.DOTENV, 'the value of "A"'),
        ({"A": b"canary${B}"}, BundleFormat.DOTENV, "use JSON"),
        ({"A-B": b"canary"}, BundleFormat.DOTENV, '"A-B" can\'t be the name of a variable'),
        ({"A": b"canary\xff"}, BundleFormat.DOTENV, '"A" in the text of key ".env"'),
        ({"A": b"canary\xff"}, BundleFormat.JSON, '"A" in the text of key ".env"'),
    ],
)
def test_what_can_not_stand_in_a_file_is_refused_by_name(data: dict[str, bytes], kind: BundleFormat, words: str) -> None:
    with pytest.raises(ShapeError) as refused:
        bundled(data, kind)
    assert (words in str(refused.value), "canary" in str(refused.value)) == (True, False)


def docker_config(*registries: Registry, room: int = 1000, **fields: bytes) -> Confidential | None:
    entry = Entry(".dockerconfigjson", registries=registries)
    return formats.docker_config(entry, {name: Confidential(value) for name, value in fields.items()}, room=room)


def test_credentials_of_registries_are_written_as_dockers_programs_read_them() -> None:
    made = docker_config(Registry("ghcr.io", "$(u)-robot", "$(p)"), Registry("docker.io", "me", "x$$"), u=b"my", p='pä:"ss'.encode())
    assert made is not None
    auths = json.loads(made.reveal())["auths"]
    assert {server: (each["username"], each["password"]) for server, each in auths.items()} == {
        "ghcr.io": ("my-robot", 'pä:"ss'),
        "https://index.docker.io/v1/": ("me", "x$"),
    }
    assert all(base64.b64decode(each["auth"]).decode() == f"{each['username']}:{each['password']}" for each in auths.values())


@pytest.mark.parametrize("server", ["docker.io", "Docker.io/", "https://index.docker.io/v1", "hub.docker.com"])
def test_docker_hub_has_one_name(server: str) -> None:
    assert formats.registry_key(server) == "https://index.docker.io/v1/"
    assert formats.registry_key("ghcr.io/v1") == "ghcr.io/v1"


def test_a_user_name_with_a_colon_and_credentials_beyond_the_room_are_refused() -> None:
    with pytest.raises(NotConvertibleError, match=r"the user name for ghcr\.io"):
        docker_config(Registry("ghcr.io", "$(u)", "p"), u=b"canary:user")
    assert docker_config(Registry("ghcr.io", "$(u)", "p"), u=b"x" * 11, room=10) is None
    assert docker_config(Registry("ghcr.io", "u", "$(u)"), u=b"x" * 11, room=10) is None
    assert docker_config(Registry("a", "$(u)", "p"), Registry("b", "$(u)", "p"), u=b"x" * 8, room=10) is None
