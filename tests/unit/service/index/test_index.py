"""What takes several stores."""

import gc
import tracemalloc
from typing import Any

import msgspec

from fakes.clock import FakeClock
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Rendering
from onepassword_operator.service.index.index import Index
from onepassword_operator.wire import onepassword_item
from unit.rules import samples

A = SecretKey("app", "a")
X1 = Revisions((Revision("v", "x", 1),))


def test_a_secret_is_forgotten_with_the_last_who_asks_for_it() -> None:
    index = Index(FakeClock())
    one, two = samples.claim(), samples.claim(kind="Deployment", name="web", uid="web")
    for claim in (one, two):
        index.claims.put(claim)
    index.item_users.follow(one.key, X1, requested="path")
    assert index.let_go(one)
    assert index.item_users.vaults() == ["v"]
    assert not index.let_go(two)
    assert (index.item_users.vaults(), index.states._states) == ([], {})


def test_who_has_a_say_is_as_the_last_pass_found_and_else_the_oldest_claim() -> None:
    index = Index(FakeClock())
    young, old = samples.claim(created_at="2025-01-01T00:00:00Z"), samples.claim(kind="Deployment", name="web", uid="web")
    key = young.key
    assert (index.winner(key), index.sharing(key)) == (None, [])
    index.claims.put(young)
    index.claims.put(old)
    assert (index.winner(key), index.sharing(key)) == (old, [old])
    index.winners.decide(key, young.uid, sharing=["gone"], alone=False)
    assert (index.winner(key), index.sharing(key)) == (young, [young])
    index.winners.decide(key, young.uid, sharing=[old.uid], alone=False)
    assert (index.winner(key), index.sharing(key)) == (young, [young, old])
    index.winners.decide(key, "gone", sharing=[], alone=False)
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
    number, index = 1000, Index(FakeClock())
    bodies = [body(n) for n in range(number)]
    gc.collect()
    tracemalloc.start()
    try:
        for n, raw in enumerate(bodies):
            claim = onepassword_item.from_json(raw, Rendering())
            index.claims.put(claim)
            revisions = Revisions((Revision("v" * 26, f"{n:026}", 3),))
            index.states.set_synced(claim.key, revisions, skipped=None, mark=None)
            index.item_users.follow(claim.key, Revisions((Revision("v" * 26, f"{n:026}", 3),)), requested=claim.item_path)
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] / number
    finally:
        tracemalloc.stop()
    assert len(index.claims) == number
    assert kept < 3 * 1024
    assert all(not hasattr(kind, "__dict__") for kind in (index.claims.of(claim.key)[0], index.states.of(claim.key), claim.ready, X1))
