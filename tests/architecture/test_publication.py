"""What is published says nothing about the machines it was made on."""

import re

import pytest

from architecture import repository

# Put together here, so that this file does not hold what it looks for.
REGISTRIES = [
    "py" + "pi.org",
    "files.python" + "hosted",
    "proxy." + "golang",
    "sum." + "golang",
    "registry." + "npmjs",
    "artifact" + "ory",
    "index" + "-url",
]
HOMES = ["ho" + "me", "Us" + "ers", "ro" + "ot", "wo" + "rk", "m" + "nt"]
CONNECT_HOME = "(?!opuser/)"  # where the images of the Connect server keep their data
MACHINE_PATH = re.compile(r"(?<![\w./*>}-])/(" + "|".join(HOMES) + r")/" + CONNECT_HOME + r"\w")


def texts() -> list[tuple[str, str]]:
    """Every file that is text."""
    found = []
    for path in repository.kept_files():
        content = (repository.ROOT / path).read_bytes()
        if b"\0" not in content:
            found.append((str(path), content.decode("utf-8", "replace")))
    return found


@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_file_names_a_registry(registry: str) -> None:
    """Whoever builds uses the registry or mirror of their own configuration."""
    assert not [path for path, text in texts() if registry in text]


def test_no_file_holds_a_path_of_a_developers_machine() -> None:
    assert not [(path, match.group()) for path, text in texts() for match in MACHINE_PATH.finditer(text)]


@pytest.mark.parametrize("home", HOMES)
def test_a_path_of_a_machine_is_recognised(home: str) -> None:
    assert MACHINE_PATH.search(f'cache = "/{home}/someone/cache"')
    assert not MACHINE_PATH.search(f"https://example.com/{home}/someone")
