"""The embedded Connect server as a process, and its admin port as a test uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from controlplane import leash

POLL_ROUTE = "GET /v1/vaults"
ITEM_ROUTE = "GET /v1/vaults/:uuid/items/:uuid"


class ConnectProcess:
    """A running `dev-connect`; further arguments are options of its command line, such as `"--replicas", "2"`."""

    def __init__(self, seed: Mapping[str, Any], directory: Path, *arguments: str) -> None:
        path = directory / "seed.yaml"
        path.write_text(yaml.safe_dump(seed, allow_unicode=True))
        command = leash.command([sys.executable, "-m", "onepassword_operator", "dev-connect", "--seed", str(path), *arguments])
        with (directory / "connect.log").open("w") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout
        ready = json.loads(self._process.stdout.readline())
        self.url, self.token, self._admin_url = ready["url"], ready["token"], ready["admin"]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout
        self._process.stdout.close()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait(10)
        assert self._process.stdout
        self._process.stdout.close()

    def admin(self, method: str, *path: str, body: object = None) -> Any:
        """One call to the admin port."""
        url = self._admin_url + "".join("/" + urllib.parse.quote(part, safe="") for part in path)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, method=method, data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read() or b"null")

    def ask(self, method: str, path: str) -> Any:
        """One call to the API, with a token for everything."""
        request = urllib.request.Request(self.url + path, method=method, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read() or b"null")

    def edit(self, vault: str, item: str, **change: Any) -> None:
        """Edit an item as a person in the app would."""
        self.admin("POST", "vaults", vault, "items", item, body=change)

    def ids(self, vault: str, item: str) -> tuple[str, str]:
        """The IDs behind names."""
        found = next(v for v in self.admin("GET", "vaults") if v["name"] == vault)
        return found["id"], next(i["id"] for i in found["items"] if i["title"] == item)

    def version(self, vault: str, item: str) -> int:
        """The item's current version."""
        found = next(v for v in self.admin("GET", "vaults") if v["name"] == vault)
        return next(int(i["version"]) for i in found["items"] if i["title"] == item)

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Replace all faults."""
        self.admin("PUT", "faults", body=list(rules))

    def heal(self) -> None:
        """No faults."""
        self.admin("DELETE", "faults")

    def lag(self, **seconds: float | None) -> None:
        """Delay what vault objects, lists and item reads show; None is without end."""
        self.admin("PUT", "lag", body=seconds)

    def replica(self, number: int, **seconds: float | None) -> None:
        """Let one replica, counted from 0, be behind: None is stuck, and what is left out is level. It needs `--replicas`."""
        self.admin("PUT", "replicas", str(number), body=seconds)

    def stick(self, number: int) -> None:
        """Let one replica show what it has until `replica` says otherwise."""
        self.replica(number, vault_seconds=None, list_seconds=None, get_seconds=None)

    def balance(self, balance: str, *, seed: int | None = None) -> None:
        """Give each new `connection` or each `request` to a replica at random."""
        self.admin("PATCH", "replicas", body={"balance": balance, "seed": seed})

    def answered(self) -> list[int]:
        """How many requests each replica got since the last reset."""
        return [int(replica["requests"]) for replica in self.admin("GET", "replicas")["replicas"]]

    def counts(self) -> dict[str, int]:
        """Requests by route since the last reset."""
        return dict(self.admin("GET", "requests")["by_route"])

    def item_reads(self) -> dict[str, int]:
        """Reads of whole items since the last reset, by vault ID/item ID."""
        return dict(self.admin("GET", "requests")["item_reads"])

    def log(self) -> Sequence[Mapping[str, Any]]:
        """The newest requests."""
        return list(self.admin("GET", "requests")["log"])

    def reset(self) -> None:
        """Forget what was counted."""
        self.admin("DELETE", "requests")

    def wait_polls(self, number: int, *, timeout: float = 30.0) -> None:
        """Return when so many further polls have been answered, and whatever the last one may have led to had a moment."""
        start = self.counts().get(POLL_ROUTE, 0)
        deadline = time.monotonic() + timeout * float(os.environ.get("TEST_PATIENCE", "1"))
        while self.counts().get(POLL_ROUTE, 0) < start + number:
            assert time.monotonic() < deadline, f"no {number} polls within {timeout} s"
            time.sleep(0.05)
