"""A world that many faults pass through one after the other: what they meet, and what is measured of it."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from controlplane.certificates import Authority, KeyPair
from fakes.relays import in_thread
from fakes.scripted_server import Server, scripted_server
from faults.connect_front import Front, front
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, World

INTERVAL_SECONDS = 1.0
STALENESS_SECONDS = 3.0
TIMEOUT_SECONDS = 1.0
DENIED_PROBE_SECONDS = 2.0
NEW = 8
"""Resources that appear while the fault is there, each for an item of its own; the first one's item has a file."""

PREFIX = "ONEPASSWORD_OPERATOR_"
SETTINGS = {
    PREFIX + "STALENESS_SECONDS": str(STALENESS_SECONDS),
    PREFIX + "CONNECT_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
    PREFIX + "DENIED_PROBE_SECONDS": str(DENIED_PROBE_SECONDS),
}
CONTENT = "canary of a file"
SEED: dict[str, Any] = {
    "vaults": [
        {
            "name": "v",
            "items": [
                {"title": "quiet", "fields": {"password": "canary-quiet"}},
                {"title": "changing", "fields": {"password": "canary-changing-0"}},
                *(
                    {
                        "title": f"new {number}",
                        "fields": {"password": f"canary-new-{number}"},
                        "files": [{"name": "ca.pem", "content": CONTENT}] if number == 0 else [],
                    }
                    for number in range(NEW)
                ),
            ],
        }
    ]
}
_REQUESTS = re.compile(r'^onepassword_operator_requests_total\{code="\d+",route="GET /v1/[^"]*",side="connect"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Written:
    """A Secret as it is."""

    resource_version: str
    data: dict[str, bytes]

    @classmethod
    def of(cls, secret: Any) -> Written:
        return cls(secret.metadata.resource_version, {key: base64.b64decode(value) for key, value in (secret.data or {}).items()})


@dataclass
class Stage:
    """One operator, its Connect server, and what may stand between the two."""

    world: World
    directory: Path
    elsewhere: Server
    """An origin that the token must never reach."""
    token_file: Path
    front: Front | None = None
    ids: dict[str, str] = field(default_factory=dict)
    pairs: dict[str, KeyPair | None] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    edits: int = 0

    # --- what goes wrong, and how it ends ---

    def heal(self) -> None:
        """Connect, and what is in front of it, do as they should."""
        self.world.connect.heal()
        if self.front:
            self.front.pair, self.front.endless = self.pairs["good"], ()

    def redirect(self, code: int = 302) -> None:
        """Every reply leads to another origin."""
        self.world.connect.faults({"action": "redirect", "location": f"{self.elsewhere.url}/v1/vaults", "status": code})

    def revoke(self) -> None:
        self.world.connect.admin("POST", "tokens", "revoke", body={"token": self.tokens[-1]})

    def restore(self) -> None:
        self.world.connect.admin("POST", "tokens", "restore", body={"token": self.tokens[-1]})

    def swap_token(self) -> None:
        self.tokens.append(self.world.connect.admin("POST", "tokens", body={})["token"])
        self.token_file.write_text(self.tokens[-1] + "\n")

    def break_item(self) -> None:
        self.world.connect.faults({"action": "status", "status": 500, "path": f"items/{self.ids['item']}"})

    def catch_up(self) -> None:
        """Readers see everything."""
        self.world.connect.lag()

    def show(self, name: str) -> None:
        assert self.front
        self.front.pair = self.pairs[name]

    def trust_next(self) -> None:
        """The new authority is put beside the old one."""
        with (self.directory / "roots.pem").open("ab") as roots:
            roots.write((self.directory / "next" / "ca.crt").read_bytes())

    def grow_cold(self) -> None:
        """Connect has just been started, and its first sync does not end."""
        self.world.connect.admin("PUT", "sync", body={"sync_seconds": None, "timeout_seconds": 0.4})

    def finish_sync(self) -> None:
        """It does."""
        self.world.connect.admin("POST", "sync", "finish")

    # --- what is there ---

    def requests(self) -> float:
        """Requests to Connect that the operator has made so far, answered or not."""
        return sum(map(float, _REQUESTS.findall(self.world.operators[0].metrics())))

    def forget_peak(self) -> int:
        """Start measuring the operator's largest memory anew; returns what it has now."""
        pid = self.world.operators[0].process.pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        return self.peak()

    def peak(self) -> int:
        """The most memory (resident, in bytes) that the operator has had since."""
        return self.world.operators[0].peak_memory()

    def written(self) -> dict[str, Written]:
        listed = self.world.observer.core.list_namespaced_secret(self.world.namespace).items
        return {secret.metadata.name: Written.of(secret) for secret in listed}

    def unsettled(self, names: list[str]) -> dict[str, object]:
        """What is not yet as it should be when nothing is wrong; empty if all is."""
        listed = self.world.observer.custom.list_namespaced_custom_object(*GROUP, self.world.namespace, PLURAL)["items"]
        ready = {item["metadata"]["name"]: (item.get("status") or {}).get("conditions") or [{}] for item in listed}
        secrets = {name: secret.data for name, secret in self.written().items()}
        return {
            name: (ready.get(name), sorted(secrets.get(name, ())))
            for name, data in self._wanted(names).items()
            if secrets.get(name) != data or ready[name][0].get("status") != "True"
        }

    def _wanted(self, names: list[str]) -> dict[str, dict[str, bytes]]:
        wanted = {"quiet": {"password": b"canary-quiet"}, "changing": {"password": self._value()}}
        wanted |= {name: {"password": f"canary-new-{number}".encode()} for number, name in enumerate(names)}
        wanted[names[0]]["ca.pem"] = CONTENT.encode()
        return wanted

    def _value(self) -> bytes:
        return f"canary-changing-{self.edits}".encode()

    def change(self) -> bytes:
        """The item that changes gets another value, which is returned."""
        self.edits += 1
        self.world.connect.edit("v", "changing", fields={"password": self._value().decode()})
        return self._value()

    def appear(self, names: list[str]) -> None:
        for number, name in enumerate(names):
            self.world.item(name, f"vaults/v/items/new {number}")

    def renew(self, names: list[str]) -> None:
        """The items of new resources get another version, and the operator knows it."""
        for number in range(len(names)):
            self.world.connect.edit("v", f"new {number}", tags=[f"edited-{self.edits}"])
        self.world.connect.wait_polls(2)

    def disappear(self, names: list[str]) -> None:
        for name in names:
            self.world.delete_item(name)
        eventually(self.written, lambda secrets: not set(names) & set(secrets))


@contextlib.contextmanager
def open_stage(world: World, directory: Path, *, behind_tls: bool) -> Iterator[Stage]:
    """The stage with its operator, everything in sync."""
    with contextlib.ExitStack() as stack:
        elsewhere = stack.enter_context(in_thread(scripted_server()))
        stage = Stage(world=world, directory=directory, elsewhere=elsewhere, token_file=directory / "token")
        stage.tokens.append(world.connect.token)
        stage.token_file.write_text(world.connect.token)
        stage.ids = _ids(world)
        settings = SETTINGS | {"OP_CONNECT_TOKEN": "", "OP_CONNECT_TOKEN_FILE": str(stage.token_file)}
        if behind_tls:
            settings |= _put_tls_in_front(stage, stack)
        world.environment |= settings
        world.begin("quiet", "changing")
        yield stage
        stage.heal()


def _ids(world: World) -> dict[str, str]:
    vault, item = world.connect.ids("v", "new 0")
    (file,) = world.connect.ask("GET", f"/v1/vaults/{vault}/items/{item}/files")
    return {"vault": vault, "item": item, "file": file["id"]}


def _put_tls_in_front(stage: Stage, stack: contextlib.ExitStack) -> dict[str, str]:
    known, unknown, following = (Authority(stage.directory / name, name) for name in ("known", "unknown", "next"))
    stage.pairs = {
        "good": known.server("good"),
        "unknown": unknown.server("unknown"),
        "misnamed": known.server("misnamed", names=[x509.DNSName("connect.example")]),
        "expired": known.server("expired", ends_in=-dt.timedelta(hours=1)),
        "next": following.server("next"),
        "none": None,
    }
    good = stage.pairs["good"]
    assert good
    stage.front = stack.enter_context(in_thread(front(("127.0.0.1", urlsplit(stage.world.connect.url).port or 0), good)))
    roots = stage.directory / "roots.pem"
    roots.write_bytes(known.certificate.read_bytes())
    return {"OP_CONNECT_HOST": f"https://localhost:{stage.front.port}", "SSL_CERT_FILE": str(roots)}
