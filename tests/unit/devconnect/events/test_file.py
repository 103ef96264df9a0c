"""Events over restarts."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.events import file as event_file
from onepassword_operator.devconnect.events.file import EventFile
from onepassword_operator.devconnect.events.log import EventLog
from onepassword_operator.devconnect.events.records import FEATURES, SIGN_IN_ATTEMPTS, Origin, SignIn
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.state import State


def sign_in(at: float) -> SignIn:
    return SignIn(at=at, session=f"session {at}", accepted=True, origin=Origin(user_agent="a/1", address="127.0.0.1"))


def logs(kept: int = 100_000) -> Mapping[str, EventLog]:
    return {feature: EventLog(Behaviour(events_kept=kept)) for feature in FEATURES}


def write(path: Path, into: Mapping[str, EventLog], *times: float) -> str:
    """Open the file, fill the logs with what it has, and add to both."""
    file = EventFile.open(path)
    file.fill(into)
    log = into[SIGN_IN_ATTEMPTS]
    for at in times:
        file.append(SIGN_IN_ATTEMPTS, log.end, event=sign_in(at), logs=into)
        log.add(sign_in(at))
    file.close()
    return file.run


def test_what_was_written_is_there_under_the_same_positions(tmp_path: Path) -> None:
    before, after = logs(), logs()
    run = write(tmp_path / "events", before, 1, 2, 3)
    assert write(tmp_path / "events", after) == run
    assert list(after[SIGN_IN_ATTEMPTS].all()) == list(before[SIGN_IN_ATTEMPTS].all()) == [(n, sign_in(n + 1)) for n in range(3)]


def test_an_event_that_was_cut_off_is_dropped_and_its_position_given_again(tmp_path: Path) -> None:
    path = tmp_path / "events"
    write(path, logs(), 1, 2)
    path.write_bytes(path.read_bytes()[:-5])
    write(path, logs(), 9)
    found = logs()
    write(path, found)
    assert list(found[SIGN_IN_ATTEMPTS].all()) == [(0, sign_in(1)), (1, sign_in(9))]


def test_the_file_does_not_grow_for_ever_and_positions_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "_SURPLUS", 20)
    path = tmp_path / "events"
    run = write(path, logs(10), *range(200))
    assert path.read_bytes().count(b"\n") < 60
    found = logs(10)
    assert write(path, found, 200) == run
    everything = list(found[SIGN_IN_ATTEMPTS].all())
    assert everything[-1] == (200, sign_in(200))
    assert all(event.at == position for position, event in everything)
    assert len(everything) >= 10


async def test_what_a_cursor_leads_past_is_on_the_disk_before_it_is_given_out(
    tmp_path: Path, client_of: Any, seed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await DevConnect.start(seed, Options(state=State.open(tmp_path / "state")))
    client, token, synced = client_of(server), server.mint_for_events(), list[bytes]()
    path = tmp_path / "state" / "events"
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    await client.get(client.item_path, headers={"User-Agent": "probe/1"})
    assert synced == []
    await client.ask("POST", "/api/v2/itemusages", token=token)
    assert [b"probe/1" in content for content in synced] == [True]
    await server.stop()


async def test_without_a_state_directory_a_cursor_of_an_earlier_start_is_refused(client_of: Any, seed: Any) -> None:
    body = dict[str, Any]()
    for status in (200, 400):
        server = await DevConnect.start(seed, Options())
        reply = await client_of(server).ask("POST", "/api/v2/itemusages", token=server.mint_for_events(), json=body)
        assert reply.status == status
        body = {"cursor": reply.json.get("cursor")}
        await server.stop()
