"""What follows what."""

import gc
import tracemalloc
from typing import Any

import msgspec
import pytest

from fakes.clock import FakeClock
from onepassword_operator.model import names
from onepassword_operator.model.item import Revision
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.service.index import followed as follow_index
from onepassword_operator.service.index.followed import FollowIndex
from unit.rules import samples

A, B = SecretKey("app", "a"), SecretKey("app", "b")
X1, X2, Y1, Z1 = Revision("v", "x", 1), Revision("v", "x", 2), Revision("v", "y", 1), Revision("w", "z", 1)


def test_an_item_knows_its_users_and_a_vault_its_followed_items() -> None:
    index = FollowIndex(FakeClock())
    index.follow(A, X1, requested="path")
    index.follow(B, X1, requested="path")
    assert sorted(index.users("v", ["x", "unknown"])) == [A, B]
    assert index.vaults() == ["v"]
    assert list(index.revisions("v")) == [X1]


def test_secrets_that_lag_behind_show_their_own_version() -> None:
    index = FollowIndex(FakeClock())
    index.follow(A, X1, requested="path")
    index.follow(B, X2, requested="path")
    assert sorted(index.revisions("v")) == [X1, X2]


def test_following_another_item_lets_go_of_the_former() -> None:
    index = FollowIndex(FakeClock())
    index.follow(A, X1, requested="path")
    index.follow(B, X1, requested="path")
    index.follow(A, Y1, requested="path")
    assert index.users("v", ["x"]) == [B]
    index.follow(B, Z1, requested="path")
    assert index.users("v", ["x"]) == []
    assert sorted(index.vaults()) == ["v", "w"]
    index.follow(A, Z1, requested="path")
    assert index.vaults() == ["w"]


def test_an_unfollowed_secret_is_remembered_and_a_forgotten_one_is_not() -> None:
    index = FollowIndex(FakeClock())
    index.follow(A, X1, requested="path")
    index.record(A).held = X1
    index.unfollow(A)
    assert (index.users("v", ["x"]), index.vaults(), index.record(A).held) == ([], [], X1)
    index.unfollow(A)
    index.forget(A)
    assert index.followed == {}
    index.forget(A)
    index.unfollow(A)


def test_a_path_that_leads_somewhere_waits_no_longer() -> None:
    index = FollowIndex(FakeClock())
    index.record(A)
    index.wait(A, vault="Prod")
    assert index.waiting() == [(A, "Prod")]
    index.follow(A, X1, requested="path")
    assert index.waiting() == []


def test_a_forgotten_secret_waits_for_nothing() -> None:
    index = FollowIndex(FakeClock())
    index.record(A)
    index.wait(A, vault="Prod")
    index.forget(A)
    assert index.waiting() == []
    index.wait(A, vault="Prod")  # a pass that was under way finds out too late
    assert index.waiting() == []


def test_marks_are_found_by_namespace() -> None:
    index = FollowIndex(FakeClock())
    mark = RestartMark(X1, "2024-05-01T12:00:00Z")
    index.record(A).mark = mark
    index.record(B)
    index.record(SecretKey("other", "c")).mark = mark
    assert index.pending("app") == {A: mark}
    assert index.pending_namespaces() == {"app", "other"}
    assert index.count_pending() == 2


def test_what_a_secret_held_and_was_owed_outlives_its_claims() -> None:
    index, mark = FollowIndex(FakeClock()), RestartMark(X1, "2024-05-01T12:00:00Z")
    record = index.record(A)
    record.held, record.mark, record.attempts = X1, mark, 5
    index.forget(A)
    assert index.followed == {}
    again = index.record(A)
    assert (again.held, again.mark, again.attempts) == (X1, mark, 0)


def test_only_so_many_departed_secrets_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_index, "_DEPARTED", 1)
    index = FollowIndex(FakeClock())
    for key in (A, B):
        index.record(key).held = X1
        index.forget(key)
    assert (index.record(A).held, index.record(B).held) == (None, X1)


def test_a_secret_is_forgotten_with_the_last_who_asks_for_it() -> None:
    index = FollowIndex(FakeClock())
    one, two = samples.claim(), samples.claim(kind=names.DEPLOYMENT, name="web", uid="web")
    for claim in (one, two):
        index.claims.put(claim)
    index.follow(one.key, X1, requested="path")
    assert index.let_go(one)
    assert index.vaults() == ["v"]
    assert not index.let_go(two)
    assert (index.vaults(), index.followed) == ([], {})


def test_who_has_a_say_is_as_the_last_pass_found_and_else_the_oldest_claim() -> None:
    index = FollowIndex(FakeClock())
    young, old = samples.claim(created_at="2025-01-01T00:00:00Z"), samples.claim(kind=names.DEPLOYMENT, name="web", uid="web")
    key = young.key
    assert (index.winner(key), index.co_owner_uids(key)) == (None, [])
    index.claims.put(young)
    index.claims.put(old)
    assert (index.winner(key), index.co_owner_uids(key)) == (old, [old])
    record = index.record(key)
    record.winner, record.co_owner_uids = young.uid, frozenset({young.uid, "gone"})
    assert (index.winner(key), index.co_owner_uids(key)) == (young, [young])
    record.co_owner_uids = frozenset({young.uid, old.uid})
    assert (index.winner(key), index.co_owner_uids(key)) == (young, [young, old])
    record.winner = "gone"
    assert index.winner(key) == old


def body(number: int) -> bytes:
    """A resource as the API server delivers it, in sync."""
    path = f"vaults/{'v' * 26}/items/{number:026}"
    ready = {"type": "Ready", "status": "True", "reason": "Synced", "message": f"holds version 3 of {path}", "observedGeneration": 1}
    fields: dict[str, Any] = {
        f"f:{name}": {".": {}, "f:itemPath": {}} for name in ("spec", "status", "metadata", "annotations", "conditions")
    }
    metadata: dict[str, Any] = {
        "name": f"resource-{number:05}",
        "namespace": f"team-{number % 50:02}",
        "uid": f"{number:036}",
        "resourceVersion": str(100_000 + number),
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": name, "operation": "Update", "fieldsV1": fields} for name in ("kubectl", "onepassword-operator")],
    }
    return msgspec.json.encode({"metadata": metadata, "spec": {"itemPath": path}, "status": {"conditions": [ready]}})


def test_what_is_kept_of_a_resource_is_small_and_its_body_is_not() -> None:
    number, index = 1000, FollowIndex(FakeClock())
    bodies = [body(n) for n in range(number)]
    gc.collect()
    tracemalloc.start()
    try:
        for n, raw in enumerate(bodies):
            claim = Claim.from_object(msgspec.json.decode(raw), Rendering())
            index.claims.put(claim)
            index.follow(claim.key, Revision("v" * 26, f"{n:026}", 3), requested=claim.item_path)
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] / number
    finally:
        tracemalloc.stop()
    assert len(index.claims) == number
    assert kept < 3 * 1024
    assert all(not hasattr(kind, "__dict__") for kind in (index.claims.of(claim.key)[0], index.record(claim.key), claim.ready, X1))
