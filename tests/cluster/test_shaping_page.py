"""docs/shaping.md, followed: its resources give the keys that it says, and programs that read such values take them."""

import base64
import json
import re
import ssl
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from psycopg import conninfo

from controlplane.certificates import Authority
from harness.fixtures import MakeWorld

pytestmark = pytest.mark.cluster

PAGE = (Path(__file__).parents[2] / "docs" / "shaping.md").read_text()
BLOCK = r"^((?:    .*\n)+)"
EXAMPLES = [(yaml.safe_load(text), keys) for text, keys in re.findall(BLOCK + r"\nKeys: (.+)\.$", PAGE, re.MULTILINE)]
PRINTABLE = "".join(sorted(set(string.printable) - set("\x0b\x0c")))


def test_every_block_is_an_example_with_its_keys_or_somebody_elses() -> None:
    documents = [yaml.safe_load(text) for text in re.findall(BLOCK, PAGE, re.MULTILINE)]
    assert [each for each in documents if "kind" in each] == [each for each, _ in EXAMPLES]
    assert len({each["metadata"]["name"] for each, _ in EXAMPLES}) == len(EXAMPLES) > 9


def test_every_resource_of_the_page_gives_its_keys_and_who_reads_the_values_takes_them(make_world: MakeWorld, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    pair = authority.server("shop")
    files = {"server.pem": pair.certificate.read_text().rstrip(), "intermediate.pem": authority.certificate.read_text()}
    world = make_world(seed({"shop database": {"password": PRINTABLE}}, files | {"server.key": pair.key.read_text()})).begin()
    for each, _ in EXAMPLES:
        world.observer.custom.create_namespaced_custom_object("onepassword.com", "v1", world.namespace, "onepassworditems", each)
    held: dict[str, Mapping[str, bytes]] = {}
    for each, keys in EXAMPLES:
        name = each["metadata"]["name"]
        assert world.wait_reason(name, "Synced")["status"] == "True"
        target = each["spec"].get("target", {})
        held[name] = world.data(target.get("name", name)) or {}
        assert sorted(held[name]) == sorted(re.findall("`(.+?)`", keys)), name
        assert world.secret(target.get("name", name)).type == each.get("type", "Opaque")
    assert world.secret("repository-infrastructure").metadata.labels["argocd.argoproj.io/secret-type"] == "repository"
    reads(held, tmp_path)


def seed(fields: Mapping[str, Mapping[str, str]], files: Mapping[str, str]) -> dict[str, Any]:
    """The page's seed with other values."""
    (found,) = [yaml.safe_load(text) for text in re.findall(r"^(    vaults:.*\n(?:    .*\n)+)", PAGE, re.MULTILINE)]
    for item in found["vaults"][0]["items"]:
        for field in item.get("fields", ()) if item["title"] in fields else ():
            field["value"] = fields[item["title"]].get(field["label"], field["value"])
        for file in item.get("files", ()):
            file["content"] = files[file["name"]]
    return dict(found)


def reads(held: Mapping[str, Mapping[str, bytes]], directory: Path) -> None:
    """The programs: libpq, a JSON parser, OpenSSL."""
    url = conninfo.conninfo_to_dict(held["shop-url"]["DATABASE_URL"].decode())
    assert url == {
        "user": "example-user",
        "password": PRINTABLE,
        "host": "db.example.com",
        "port": "5432",
        "dbname": "shop",
        "sslmode": "require",
    }
    settings = json.loads(held["shop-settings"]["settings.json"])
    assert settings == {"database": {"user": "example-user", "password": PRINTABLE}, "price": "5 $"}
    (registry,) = json.loads(held["shop-registry"][".dockerconfigjson"])["auths"].items()
    assert registry[0] == "ghcr.io"
    assert base64.b64decode(registry[1]["auth"]) == b"example-robot:example-credential"
    assert held["shop-files"][".env"] == b"REDIS_password='example-redis-password'\nREDIS_username='example-redis'\n"
    assert json.loads(held["shop-files"]["redis.json"]) == {"REDIS_password": "example-redis-password"}
    serialization.load_ssh_private_key(held["shop-keys"]["sshPrivateKey"], password=None)
    assert held["shop-keys"]["TOTP_SECRET"] == b"JBSWY3DPEHPK3PXP"
    assert held["shop-references"] == {
        "REPLICA": b"replica.example.com",
        "CACHE": b"redis://:example-redis-password@db.example.com",
    }
    for key, value in held["shop-tls"].items():
        (directory / key).write_bytes(value)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(directory / "tls.crt", directory / "tls.key")
    assert len(x509.load_pem_x509_certificates(held["shop-tls"]["tls.crt"])) == 2
