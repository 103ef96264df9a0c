"""The image under test, as `make image` makes it."""

import sys

from e2e import engine, packages
from e2e.steps import say, step, stream
from harness.paths import REPOSITORY
from release import image

OPERATOR = "onepassword-operator:e2e"


def build() -> None:
    with step(f"image {OPERATOR}"):
        stream("building the image", sys.executable, REPOSITORY / "release" / "image.py", "--tag", OPERATOR, *base())


def base() -> list[str]:
    """The option that names a base: none where the Dockerfile's own can be had, else one made here."""
    if engine.can_pull(image.default_base(), seconds=image.PULL_SECONDS):
        return []
    say(f"{image.default_base()} can't be pulled; making a base here")
    packages.need("debootstrap")
    stream("making a base", sys.executable, REPOSITORY / "release" / "local_base.py")
    return ["--base", image.LOCAL_BASE]
