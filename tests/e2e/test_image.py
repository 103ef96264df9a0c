"""The image by itself: what it is made of, and that it starts with nothing writable, no network and no capability."""

import json
from typing import Any

import pytest

from e2e import engine, images
from e2e.kind_cluster import KindCluster
from e2e.steps import run
from e2e.world import PYTHON
from harness.paths import REPOSITORY
from release import image

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600, func_only=True)]

LOCKED_DOWN = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]


def inside(statement: str) -> str:
    return run("docker", *LOCKED_DOWN, f"--entrypoint={PYTHON}", images.OPERATOR, "-c", statement).stdout.strip()


@pytest.fixture
def configuration(kind_cluster: KindCluster) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("docker", "image", "inspect", images.OPERATOR).stdout)[0]["Config"]
    return found


def test_it_starts_as_manager_and_as_itself(kind_cluster: KindCluster) -> None:
    expected = f"onepassword-operator {image.version()}"
    assert run("docker", *LOCKED_DOWN, images.OPERATOR, "version").stdout.strip() == expected
    assert run("docker", *LOCKED_DOWN, "--entrypoint=/manager", images.OPERATOR, "version").stdout.strip() == expected


def test_it_says_what_it_is(configuration: dict[str, Any]) -> None:
    assert (configuration["User"], configuration["Entrypoint"]) == ("65532:65532", ["/manager"])
    assert {"PYTHONSAFEPATH=1", "PYTHONDONTWRITEBYTECODE=1"} <= set(configuration["Env"])
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in configuration["Labels"].items()}
    assert labels["version"] == image.version()
    assert labels["revision"] == image.git("rev-parse", "HEAD")
    assert labels["licenses"] == "MIT"


def test_there_is_no_pip(kind_cluster: KindCluster) -> None:
    assert inside("import importlib.util as u; print(u.find_spec('pip'))") == "None"


def test_every_module_has_its_bytecode_which_needs_no_look_at_the_source(kind_cluster: KindCluster) -> None:
    statement = "import onepassword_operator.app as a; f = open(a.__cached__, 'rb').read(8); print(int.from_bytes(f[4:], 'little'))"
    assert inside(statement) == "1"


def test_two_builds_have_the_same_layers(kind_cluster: KindCluster) -> None:
    base = [] if engine.can_pull(image.default_base(), seconds=5) else ["--build-arg", f"BASE={image.LOCAL_BASE}"]
    epoch = ["--build-arg", f"SOURCE_DATE_EPOCH={image.epoch()}"]
    engine.build(REPOSITORY, "onepassword-operator:again", "--no-cache", *base, *epoch)
    assert layers("onepassword-operator:again") == layers(images.OPERATOR)


def layers(name: str) -> list[str]:
    found: list[str] = json.loads(run("docker", "image", "inspect", name).stdout)[0]["RootFS"]["Layers"]
    return found
