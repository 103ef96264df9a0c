"""Runs the official clients, unmodified and as programs of their own, against the embedded server as a process."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.connect_process import ConnectProcess
from harness.paths import TOOLS

EXERCISE = Path(__file__).parent / "python_client" / "exercise.py"
JS_EXERCISE = Path(__file__).parent / "js_client" / "exercise.js"
Answers = Mapping[str, Mapping[str, Any]]

CONTENT = "not a certificate, only a file\n"
SEED = {
    "vaults": [
        {
            "name": "Official Clients",
            "items": [
                {
                    "title": "web login",
                    "tags": ["k8s", "team-a"],
                    "urls": [{"label": "website", "href": "https://login.example", "primary": True}],
                    "sections": [{"id": "net", "label": "network"}],
                    "fields": [
                        {"purpose": "USERNAME", "value": "fake-user"},
                        {"purpose": "PASSWORD", "value": "fake-password"},
                        {"purpose": "NOTES"},
                        {"label": "port", "value": "5432", "section": {"id": "net"}},
                        {"label": "code", "type": "OTP", "value": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"},
                    ],
                    "files": [{"name": "ca.pem", "content": CONTENT, "section": "net"}],
                },
                {"title": "a & b + c", "fields": {"username": "fake-user"}},
                {"title": "twentysixlettersinthistitl", "fields": {"username": "fake-user"}},
                {"title": "twins"},
                {"title": "twins"},
                {"title": "twin of none", "category": "DATABASE", "fields": {"hostname": "db.example"}},
            ],
        },
        {"name": "Other", "items": [{"title": "web login"}]},
    ]
}


class ServedClients:
    """A server with the seed, and the environment in which a client finds it."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.connect = ConnectProcess(SEED, directory, "--set", "body_limit_bytes=50000", *arguments)
        self.vault, self.item = self.connect.ids("Official Clients", "web login")
        self._directory = directory

    def stop(self) -> None:
        """End the server."""
        self.connect.stop()

    def answers(self, client: str, form: str = "") -> Answers:
        """What a client was answered; the Python client has the forms `sync` and `async`."""
        if client == "go":
            return self._run([str(tool("bin/connect-go-client"))])
        if client == "javascript":
            return self._run([node(), str(JS_EXERCISE)], NODE_PATH=str(tool("connect-js/node_modules")))
        return self._run([str(tool("connect-sdk/bin/python")), "-W", "error", str(EXERCISE), form])

    def _run(self, command: Sequence[str], **more: str) -> Answers:
        folder = self._directory / "downloads"
        folder.mkdir(exist_ok=True)
        environment = {
            "OP_CONNECT_HOST": self.connect.url,
            "OP_CONNECT_TOKEN": self.connect.token,
            "OP_VAULT": self.vault,
            "TEST_VAULT": self.vault,
            "TEST_ITEM": self.item,
            "TEST_FILE": self._file(),
            "TEST_FOLDER": str(folder),
            "TEST_OTHER_TOKEN": self._token({"Other": "r"}),
            "TEST_READ_TOKEN": self._token({"Official Clients": "r"}),
            "NO_PROXY": "127.0.0.1",
            **more,
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr[-2000:]
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        return {answer["call"]: answer for answer in answers}

    def _file(self) -> str:
        path = f"/v1/vaults/{self.vault}/items/{self.item}/files"
        files: list[dict[str, str]] = self.connect.ask("GET", path)
        return files[0]["id"]

    def _token(self, vaults: Mapping[str, str]) -> str:
        return str(self.connect.admin("POST", "tokens", body={"vaults": vaults})["token"])


def tool(name: str) -> Path:
    """A program that `make tools` made, here or beside the programs of KUBEBUILDER_ASSETS."""
    folders = [TOOLS, *(Path(assets).parent for assets in [os.environ.get("KUBEBUILDER_ASSETS")] if assets)]
    found = next((folder / name for folder in folders if os.access(folder / name, os.X_OK)), None)
    if found is None:
        raise FileNotFoundError(f"{name} is in none of {', '.join(map(str, folders))}: run `make tools`")
    return found


def node() -> str:
    """Node.js, that of the machine or the one that `make tools` installed for want of it."""
    return shutil.which("node") or str(tool("node/bin/node"))
