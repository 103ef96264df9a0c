"""What the official operator's own tests look at, scenario by scenario, and what nobody tests there.

`@pytest.mark.official(74, "Secret drift")` on a test of ours says which rows it shows. `tests/contract/test_scenarios.py` holds that every
row is shown, and that rows which need a cluster there, or are tested nowhere there, are shown on one here.
"""

import dataclasses
import enum
from typing import Final


class Level(enum.Enum):
    """Where the official operator tests a scenario."""

    UNIT = "unit"
    ENVTEST = "envtest"
    E2E = "e2e"
    NOWHERE = "nowhere"


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One row; a name that starts with "differs:" in its sentence is shown by what this operator does instead."""

    name: int | str
    level: Level
    sentence: str

    @property
    def needs_a_cluster(self) -> bool:
        return self.level is not Level.UNIT


def _numbered(level: Level, first: int, *sentences: str) -> tuple[Scenario, ...]:
    return tuple(Scenario(first + offset, level, sentence) for offset, sentence in enumerate(sentences))


SECRETS: Final = _numbered(
    Level.UNIT,
    1,
    "a new Secret holds all five fields of its item, and the annotations for path, version and restart",
    "a new Secret has one owner, with kind, API version, name and uid and nothing else",
    "a newer item with one more field replaces data and annotations of the Secret that is there",
    "five fields with plain labels are five keys of the same names",
    "with empty values allowed, four fields of which two are empty are four keys, two of them without a byte",
    "without that option the same item gives the two keys that have a value",
    "a Secret's name in mixed case is lowered; namespace and a given annotation arrive unchanged",
    "of two URLs with one label the primary one is kept, another label and two fields stand beside it: four keys",
    "a field and a URL of one label are one key, and the field has it",
    "labels that are empty, blank or only special characters give no key, in fields, URLs and files alike",
    "a bad Secret name and bad labels come out valid, a label of 254 letters one letter shorter",
    "a type such as kubernetes.io/tls is the type of the Secret that is made",
)

WORKLOADS: Final = _numbered(
    Level.UNIT,
    13,
    "of four annotations of a Deployment the two that ask for an item are taken",
    "annotations on the Deployment's own metadata are found",
    "where these have none, the pod template's annotations are found",
    "a Deployment without any of them asks for nothing",
    "a container variable that takes a key of the Secret is use",
    "a container that takes all keys of the Secret is use",
    "a container variable of another Secret is no use",
    "a changed Secret is recognised through a container that takes all its keys",
    "Secret volumes and a projected volume of known names are use",
    "a Secret volume of another name is no use",
    "a Deployment uses what its volumes and projected volumes name",
    "a Deployment uses what its containers' variables name",
    "a Deployment that says nothing uses nothing",
    "differs: MANAGE_CONNECT makes no Service for Connect here; a warning names the commands that install it",
    "differs: MANAGE_CONNECT makes no Deployment of Connect here; the same warning",
)

POLLS: Final = _numbered(
    Level.UNIT,
    28,
    "a new version reaches the Secret; a Deployment annotated for another one is not restarted, although restarts are on everywhere",
    "a new version restarts a Deployment whose container reads the Secret",
    "a new version restarts a Deployment whose annotation names the Secret",
    "a new version restarts a Deployment that mounts the Secret",
    "an unchanged version updates nothing and restarts nothing",
    "a new version updates the Secret and restarts nobody where nobody asked for restarts",
    "yes on the Secret beats no on the Deployment",
    "no on the Secret beats yes on the Deployment, and yes for all",
    "yes on the Deployment beats no for all",
    "no on the Deployment beats yes on the namespace",
    "yes on the namespace beats no for all",
    "restarts look at watched namespaces only (the official test of that name repeats the one before)",
    "without a list of namespaces, every namespace's setting counts",
    "differs: there is no map to be empty; a namespace that says nothing leaves the decision to the operator's own setting",
    "no on the namespace beats yes for all",
    "with a list of namespaces, no other namespace is asked for its setting",
    "a listed namespace that does not exist is no error",
    "an update at a poll drops keys that are gone or empty",
    "with empty values allowed, an update at a poll keeps them as empty keys",
    "a Secret is told from others by its name among those that changed",
)

CLIENTS: Final = _numbered(
    Level.UNIT,
    48,
    "Connect, an item by ID: delivered whole",
    "Connect, an item by ID: an error is passed on",
    "Connect, items by title: one",
    "Connect, items by title: two",
    "Connect, items by title: an error is passed on",
    "Connect, a file: its content is asked for at the documented path",
    "Connect, a file: an error that will not pass is passed on at once",
    "Connect, vaults by title: those of other titles are left out",
    "Connect, vaults by title: two",
    "Connect, vaults by title: an error is passed on",
    *(
        f"differs: no service-account backend yet; shown for Connect: {what}"
        for what in (
            "an item by ID",
            "an item by ID, and an error",
            "one of two items by title",
            "two items by title",
            "no item by that title",
            "items by title, and an error",
            "the content of a file",
            "the content of a file, and an error",
            "one of two vaults by title",
            "two vaults by title",
            "vaults by title, and an error",
        )
    ),
    "what Connect says of an item becomes our item: IDs, version, tags, fields, files, date",
    "differs: no service-account backend yet; shown for Connect: an item becomes our item",
    "differs: no service-account backend yet; shown for Connect: a list entry becomes our summary",
    "what Connect says of a vault becomes our vault",
    "differs: no service-account backend yet; shown for Connect: a vault becomes our vault",
)

CONTROLLERS: Final = _numbered(
    Level.ENVTEST,
    74,
    "a resource gets its Secret; when the item is exchanged the Secret holds the new fields only; deleted, both are gone",
    "labels with blanks, capitals and an emoji become clean keys, and deletion cleans up",
    "writing type Opaque into a resource that had no type changes nothing on the Secret",
    "a type nobody knows is honoured",
    "an attached file server.crt is the key server.crt with its content",
    "the type of a Secret can't be changed, by the API server's own rule",
    "the API server refuses a resource with an underscore in its name",
    "the API server refuses a resource with capitals in its name",
    "a Deployment that asked for a Secret and is deleted takes it along",
    "another item-path on a Deployment exchanges the Secret's data",
    "an update of a Deployment that changes none of its annotations leaves the Secret alone",
    "the Secret of a deleted Deployment stays while another one's containers read it",
    "the Secret of a deleted Deployment stays while another one mounts it as its only volume",
)

END_TO_END: Final = _numbered(
    Level.E2E,
    87,
    "a manifest is applied and the Secret is there",
    "two URLs of an item are two keys: website, from the primary one, and test-website",
    "a password changed in 1Password is in the Secret after a poll",
    "an item with the ignore tag changes, and the Secret keeps the old password",
    "with AUTO_RESTART a Deployment that uses the Secret is rolled out after a change",
    "a title of 26 letters that looks like an ID is found as a title",
    "an item is found by its ID",
    "an attached file test.txt is a key",
    "a vault is found by its name in another case",
)

NOT_TESTED_THERE: Final = tuple(
    Scenario(name, Level.NOWHERE, sentence)
    for name, sentence in {
        "duplicate titles and ties": "several items of one title: one of them is taken and stays taken, poll after poll, with a warning",
        "oldest wins": "of several items, or vaults, of one name the oldest is taken",
        "ID before title": "what is an ID is taken as one, and as a title only where no item has that ID",
        "dotted keys": "labels `.` and `..x` cost their own key and are told; the rest of the Secret is written",
        "URL labels that collide": "two URL labels that become one key: the same one wins at every look",
        "restart after a spec change": "a resource that names another item exchanges the data and restarts who uses them",
        "restart after an operator restart": "a change that came while no operator ran restarts, once, at the next start",
        "Secret deletion": "a Secret deleted by hand is back within seconds",
        "Secret drift": "a Secret edited by hand is put right within seconds, without a restart",
        "unmanaged Secret adoption": "differs: a Secret of that name that is not the operator's is refused and left as it is",
        "unmanaged Secret deletion": "differs: it also survives the deletion of the resource",
        "annotation removed from a Deployment": "a Deployment that no longer asks for a Secret can be deleted like any other",
        "shared Secret and garbage collection": "a Secret that two Deployments ask for outlives the first and goes with the last",
        "rate limiting": "a wait that 1Password asks for is kept, and told where somebody is owed an answer",
        "Connect outage": "1Password out of reach: Secrets stay, nothing is said of a blip, a lasting outage is told and ends",
        "Connect timeouts": "a connection that hangs is given up, and nothing else waits for it",
        "conflicts": "somebody else writes the same Secret or Deployment in between: decided anew, nothing lost, nothing twice",
        "events": "creation, update, repair, restart and failure are Events on the object they are about, said once and counted",
        "leader election": "the Lease is the official one; two processes without it write what one would, and restart once",
        "WATCH_NAMESPACE with spaces": "blanks and empty parts in the list of namespaces are passed over",
    }.items()
)

SCENARIOS: Final = SECRETS + WORKLOADS + POLLS + CLIENTS + CONTROLLERS + END_TO_END + NOT_TESTED_THERE
