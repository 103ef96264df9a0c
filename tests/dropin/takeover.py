"""What a migration starts from, and how one sees that it is done."""

from collections.abc import Iterable
from functools import partial

from dropin import recorded
from dropin.fixtures import MakeMeeting
from dropin.meeting import Meeting
from dropin.restore import restore
from dropin.scenes import DEPLOYMENT, ITEM, SECRET
from harness.waiting import eventually

SYNCED, ANNOTATED, DELETED = "01-synced", "04-annotated-deployments", "06-deleted-while-it-was-away"


def together(*states: str) -> list[recorded.Object]:
    return [found for state in states for found in recorded.state(state)]


def left_by_the_official_operator(make_meeting: MakeMeeting, objects: list[recorded.Object], **newer: int) -> Meeting:
    """A world with the objects; 1Password holds what their Secrets say, or a newer version of the items with these titles' numbers."""
    seed = recorded.seed_of(objects)
    for vault in seed["vaults"]:
        for item in vault["items"]:
            item["version"] = newer.get("item" + item["title"][-1], item["version"])
            item["fields"]["password"] = recorded.password(item["fields"]["password"], item["version"])
    meeting = make_meeting(seed)
    restore(meeting, objects)
    return meeting


def named(objects: Iterable[recorded.Object], *kinds: str) -> list[tuple[str, str]]:
    return [(found["kind"], found["metadata"]["name"]) for found in objects if found["kind"] in kinds]


def wait_adopted(meeting: Meeting, objects: Iterable[recorded.Object]) -> None:
    """Return when ours has signed the Secrets, and no object carries the official finalizer."""
    for kind, name in named(objects, ITEM, SECRET, DEPLOYMENT):
        if kind == SECRET:
            eventually(partial(meeting.annotations, name), lambda seen: "seal" in seen, what=f"a seal on {name}")
        else:
            eventually(partial(meeting.finalized, kind, name), lambda held: not held, what=f"{kind} {name} without the finalizer")
        if kind == ITEM:
            meeting.wait_ready(name)


def writes_to(meeting: Meeting, *what: str) -> list[str]:
    return [write for write in meeting.writes() if write.split()[1] in what]
