"""Runs the operator as a container of the official chart's Deployment would: a program for tests, `python pod.py ARGUMENT...`.

- It ends the process, with a word on standard error, at the first attempt to open a file for writing, or to make, rename or remove one:
  the container's root is read-only, and there is no volume.
- The kubelet's service account is in the directory `POD_SERVICE_ACCOUNT`, and /metrics at `POD_METRICS`, because the chart leaves that at
  its default and a machine that runs tests has one :8080 only. Neither variable reaches the operator.

It replaces nothing else: arguments and environment are the operator's own.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":  # the chart's environment says nothing of where the package is
    sys.path[0] = str(Path(__file__).resolve().parents[2] / "operator")

from onepassword_operator import cli
from onepassword_operator.cluster import credentials
from onepassword_operator.settings.schema import Settings

WROTE = 70
"""The exit code after an attempt to write."""

CHANGES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> int:
    """Run the operator as the pod's container would."""
    credentials.SERVICE_ACCOUNT = Path(os.environ.pop("POD_SERVICE_ACCOUNT"))  # type: ignore[misc]
    Settings.model_fields["metrics_bind_address"].default = os.environ.pop("POD_METRICS")
    Settings.model_rebuild(force=True)
    sys.dont_write_bytecode = True  # a read-only root makes the interpreter give up on that by itself
    sys.addaudithook(refuse_writing)
    return cli.main(sys.argv[1:])


def refuse_writing(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook. It ends the process, because an exception could be caught, and what can't be written must not even be tried."""
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in mode for letter in "wxa+") if isinstance(mode, str) else isinstance(flags, int) and flags & WRITING
        if not writes or isinstance(path, int):
            return
    elif event not in CHANGES:
        return
    os.write(2, f"pod: {event} {arguments[0]!r}: the file system is read-only\n".encode())
    os._exit(WROTE)


if __name__ == "__main__":
    sys.exit(main())
