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

A = SecretKey("app", "a")
X1 = Revisions((Revision("v", "x", 1),))


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
