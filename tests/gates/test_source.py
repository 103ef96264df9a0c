"""Tools that read the repository's files: the Dockerfile, the workflows, and everything for secrets."""

import re
from pathlib import Path

import pytest

from gates.tooling import run
from harness.paths import REPOSITORY

WORKFLOWS = sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / ".github" / "workflows").glob("*.yml"))
USES = re.compile(r"uses: (\S+)(.*)")


@pytest.mark.parametrize(
    "command",
    [
        "hadolint Dockerfile",
        "gitleaks git . --no-banner --redact --verbose",
        "zizmor --offline --persona=pedantic --no-progress .github/workflows",
        *[f"actionlint -shellcheck= -pyflakes= {workflow}" for workflow in WORKFLOWS],
    ],
)
def test_a_tool_has_nothing_to_say(command: str) -> None:
    done = run(*command.split())
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_base_image_is_pinned_by_digest() -> None:
    base = re.search(r"^ARG BASE=(\S+)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert base
    assert re.search(r"@sha256:[0-9a-f]{64}$", base[1])


def test_gitleaks_would_find_one(tmp_path: Path) -> None:
    # Put together here, so that this file does not hold what it looks for.
    (tmp_path / "x.py").write_text('token = "gh' + "p_" + 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"\n')
    assert run("gitleaks", "dir", str(tmp_path), "--no-banner", "--config", str(REPOSITORY / ".gitleaks.toml")).returncode == 1


def test_there_are_workflows() -> None:
    assert [path.stem for path in WORKFLOWS] == ["check", "e2e", "release"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(workflow: Path) -> None:
    for action, rest in USES.findall((REPOSITORY / workflow).read_text()):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", rest), f"{action}: say which version this is"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_starts_without_permissions(workflow: Path) -> None:
    assert re.search(r"^permissions: \{\}$", (REPOSITORY / workflow).read_text(), re.MULTILINE)
