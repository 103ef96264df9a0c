"""The embedded Connect server as a process, and its admin port as a test uses it."""

import json
import select
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from harness import processes
from harness.waiting import eventually

POLL_ROUTE = "GET /v1/vaults"
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class ConnectProcess:
    """A running `dev-connect`; further arguments are options of its command line, such as `"--replicas", "2"`."""

    def __init__(self, seed: Mapping[str, Any] | Path, directory: Path, *arguments: str) -> None:
        path, log = seed if isinstance(seed, Path) else directory / "seed.yaml", directory / "connect.log"
        if not isinstance(seed, Path):
            path.write_text(yaml.safe_dump(seed, allow_unicode=True))
        command = [sys.executable, "-m", "onepassword_operator", "dev-connect", "--seed", str(path), *arguments]
        self._process = processes.launch(command, environment=processes.own_environment(), log=log, stdout=subprocess.PIPE)
        assert self._process.stdout
        self._stdout = self._process.stdout
        said = self._stdout.readline() if select.select([self._stdout], [], [], START_SECONDS)[0] else b""
        if not said:
            self.kill()
            raise AssertionError(f"the Connect server did not start:\n{processes.log_tail(log)}")
        ready = json.loads(said)
        self.url, self.token, self.admin_url = ready["url"], ready["token"], ready["admin"]
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        processes.end(self._process, timeout=STOP_SECONDS)
        self._stdout.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(STOP_SECONDS)
        self._stdout.close()

    def admin(self, method: str, *path: str, body: object = None) -> Any:
        url = self.admin_url + "".join("/" + urllib.parse.quote(part, safe="") for part in path)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, method=method, data=data, headers={"Content-Type": "application/json"})
        with processes.ask(request, timeout=10) as response:
            return json.loads(response.read() or b"null")

    def ask(self, method: str, path: str) -> Any:
        """One call to the API, with a token for everything."""
        request = urllib.request.Request(self.url + path, method=method, headers={"Authorization": f"Bearer {self.token}"})
        with processes.ask(request, timeout=10) as response:
            return json.loads(response.read() or b"null")

    def edit(self, vault: str, item: str, **change: Any) -> None:
        self.admin("POST", "vaults", vault, "items", item, body=change)

    def ids(self, vault: str, item: str) -> tuple[str, str]:
        found = next(v for v in self.admin("GET", "vaults") if v["name"] == vault)
        return found["id"], next(i["id"] for i in found["items"] if i["title"] == item)

    def version(self, vault: str, item: str) -> int:
        found = next(v for v in self.admin("GET", "vaults") if v["name"] == vault)
        return next(int(i["version"]) for i in found["items"] if i["title"] == item)

    def faults(self, *rules: Mapping[str, Any]) -> None:
        self.admin("PUT", "faults", body=list(rules))

    def heal(self) -> None:
        self.admin("DELETE", "faults")

    def lag(self, **seconds: float | None) -> None:
        """Delay what vault objects, lists and item reads show; None is without end."""
        self.admin("PUT", "lag", body=seconds)

    def replica(self, number: int, **seconds: float | None) -> None:
        """Let one replica, counted from 0, be behind: None is stuck, and what is left out is level. It needs `--replicas`."""
        self.admin("PUT", "replicas", str(number), body=seconds)

    def stick(self, number: int) -> None:
        self.replica(number, vault_seconds=None, list_seconds=None, get_seconds=None)

    def answered(self) -> list[int]:
        return [int(replica["requests"]) for replica in self.admin("GET", "replicas")["replicas"]]

    def counts(self) -> dict[str, int]:
        return dict(self.admin("GET", "requests")["by_route"])

    def item_reads(self) -> dict[str, int]:
        """Reads of whole items since the last reset, by vault ID/item ID."""
        return dict(self.admin("GET", "requests")["item_reads"])

    def log(self) -> Sequence[Mapping[str, Any]]:
        return list(self.admin("GET", "requests")["log"])

    def reset(self) -> None:
        self.admin("DELETE", "requests")

    def wait_polls(self, number: int, *, timeout: float = 30.0) -> None:
        """Return when so many further polls have been answered, and whatever the last one may have led to had a moment."""
        wanted = self.counts().get(POLL_ROUTE, 0) + number
        eventually(lambda: self.counts().get(POLL_ROUTE, 0), lambda seen: seen >= wanted, timeout=timeout, what=f"{number} polls more")
