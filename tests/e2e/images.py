"""The images under test: the operator's, as `make image` makes it, and one with the embedded Connect server."""

import re
import shutil
import sys
import zipfile
from pathlib import Path

from e2e import engine, packages
from e2e.steps import say, step, stream
from harness.paths import REPOSITORY, TOOLS
from release import image

OPERATOR = "onepassword-operator:e2e"
CONNECT = "onepassword-operator-connect:e2e"
CONTEXT = TOOLS / "e2e" / "connect"
FILES = Path(__file__).resolve().parent / "connect"
LIBRARIES = ("cryptography", "cffi", "pycparser")


def build() -> None:
    with step(f"image {OPERATOR}"):
        stream("building the image", sys.executable, REPOSITORY / "release" / "image.py", "--tag", OPERATOR, *base())
    with step(f"image {CONNECT}"):
        shutil.rmtree(CONTEXT, ignore_errors=True)
        unpack_libraries(CONTEXT / "site")
        shutil.copy2(FILES / "Dockerfile", CONTEXT / "Dockerfile")
        engine.build(CONTEXT, CONNECT, "--build-arg", f"OPERATOR={OPERATOR}")


def base() -> list[str]:
    """The option that names a base: none where the Dockerfile's own can be had, else one made here."""
    if engine.can_pull(image.default_base(), seconds=image.PULL_SECONDS):
        return []
    say(f"{image.default_base()} can't be pulled; making a base here")
    packages.need("debootstrap")
    stream("making a base", sys.executable, REPOSITORY / "release" / "local_base.py")
    return ["--base", image.LOCAL_BASE]


def unpack_libraries(site: Path) -> None:
    """What the embedded server needs beyond the operator's own libraries, at the versions and hashes of the lock."""
    site.mkdir(parents=True)
    wheels = CONTEXT / "wheels"
    lock = (REPOSITORY / "requirements-dev.lock").read_text()
    blocks = [block for block in re.split(r"\n(?=\w)", lock) if block.partition("==")[0] in LIBRARIES]
    wanted = CONTEXT / "libraries.lock"
    wanted.write_text("\n".join(blocks))
    fetching = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
    fetching += ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    fetching += [f"--platform={tag}" for tag in ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_28_x86_64")]
    stream("fetching the libraries of the embedded server", *fetching, "--dest", wheels, "-r", wanted)
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    shutil.rmtree(wheels)
    say(f"{len(blocks)} libraries for the embedded server")
