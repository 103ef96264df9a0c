"""The bill of materials names exactly what the lock installs."""

import json
import re

from harness.paths import REPOSITORY
from release import bill_of_materials


def test_it_names_every_distribution_of_the_lock_with_version_and_hashes() -> None:
    bill = bill_of_materials.make()
    assert bill == bill_of_materials.make(), "two runs differ"
    document = json.loads(bill)
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "onepassword-operator"
    lock = (REPOSITORY / "requirements.lock").read_text()
    wanted = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))
    assert len(wanted) > 20
    assert {each["name"]: each["version"] for each in document["components"]} == wanted
    hashes = {each["name"]: {found["content"] for found in each["externalReferences"][0]["hashes"]} for each in document["components"]}
    for block in re.split(r"\n(?=\w)", lock):
        assert hashes[block.partition("==")[0]] == set(re.findall(r"sha256:([0-9a-f]{64})", block))
    assert all(each["purl"].startswith("pkg:pypi/") for each in document["components"])
