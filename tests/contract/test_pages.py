"""The pages for users: generated ones are in step, links lead somewhere, and names are those of the code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from contract import metrics_page, settings_page
from onepassword_operator.model import errors, names
from onepassword_operator.model.outcome import Pause

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LISTED = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
PAGES = {path: text.read_text() for path in LISTED.stdout.split() if (text := ROOT / path).exists()}


@pytest.mark.parametrize(("page", "maker"), [("settings", settings_page), ("metrics", metrics_page)], ids=["settings", "metrics"])
def test_a_generated_page_is_what_the_code_says(page: str, maker: ModuleType) -> None:
    assert (DOCS / f"{page}.md").read_text() == maker.render(), "stale: run `make docs`"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            found = ((ROOT / page).parent / path).resolve() if path else ROOT / page
            assert found.exists(), target
            assert not anchor or anchor in anchors(found.read_text()), target


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_leads_to_every_page_for_users() -> None:
    pages = {path for path in PAGES if re.fullmatch(r"docs/[\w-]+\.md", path)}
    assert len(pages) > 12
    assert not [path for path in pages if f"({path}" not in PAGES["README.md"]]


def test_every_reason_is_explained_with_its_time_of_the_next_try() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [\w ]+ \| (.+?) \| .+ \|$", PAGES["docs/troubleshooting.md"], re.MULTILINE)
    words = {
        errors.Retry.SOON: "soon",
        errors.Retry.THEN: "when told",
        errors.Retry.LATER: "each interval",
        errors.Retry.ON_CHANGE: "on change",
    }
    failed = {leaf.reason: words[leaf.retry] for leaf in leaves(errors.OperatorError)}
    assert dict(rows) == failed | {"Synced": "–", "FieldsSkipped": "–"} | {pause.value: "on change" for pause in Pause}
    assert len(rows) == len(dict(rows))


def leaves(kind: type[errors.OperatorError]) -> list[type[errors.OperatorError]]:
    below = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    return [leaf for each in below for leaf in leaves(each)] or [kind]


def test_the_page_of_annotations_has_every_name_and_no_page_another_one() -> None:
    ours = re.compile(r"((?:(?:restarts\.)?operator\.1password|onepassword-operator)\.io[/:][a-z-]+|onepassword\.com/finalizer\.secret)")
    known = {value for value in vars(names).values() if isinstance(value, str) and ours.fullmatch(value)}
    assert len(known) > 12
    assert set(re.findall(rf"^\| `{ours.pattern}`", PAGES["docs/annotations.md"], re.MULTILINE)) == known
    used = {name.rstrip("-") for text in PAGES.values() for name in ours.findall(text)}
    assert used == known


def test_every_alert_is_about_metrics_and_labels_that_there_are() -> None:
    labels = {row.name: set(row.labels) for row in metrics_page.rows()}
    rules = [rule for group in yaml.safe_load((DOCS / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
        used = re.findall(r"(onepassword_operator_\w+)(?:\{(.*?)\})?", rule["expr"])
        assert used
        for name, matchers in used:
            assert set(re.findall(r"(\w+)[=!]", matchers)) <= labels[name]
    spoken = {name for text in PAGES.values() for name in re.findall(r"\bonepassword_operator_[a-z]\w+", text)}
    assert spoken <= labels.keys()
