"""What kopf remembers of objects."""

from typing import Any

from onepassword_operator.handlers.memories import NoMemories

BODY: Any = {"metadata": {"uid": "u", "namespace": "app", "name": "db"}}


async def test_an_event_leaves_nothing_behind() -> None:
    memories = NoMemories()
    first = await memories.recall(BODY, noticed_by_listing=True, memobase=None)
    second = await memories.recall(BODY, ephemeral=False)
    await memories.forget(BODY)
    assert first is not second
    assert (first.noticed_by_listing, second.noticed_by_listing) == (True, False)
    assert [*memories.iter_all_memories(), *memories.iter_all_daemon_memories()] == []
