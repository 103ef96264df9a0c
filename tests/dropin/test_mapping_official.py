"""The second reading of the mapping, `reference_mapping`, against the real official operator; and ours, which takes its Secrets over."""

import json
import random
import urllib.request
from typing import Any

import pytest

from dropin import reference_mapping as reference
from dropin.fixtures import MakeMeeting
from dropin.meeting import Meeting
from dropin.test_mapping import TRICKY
from harness.waiting import eventually
from harness.world import PREFIX

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

LABELS = [label for label in TRICKY if not any("\ud800" <= letter <= "\udfff" for letter in label) and "\0" not in label]
VALUES = ["", "canary-value-1", "canary-value-2", "canary\r\nlines\n", " canary ", "canary-🔑"]
ITEMS = 40
NAMES = ["someName", "inV@l1d k8s secret%name", "my_secret", "-db.", "İzmir DB", "\u212aelvin", "ÄÖ db", "a..b ", "A" * 260]


def _generated(number: int) -> dict[str, Any]:
    """An item whose labels meet often; the same one in every run."""
    dice = random.Random(number)  # noqa: S311  no secret
    labels = dice.sample(LABELS, 3)

    def parts(most: int) -> list[tuple[str, str]]:
        return [(dice.choice([*labels, dice.choice(LABELS)]), dice.choice(VALUES)) for _ in range(dice.randint(0, most))]

    fields = [{"id": f"field{position}", "label": label, "value": value} for position, (label, value) in enumerate(parts(5))]
    urls = [{"label": label, "href": href, "primary": dice.random() < 0.4} for label, href in parts(3) if href]
    files = [{"name": name, "content": content} for name, content in parts(2) if name and name.isprintable()]
    return {"title": f"item {number}", "category": "SERVER", "fields": fields, "urls": urls, "files": files}


def _table(labels: list[str]) -> dict[str, Any]:
    """Every label of the official table at once."""
    fields = [{"id": f"field{n}", "label": label, "value": f"canary-of-{n}"} for n, label in enumerate(labels)]
    return {"title": "table", "category": "SERVER", "fields": fields}


PLAIN = [label for label in LABELS if not reference.format_data_key(label.encode()).startswith(b"..") and label not in {".", "/."}]
SEED: dict[str, Any] = {"vaults": [{"name": "v", "items": [_table(PLAIN), *map(_generated, range(ITEMS))]}]}


def _get(world: Meeting, path: str) -> bytes:
    request = urllib.request.Request(world.connect.url + path, headers={"Authorization": f"Bearer {world.connect.token}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        body: bytes = response.read()
    return body


def _expected(world: Meeting, title: str, *, allow_empty: bool) -> reference.Outcomes:
    vault, item = world.connect.ids("v", title)
    path = f"/v1/vaults/{vault}/items/{item}"
    body = _get(world, path)
    contents = {file["id"]: _get(world, f"{path}/files/{file['id']}/content") for file in json.loads(body).get("files") or ()}
    return reference.build_secret_data(body, contents=contents, allow_empty=allow_empty)


@pytest.mark.parametrize("flags", [[], ["--allow-empty-values"]], ids=["without empty values", "with them"])
def test_the_official_operator_writes_what_the_second_reading_says_and_ours_keeps_it(make_meeting: MakeMeeting, flags: list[str]) -> None:
    world = make_meeting(SEED)
    titles = {"table": "table"} | {f"item-{number}": f"item {number}" for number in range(ITEMS)}
    official = world.official(*flags)
    for name, title in titles.items():
        world.item(name, f"vaults/v/items/{title}")
    expected = {name: _expected(world, title, allow_empty=bool(flags)) for name, title in titles.items()}
    refused = {name for name, data in expected.items() if not all(map(reference.is_config_map_key, data))}
    eventually(lambda: set(world.names_of("secret")), lambda made: made == titles.keys() - refused, timeout=60)
    eventually(lambda: [name for name in refused if world.condition(name).get("status") != "False"], lambda rest: not rest)
    written = world.all_data()
    for name, data in written.items():
        assert {key.encode() for key in data or {}} == expected[name].keys(), name
        assert all(value in expected[name][key.encode()] for key, value in (data or {}).items()), name
    official.stop()

    world.operator(*flags)
    accepted = {name: {k: v for k, v in data.items() if reference.is_config_map_key(k)} for name, data in expected.items()}
    empty = {name for name, data in accepted.items() if not data}
    world.wait_ready(*(titles.keys() - empty), timeout=60)
    for name in empty:
        world.wait_reason(name, "NoUsableFields")
    seen = world.all_data()
    assert seen.keys() >= titles.keys() - empty
    for name, found in seen.items():
        assert {key.encode() for key in found or {}} == accepted[name].keys(), name
        assert all(value in accepted[name][key.encode()] for key, value in (found or {}).items()), name


def test_the_official_operator_names_secrets_as_the_second_reading_says(make_meeting: MakeMeeting) -> None:
    world = make_meeting({"vaults": [{"name": "v", "items": [{"title": "db", "fields": {"password": "canary-password"}}]}]})
    world.official()
    for number, name in enumerate(NAMES):
        annotations = {PREFIX + "item-path": "vaults/v/items/db", PREFIX + "item-name": name}
        template = {"metadata": {"labels": {"app": f"d{number}"}}, "spec": {"containers": [{"name": "c", "image": "app"}]}}
        spec = {"selector": {"matchLabels": {"app": f"d{number}"}}, "template": template, "replicas": 0}
        body = {"metadata": {"name": f"d{number}", "annotations": annotations}, "spec": spec}
        world.observer.apps.create_namespaced_deployment(world.namespace, body)
    named = {reference.format_secret_name(name.encode()).decode() for name in NAMES}
    valid = {name for name in named if reference.is_dns_1123_subdomain(name.encode())}
    eventually(lambda: set(world.names_of("secret")), lambda made: made == valid)
