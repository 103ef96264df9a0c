"""The guided tour behind `make demo`, on a real API server and a Connect server in memory.

Every step says what it does and why, makes the command or call that it shows, and checks in the
cluster that it happened. A step that did not happen ends the tour with exit code 1. Keys and sizes
of Secrets are shown, values never.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from controlplane.errors import ControlPlaneError  # noqa: E402
from demo.checks import check, check_content, is_ready, is_refused, seeded_content  # noqa: E402
from demo.cluster import (  # noqa: E402
    PREFIX,
    data,
    exists,
    facts,
    item_version,
    pod_annotations,
    ready,
    revision,
    sizes,
)
from demo.errors import TourError  # noqa: E402
from demo.narrator import Narrator, Stopwatch, shown_path  # noqa: E402
from demo.stage import (  # noqa: E402
    OPERATOR_USER,
    POLL_REQUEST,
    POLLING_SECONDS,
    SEED,
    Stage,
    requests_if_quiet,
)

KEPT: Final = "Everything keeps running until you press Ctrl-C here; then it all goes."
ITEMS: Final = {
    "shop-database": "shop database",
    "payments-api": "payments api",
    "deploy-key": "deploy key",
}


def start_the_surroundings(stage: Stage, say: Narrator) -> None:
    """Step: a control plane and a Connect server."""
    say.why(
        "An API server, a controller manager and etcd, as in any cluster, with the CRD in crds/. "
        "There are no nodes, so no pod ever runs; everything the operator touches is real. "
        "The Connect server is part of this project and keeps its items in memory."
    )
    say.call(
        "ControlPlane.start(crds=[crds/onepassworditems.yaml])   of tests/controlplane/launcher.py"
    )
    watch = Stopwatch()
    stage.start_control_plane(say.progress)
    version = stage.cluster.run(["get", "--raw=/version"])
    say.happened(
        f"a control plane of Kubernetes {json.loads(version)['gitVersion']}", watch.seconds
    )
    say.why(
        f"From here on `kubectl` is {shown_path(stage.kubectl)}, as this cluster's administrator."
    )
    say.command(shlex.join(["onepassword-operator", *stage.connect_arguments()]))
    watch = Stopwatch()
    stage.start_connect()
    say.happened(
        f"a Connect server at {stage.connect.url} with a vault of {len(ITEMS)} items", watch.seconds
    )


def start_the_operator(stage: Stage, say: Narrator) -> None:
    """Step: the operator, under its own role."""
    say.why(
        "It runs outside the cluster here, but as the service account that it would have inside, "
        "so it can do what deploy/rbac.yaml allows and nothing else. "
        "It may not delete a Secret, for example: Kubernetes' garbage collector does that."
    )
    kubectl(stage, say, "apply", "-f", "deploy/rbac.yaml")
    check(
        stage.cluster.may(OPERATOR_USER, "update", "secrets"),
        expected="the service account may update Secrets",
        seen="it may not",
    )
    check(
        not stage.cluster.may(OPERATOR_USER, "delete", "secrets"),
        expected="it may not delete Secrets",
        seen="it may",
    )
    say.happened("the service account may update Secrets, and may not delete them")
    say.command(
        f"export OP_CONNECT_HOST={stage.connect.url} OP_CONNECT_TOKEN=<not shown> "
        f"POLLING_INTERVAL={POLLING_SECONDS}"
    )
    say.command("export KUBECONFIG=<that of the service account>")
    say.command(shlex.join(["onepassword-operator", *stage.operator_arguments()]))
    watch = Stopwatch()
    stage.start_operator()
    say.happened(
        f"ready; it asks 1Password every {POLLING_SECONDS} s here, "
        "and every 60 s unless told otherwise",
        watch.seconds,
    )


def create_the_items(stage: Stage, say: Narrator) -> None:
    """Step: three resources become three Secrets."""
    say.why(
        "A login, an API credential with a file attached and an SSH key. "
        "Each OnePasswordItem becomes a Secret of its name; fields, URLs and files become keys. "
        "The Deployment reads one of the Secrets and asks to be restarted when it changes."
    )
    watch = Stopwatch()
    kubectl(stage, say, "apply", "-f", "demo/manifests")
    found = [
        stage.cluster.wait_for("secret", name, exists, expected=f'a Secret "{name}"')
        for name in ITEMS
    ]
    for name in ITEMS:
        stage.cluster.wait_for(
            "onepassworditem", name, is_ready, expected=f'the OnePasswordItem "{name}" to be Ready'
        )
    seconds = watch.seconds
    for secret in found:
        check_content(secret, seeded_content(SEED, ITEMS[secret["metadata"]["name"]]))
    say.output(
        f"{secret['metadata']['name']:<15}"
        + ", ".join(f"{key} ({size} B)" for key, size in sizes(secret).items())
        for secret in found
    )
    say.happened("three Secrets hold what the items hold (compared, not printed)", seconds)
    stage.cluster.wait_for(
        "deployment",
        "shop",
        lambda shop: revision(shop) == "1",
        expected='the Deployment "shop" at revision 1',
    )
    say.happened("the Deployment is at revision 1")


def change_a_password(stage: Stage, say: Narrator) -> None:
    """Step: a rotation reaches the Secret, and the Deployment that reads it."""
    say.why(
        "The main job. Somebody changes a password in 1Password; "
        "the Secret follows at the next poll, and then the Deployment rolls out once, "
        "because pods read environment variables only when they start."
    )
    new_password = secrets.token_urlsafe(12)
    say.call(
        f'POST {stage.connect.admin_url}/vaults/Demo/items/shop%20database  {{"fields": '
        '{"password": <a new one>}}'
    )
    watch = Stopwatch()
    stage.connect.edit("Demo", ITEMS["shop-database"], fields={"password": new_password})
    secret = stage.cluster.wait_for(
        "secret",
        "shop-database",
        lambda seen: item_version(seen) == "2",
        expected='Secret "shop-database" at item version 2',
    )
    seconds = watch.seconds
    check_content(
        secret, seeded_content(SEED, ITEMS["shop-database"]) | {"password": new_password.encode()}
    )
    say.happened(
        'Secret "shop-database" went from item version 1 to 2 and holds the new password', seconds
    )
    shop = stage.cluster.wait_for(
        "deployment", "shop", lambda seen: revision(seen) == "2", expected='"shop" at revision 2'
    )
    say.happened('Deployment "shop" went from revision 1 to 2: a new ReplicaSet', watch.seconds)
    kubectl(stage, say, "get", "replicasets", "-l", "app=shop")
    sets = stage.cluster.names("replicasets", "app=shop")
    check(
        len(sets) == 2,
        expected="two ReplicaSets, the old and the new",
        seen=", ".join(sets) or "none",
    )
    say.output(f"{name}: {value}" for name, value in pod_annotations(shop).items())
    say.why(
        "The pod template records for which item version it was restarted, "
        "so the same change never restarts it twice."
    )


def delete_a_secret(stage: Stage, say: Narrator) -> None:
    """Step: what was deleted or edited by hand is put right."""
    say.why(
        "Somebody deletes a Secret by mistake. The operator sees it at once and writes it anew; "
        "nobody waits for a poll."
    )
    before = stage.cluster.wait_for(
        "secret", "shop-database", exists, expected='the Secret "shop-database"'
    )
    watch = Stopwatch()
    kubectl(stage, say, "delete", "secret", "shop-database")
    uid = before["metadata"]["uid"]
    after = stage.cluster.wait_for(
        "secret",
        "shop-database",
        lambda seen: seen["metadata"]["uid"] != uid,
        expected="a new Secret",
    )
    seconds = watch.seconds
    check_content(after, data(before))
    say.happened("the Secret is back: another object with the same content", seconds)


def wait_quietly(stage: Stage, say: Narrator) -> None:
    """Step: while nothing changes, hardly anything is asked, and nothing restarts."""
    say.why(
        "The poll after a change lists the vault once more, to be sure. "
        "Then nothing changes, and however many items are followed, a poll is one request. "
        "The Deployment has to be left alone all the while: its Secret was written anew, "
        "but no value changed."
    )
    say.call(
        f"GET {stage.connect.admin_url}/requests   until two polls in a row were one request each"
    )
    stage.connect.reset()
    watch = Stopwatch()
    expected = f"two polls in a row that ask 1Password for {POLL_REQUEST} and nothing else"
    stage.cluster.until(
        lambda: requests_if_quiet(stage),
        lambda asked: asked.get(POLL_REQUEST, 0) >= 2 and len(asked) == 1,
        expected=expected,
    )
    say.happened(f"two polls, two requests: {POLL_REQUEST} and {POLL_REQUEST}", watch.seconds)
    shop = stage.cluster.wait_for("deployment", "shop", exists, expected='the Deployment "shop"')
    check(
        revision(shop) == "2",
        expected='"shop" still at revision 2, because no value changed',
        seen=facts(shop),
    )
    say.happened("the Deployment is still at revision 2")


def break_a_path(stage: Stage, say: Narrator) -> None:
    """Step: a mistake is explained where people look for it."""
    say.why(
        "Somebody mistypes a title. The resource says what is wrong and what to do; "
        "the last good Secret stays where it is."
    )
    before = stage.cluster.wait_for(
        "secret", "payments-api", exists, expected='the Secret "payments-api"'
    )
    watch = Stopwatch()
    patch = '{"spec": {"itemPath": "vaults/Demo/items/paymints api"}}'
    kubectl(stage, say, "patch", "opi", "payments-api", "--type=merge", "-p", patch)
    item = stage.cluster.wait_for(
        "opi", "payments-api", is_refused, expected="a condition that is False"
    )
    condition = ready(item)
    check(
        condition["reason"] == "ItemNotFound", expected="the reason ItemNotFound", seen=facts(item)
    )
    say.happened("the condition changed", watch.seconds)
    kubectl(stage, say, "get", "opi")
    say.output([f"message: {condition['message']}"])
    after = stage.cluster.wait_for(
        "secret", "payments-api", exists, expected='the Secret "payments-api"'
    )
    check_content(after, data(before))
    say.happened("the Secret still holds the last good content")
    watch = Stopwatch()
    kubectl(stage, say, "apply", "-f", "demo/manifests/items.yaml")
    stage.cluster.wait_for(
        "opi", "payments-api", is_ready, expected='"payments-api" to be Ready again'
    )
    say.happened("with the path put right it is Ready again", watch.seconds)


def clean_up(stage: Stage, say: Narrator) -> None:
    """Step: the Secrets go with their resources, and the operator ends in order."""
    say.why(
        "Each Secret belongs to its resource, so Kubernetes removes it with the resource. "
        "No finalizers: nothing can get stuck."
    )
    watch = Stopwatch()
    kubectl(stage, say, "delete", "-f", "demo/manifests")
    stage.cluster.until(
        lambda: stage.cluster.names("secrets", f"{PREFIX}managed=true"),
        lambda left: not left,
        expected="no Secret left",
    )
    say.happened("the three Secrets are gone", watch.seconds)
    watch = Stopwatch()
    code = stage.stop_operator()
    check(code == 0, expected="exit code 0 of the operator after SIGTERM", seen=str(code))
    say.happened("the operator ended with exit code 0", watch.seconds)


STEPS: Final[dict[str, Callable[[Stage, Narrator], None]]] = {
    "A cluster and a 1Password, both on this machine": start_the_surroundings,
    "The operator, with its own rights and no more": start_the_operator,
    "Three items become three Secrets": create_the_items,
    "A password changes in 1Password": change_a_password,
    "A Secret is deleted by hand": delete_a_secret,
    "Nothing changes": wait_quietly,
    "A path leads nowhere": break_a_path,
    "The end: everything goes": clean_up,
}


def run_steps(stage: Stage, say: Narrator, *, keep: bool) -> None:
    """The tour; the last step is left out when everything is to stay."""
    steps = [(title, step) for title, step in STEPS.items() if step is not clean_up or not keep]
    for number, (title, step) in enumerate(steps, start=1):
        say.step(number, len(steps), title)
        step(stage, say)


def leave_running(stage: Stage, say: Narrator) -> None:
    """Tell how to go on by hand, and wait for Ctrl-C."""
    program = shown_path(stage.kubectl)
    password_url = f"{stage.connect.admin_url}/vaults/Demo/items/shop%20database"
    say.closing(
        [
            f"{KEPT} In another terminal:",
            "",
            f"  export KUBECONFIG={stage.plane.admin_kubeconfig}",
            f"  {program} get opi,secrets,deployments",
            f'  curl {password_url} -d \'{{"fields": {{"password": "another one"}}}}\'',
            f"  {program} describe opi shop-database",
            "",
            f"The Connect API is at {stage.connect.url}, its token in {stage.token_file}",
            f"The operator's log is {stage.operator_log}",
        ]
    )
    with contextlib.suppress(KeyboardInterrupt):
        stage.wait_while_running()
    say.closing(["Stopping."])


def kubectl(stage: Stage, say: Narrator, *arguments: str) -> None:
    """Show a kubectl command, run it, and show what it printed."""
    say.command(f"kubectl {shlex.join(arguments)}")
    say.output(stage.cluster.run(arguments).splitlines())


def tour(say: Narrator, *, keep: bool) -> int:
    """The whole tour; the exit code."""
    watch = Stopwatch()
    with Stage() as stage:
        try:
            run_steps(stage, say, keep=keep)
            seconds = watch.seconds
            if keep:
                leave_running(stage, say)
                return 0
        except TourError as error:
            say.failure(error, stage.log_tail())
            return 1
        except OSError as error:
            say.failure(
                TourError(expected="an answer to every call", seen=str(error)), stage.log_tail()
            )
            return 1
    last = (
        f"All of it happened, in {seconds:.0f} s. "
        "`make demo KEEP=1` leaves everything running for you to try."
    )
    say.closing([last])
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tour; 0 if every step happened, 1 if one did not, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        description="A guided tour of onepassword-operator: no cluster and no 1Password account "
        "needed."
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave everything running at the end, until Ctrl-C"
    )
    keep = parser.parse_args(arguments).keep
    say = Narrator(sys.stdout)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say.opening(
        "onepassword-operator keeps Kubernetes Secrets equal to 1Password items. "
        "This tour shows it on a real API server, on this machine, "
        "without a cluster and without a 1Password account. "
        + ("It leaves everything running." if keep else "It leaves nothing running.")
    )
    try:
        return tour(say, keep=keep)
    except KeyboardInterrupt:
        say.closing(["Stopped and cleaned up."])
        return 130
    except ControlPlaneError as error:
        say.closing([f"The control plane can't be used: {error}"])
        return 1


if __name__ == "__main__":
    sys.exit(main())
