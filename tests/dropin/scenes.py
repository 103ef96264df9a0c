"""The real official operator makes the states: what its user applied, a rotation, a deletion while it was away, and what came of it.

`python tests/dropin/scenes.py` records them anew; a test holds the records to what the program does.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
if __name__ == "__main__":  # run as a script, Python puts this file's folder on the path and not the tests' root
    sys.path[:1] = [str(REPOSITORY / "tests"), str(REPOSITORY / "operator")]

from controlplane.fixtures import Observer  # noqa: E402
from controlplane.launcher import ControlPlane, say_aloud  # noqa: E402
from dropin import recorded  # noqa: E402
from dropin.meeting import Meeting  # noqa: E402
from harness.waiting import eventually  # noqa: E402

Key = tuple[str, str]
"""Kind and name."""

ITEM, SECRET, DEPLOYMENT = "OnePasswordItem", "Secret", "Deployment"

STATES: Mapping[str, tuple[str, tuple[Key, ...]]] = {
    "01-synced": (
        "A resource that names its item by title, its Secret, and a Deployment that uses it",
        ((ITEM, "by-title"), (SECRET, "by-title"), (DEPLOYMENT, "user")),
    ),
    "02-failed": ("A resource whose item does not exist", ((ITEM, "bad"),)),
    "03-typed": ("A resource with a type", ((ITEM, "typed"), (SECRET, "typed"))),
    "04-annotated-deployments": (
        "Two Deployments that ask for one Secret, which belongs to the first of them; one that asks through its pod template",
        (
            (DEPLOYMENT, "annotated-a"),
            (DEPLOYMENT, "annotated-b"),
            (DEPLOYMENT, "annotated-template"),
            (SECRET, "shared"),
            (SECRET, "from-template"),
        ),
    ),
    "05-after-rotation-and-restart": (
        "After a new password in two items, with AUTO_RESTART=true",
        (
            (ITEM, "by-title"),
            (SECRET, "by-title"),
            (DEPLOYMENT, "user"),
            (DEPLOYMENT, "annotated-a"),
            (DEPLOYMENT, "annotated-b"),
            (SECRET, "shared"),
        ),
    ),
    "06-deleted-while-it-was-away": (
        "A resource and a Deployment that wait for an operator to take its finalizer away",
        ((ITEM, "by-title"), (SECRET, "by-title"), (DEPLOYMENT, "annotated-template"), (SECRET, "from-template")),
    ),
    "07-enable-annotations": (
        "--enable-annotations copies every annotation of the resource",
        ((ITEM, "with-annotations"), (SECRET, "with-annotations")),
    ),
    "08-annotations-removed": ("A Deployment that asks no more, and keeps the finalizer", ((DEPLOYMENT, "annotated-b"),)),
}

Shown = dict[str, list[recorded.Object]]


def play(meeting: Meeting, say: Callable[[str], None] = lambda _text: None) -> Shown:
    """Let the official operator make all states, one after the other, and return what the API server shows of each."""
    shown: Shown = {}

    def take(*names: str) -> None:
        for name in names:
            shown[name] = meeting.trimmed(*STATES[name][1])
            say(f"{name}: {len(shown[name])} objects")

    official = meeting.official(AUTO_RESTART="true")
    meeting.apply(*recorded.specs("annotated-a"))
    eventually(partial(meeting.shown, SECRET, "shared"), bool, what="the Secret whose first claimant owns it")
    meeting.apply(*recorded.specs("by-title", "bad", "typed", "user", "annotated-b", "annotated-template"))
    first_look(meeting)
    take("01-synced", "02-failed", "03-typed", "04-annotated-deployments")
    rotate(meeting)
    take("05-after-rotation-and-restart")
    asks_no_more = {"metadata": {"annotations": dict.fromkeys((recorded.ITEM_PATH, recorded.ITEM_NAME))}}
    before = official.reconciled("annotated-b")
    meeting.patch_deployment("annotated-b", asks_no_more)
    eventually(lambda: official.reconciled("annotated-b"), lambda now: now > before, what="a look at the Deployment without annotations")
    take("08-annotations-removed")
    assert official.stop() == 0
    meeting.delete_item("by-title")
    meeting.delete_deployment("annotated-template")
    take("06-deleted-while-it-was-away")
    meeting.apply(*recorded.specs("with-annotations"))
    meeting.official("--enable-annotations")
    eventually(lambda: meeting.condition("with-annotations"), bool, what="a status for with-annotations")
    take("07-enable-annotations")
    return shown


def first_look(meeting: Meeting) -> None:
    for item in ("by-title", "bad", "typed"):
        eventually(partial(meeting.condition, item), bool, what=f"a status for {item}")
    for deployment in ("annotated-a", "annotated-b", "annotated-template"):
        eventually(partial(meeting.finalized, DEPLOYMENT, deployment), bool, what=f"the finalizer on {deployment}")
    eventually(partial(meeting.shown, SECRET, "from-template"), bool, what="the Secret from-template")
    for deployment in ("user", "annotated-a", "annotated-b", "annotated-template"):
        meeting.rollouts(deployment, 1)


def rotate(meeting: Meeting) -> None:
    """Change two passwords, and return when all who use them have been restarted."""
    meeting.wait_unchanged_deployments()
    [first, *_] = recorded.load(recorded.STATES / "seed.yaml")[0]["vaults"]
    for item in first["items"][:2]:
        meeting.connect.edit(first["name"], item["title"], fields={"password": recorded.password(item["fields"]["password"], 2)})
    for deployment in ("user", "annotated-a", "annotated-b"):
        meeting.rollouts(deployment, 2)


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as directory,
        ControlPlane.start(crds=sorted((REPOSITORY / "crds").glob("*.yaml"))) as plane,
        Observer.connect(plane.admin_kubeconfig) as observer,
    ):
        observer.core.create_namespace({"metadata": {"name": "recording"}})
        seed = recorded.seed_of(())
        meeting = Meeting(plane=plane, observer=observer, namespace="recording", directory=Path(directory), seed=seed)
        for name, objects in play(meeting, say_aloud).items():
            recorded.save(name, STATES[name][0], objects)
        meeting.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
