"""Files that a shape makes, read by the programs that they are for."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import dotenv
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from harness.paths import TOOLS
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NotConvertibleError
from onepassword_operator.model.recipe import Bundle, BundleFormat, Entry, Format, Registry
from onepassword_operator.rules.contents import formats

AWKWARD = "ab'\"\\$(){}[]=#%&|;<>\n\r\t ä€\u2028\ufeff`!~*?:@/\0"


def read(*arguments: str | Path) -> Any:
    return json.loads(subprocess.run([TOOLS / "bin" / "readers", *arguments], capture_output=True, check=True).stdout)


def dotenv_of(data: dict[str, str]) -> str:
    held = {name: Confidential.of_text(value) for name, value in data.items()}
    return formats.bundled(held, Bundle(BundleFormat.DOTENV), key=".env").reveal().decode()


def is_written(value: str) -> bool:
    try:
        dotenv_of({"A": value})
    except NotConvertibleError:
        return False
    return True


def test_compose_python_and_a_shell_read_the_same_from_a_dotenv_file(tmp_path: Path) -> None:
    generator = random.Random(1)  # noqa: S311  test data
    values = ["".join(generator.choices(AWKWARD, k=generator.randint(0, 8))) for _ in range(2000)]
    data = {f"KEY_{number}": value for number, value in enumerate(values) if is_written(value)}
    assert 300 < len(data) < 1999
    file = tmp_path / ".env"
    file.write_text(dotenv_of(data), newline="")
    assert read("dotenv", file) == data
    assert dotenv.dotenv_values(file) == data
    script = f". {file}; for n in {' '.join(data)}; do eval printf '%s\\\\0' '\"$'$n'\"'; done"
    shown = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode()
    assert shown.split("\0")[:-1] == list(data.values())


def test_docker_reads_the_credentials_of_each_registry(tmp_path: Path) -> None:
    registries = (Registry("ghcr.io", "robot", "$(p)"), Registry("docker.io", "me", "$(p)"))
    password = Confidential.of_text("pä:\"ss'\\$")
    made = formats.docker_config(Entry("c", registries=registries), {"p": password}, room=1000)
    assert made is not None
    file = tmp_path / "config.json"
    file.write_bytes(made.reveal())
    for server, user in (("ghcr.io", "robot"), ("https://index.docker.io/v1/", "me")):
        found = read("docker-config", file, server)
        assert (found["username"], found["password"]) == (user, "pä:\"ss'\\$")


KEYS: dict[str, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    **{curve.name: ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())},
}


@pytest.mark.parametrize("kind", KEYS)
def test_ssh_reads_a_private_key(kind: str, tmp_path: Path) -> None:
    pem = KEYS[kind].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "key"
    file.write_bytes(formats.converted(Confidential(pem), Format.OPENSSH, name="private key", key="k").reveal())
    file.chmod(0o600)
    public = KEYS[kind].public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    assert read("ssh-key", file) == public
    if shutil.which("ssh-keygen"):  # a small machine has none
        shown = subprocess.run(["ssh-keygen", "-y", "-f", file], capture_output=True, text=True, check=True).stdout
        assert shown.split()[:2] == public.split()
