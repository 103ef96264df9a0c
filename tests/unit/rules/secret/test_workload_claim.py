"""The Secret that a Deployment asks for."""

import dataclasses

import pytest

from onepassword_operator.model import bounds, names
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload_kind import KINDS
from onepassword_operator.rules.secret import annotations, workload_claim
from unit.rules.samples import BARE_WORKLOAD

BARE = dataclasses.replace(BARE_WORKLOAD, created_at="2024-01-01T00:00:00Z")


def _annotated(on_deployment: dict[str, str] | None, on_template: dict[str, str] | None = None) -> Claim | None:
    claims = workload_claim.claims(dataclasses.replace(BARE, annotations=on_deployment or {}, template_annotations=on_template or {}))
    assert len(claims) < 2
    return claims[0] if claims else None


DEMAND = {names.ITEM_PATH: "vaults/a/items/b", names.ITEM_NAME: "db"}


def test_a_deployment_asks_as_it_is_annotated() -> None:
    annotations = DEMAND | {names.AUTO_RESTART: "false", "note": "x", names.PREFIX + "extra": "y"}
    asking = dataclasses.replace(BARE, annotations=annotations, terminating=True, finalizers=("theirs",))
    (claim,) = workload_claim.claims(asking)
    assert claim == Claim(
        key=SecretKey("team", "db"),
        kind="Deployment",
        name="api",
        uid="w1",
        resource_version=9,
        generation=0,
        created_at="2024-01-01T00:00:00Z",
        item_path="vaults/a/items/b",
        secret_type="Opaque",
        labels={},
        annotations={names.ITEM_NAME: "db", names.PREFIX + "extra": "y"},
        terminating=True,
        conditions=(),
        finalizers=("theirs",),
    )


@pytest.mark.parametrize(
    ("on_deployment", "on_template", "asks"),
    [
        (None, None, None),
        ({"note": "x"}, None, None),
        ({names.ITEM_PATH: "p"}, None, None),
        ({names.ITEM_PATH: "p", names.ITEM_NAME: ""}, None, None),
        ({names.ITEM_PATH: "p", names.ITEM_NAME: "-.-"}, None, None),
        ({names.ITEM_NAME: "s"}, None, ("s", "")),
        ({names.ITEM_PATH: "p", names.ITEM_NAME: "s"}, None, ("s", "p")),
        ({names.ITEM_PATH: "p", names.ITEM_NAME: "My Secret"}, None, ("my-secret", "p")),
        (None, {names.ITEM_PATH: "p", names.ITEM_NAME: "s"}, ("s", "p")),
        # The Deployment's own annotations are looked at first, and the template's only if there are none that count.
        ({names.ITEM_PATH: "p", names.ITEM_NAME: "s"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("s", "p")),
        ({names.ITEM_PATH: "p"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, None),
        ({names.PREFIX + "x": "y"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, None),
        ({names.AUTO_RESTART: "true"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("t", "q")),
        ({names.LAST_RESTARTED: "2024"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("t", "q")),
        ({"note": "x"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("t", "q")),
        ({names.PREFIX + "1": "no letter follows"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("t", "q")),
    ],
)
def test_the_deployments_annotations_count_or_if_there_are_none_those_of_its_pods(
    on_deployment: dict[str, str] | None, on_template: dict[str, str] | None, asks: tuple[str, str] | None
) -> None:
    claim = _annotated(on_deployment, on_template)
    assert (claim and (claim.key.name, claim.item_path)) == asks


def test_the_record_of_restarts_is_no_demand() -> None:
    """The official operator takes every annotation under its prefix for one."""
    assert _annotated(None, {names.RESTARTED_FOR: "{}", names.LAST_RESTARTED: "2024"}) is None
    assert _annotated({names.RESTARTED_FOR: "{}"}, DEMAND) is not None


@pytest.mark.parametrize("annotation", sorted(names.WRITTEN_ON_SECRETS))
def test_what_only_the_operator_writes_on_secrets_is_not_copied_from_a_deployment(annotation: str) -> None:
    claim = _annotated(DEMAND | {annotation: "forged"})
    assert claim is not None
    assert claim.annotations == {names.ITEM_NAME: "db"}


def test_what_a_deployment_asks_for_is_kept_up_to_a_bound() -> None:
    annotations = {names.ITEM_NAME: "db", names.ITEM_PATH: "p" * 5000, names.PREFIX + "note": "n" * bounds.COPIED_CHARACTERS}
    claim = _annotated(annotations)
    assert claim
    assert len(claim.item_path) == bounds.ITEM_PATH_CHARACTERS + 1
    assert not claim.annotations
    assert claim.oversized > bounds.COPIED_CHARACTERS
    note, room = names.PREFIX + "note", bounds.COPIED_CHARACTERS - bounds.characters({names.ITEM_NAME: "db"})
    at_most = _annotated(DEMAND | {note: "n" * (room - len(note))})
    assert (at_most and at_most.oversized) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_may_ask_but_what_a_controller_owns_only_where_the_official_operator_listens(kind: str) -> None:
    workload = dataclasses.replace(BARE, annotations=DEMAND, kind=KINDS[kind])
    (claim,) = workload_claim.claims(workload)
    assert claim.owner_reference.api_version == KINDS[kind].api_version
    inherited = workload_claim.claims(dataclasses.replace(workload, controller='CronJob "nightly"'))
    assert bool(inherited) == (kind == "Deployment")


def test_one_annotation_asks_for_several_secrets_and_the_first_line_of_a_name_counts() -> None:
    lines = [
        "a=vaults/v/items/a",
        "",
        "  b = vaults/v/items/b=c ",
        "db=mine",
        "a=other",
        "A=x",
        "c",
        "c=",
        "=x",
        *(f"n{n}=x" for n in range(40)),
    ]
    workload = dataclasses.replace(BARE, annotations=DEMAND | {names.ITEMS: "\n".join(lines)})
    claims = workload_claim.claims(workload)
    found = {claim.key.name: claim.item_path for claim in claims}
    assert found == {
        "db": "vaults/a/items/b",
        "a": "vaults/v/items/a",
        "b": "vaults/v/items/b=c",
        **{f"n{n}": "x" for n in range(bounds.ITEMS_OF_A_WORKLOAD - 8)},
    }
    assert workload_claim.named(workload.annotations, {}) == found.keys()
    several = next(claim for claim in claims if claim.key.name == "a")
    assert several.another_name.endswith(names.ITEMS)
    assert dict(several.annotations) == {names.ITEM_NAME: "a"}


def test_whoever_asks_for_several_is_told_of_the_first_line_that_asks_for_nothing_and_of_too_many() -> None:
    def advice(*lines: str) -> tuple[str, ...]:
        return workload_claim.advice({names.ITEMS: "\n".join(lines)}, {}, kind=KINDS["Job"], secrets=())

    assert advice("a=b", "") == ()
    (said,) = advice("a=b", "Not valid=b", "c")
    assert '"Not valid=b" asks for nothing' in said
    assert "more than 32 lines" in advice(*(f"n{n}=x" for n in range(33)))[0]
    assert advice(*(f"n{n}=x" for n in range(32))) == ()


def test_of_an_annotation_of_a_quarter_of_a_megabyte_a_small_part_is_looked_at() -> None:
    """It is read at every event of its object, and anybody may write it."""
    huge = {names.ITEMS: "a=b\n" * 64_000}
    assert len(annotations.item_lines(huge)) == bounds.ITEMS_OF_A_WORKLOAD + 1
    long = {names.ITEMS: "a=b\nc=" + "d" * bounds.ITEMS_CHARACTERS}
    (said,) = workload_claim.advice(long, {}, kind=KINDS["Job"], secrets=())
    assert f"{bounds.ITEMS_CHARACTERS} characters" in said


@pytest.mark.parametrize("between", ["\r", "\x0b", "\x1c", "\u2028"])
def test_only_a_line_feed_ends_a_line_so_that_a_policy_that_splits_there_sees_every_path(between: str) -> None:
    asked = workload_claim.items({names.ITEMS: f"a=vaults/mine/items/x{between}b=vaults/other/items/y"})
    assert list(asked) == ["a"]


def test_secrets_of_template_and_annotation_are_kept_up_to_one_limit() -> None:
    more = {names.USES_SECRETS: ",".join(f"n{n}" for n in range(300))}
    used = workload_claim.used(more, shown={"a", "b"})
    assert len(used) == bounds.SECRETS_OF_A_WORKLOAD + 1
    assert {"a", "b"} <= used
