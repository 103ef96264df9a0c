"""Events over restarts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.events import file as event_file
from onepassword_operator.devconnect.events.file import EventFile
from onepassword_operator.devconnect.events.log import EventLog
from onepassword_operator.devconnect.events.records import FEATURES, SIGN_IN_ATTEMPTS, Origin, SignIn
from onepassword_operator.devconnect.journal import Journal, JournalError
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.state import State


def sign_in(at: float) -> SignIn:
    return SignIn(at=at, session=f"session {at}", accepted=True, origin=Origin(user_agent="a/1", address="127.0.0.1"))


def logs(kept: int = 100_000) -> Mapping[str, EventLog]:
    behaviour = Behaviour()
    behaviour.update({"events_kept": kept})
    return {feature: EventLog(behaviour) for feature in FEATURES}


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


def test_damage_before_the_end_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "events"
    write(path, logs(), 1, 2)
    path.write_bytes(path.read_bytes().replace(b"session 1", b"session 7"))
    with pytest.raises(JournalError):
        EventFile.open(path)


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


def test_a_full_disk_keeps_nothing_of_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events"
    write(path, logs(), 1)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file = EventFile.open(path)
    monkeypatch.setattr("onepassword_operator.devconnect.journal.write_all", full)
    with pytest.raises(OSError, match="No space"):
        file.append(SIGN_IN_ATTEMPTS, 1, event=sign_in(2), logs=logs())
    file.close()
    assert path.read_bytes() == before


async def test_a_cursor_goes_on_after_a_restart_of_the_server(tmp_path: Path, client_of: Any, seed: Any, clock: Any) -> None:
    seen, body = list[Any](), dict[str, Any]()
    for life in range(3):
        server = await DevConnect.start(seed, Options(clock=clock, state=State.open(tmp_path / "state")))
        client = client_of(server)
        for _ in range(2):
            await client.get(client.item_path, headers={"User-Agent": f"life/{life}"})
        page = (await client.ask("POST", "/api/v2/itemusages", token=server.mint_for_events(), json=body)).json
        seen += page["items"]
        body = {"cursor": page["cursor"]}
        await client.get(client.item_path, headers={"User-Agent": f"after/{life}"})
        await server.stop()
    reported = [f"{event['client']['app_name']}/{event['client']['app_version']}" for event in seen]
    assert reported == ["life/0", "life/0", "after/0", "life/1", "life/1", "after/1", "life/2", "life/2"]
    assert len({event["uuid"] for event in seen}) == len(seen)


async def test_what_a_cursor_leads_past_is_on_the_disk_before_it_is_given_out(
    tmp_path: Path, client_of: Any, seed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await DevConnect.start(seed, Options(state=State.open(tmp_path / "state")))
    client, token, synced = client_of(server), server.mint_for_events(), list[bytes]()
    path = tmp_path / "state" / "events"
    monkeypatch.setattr(Journal, "sync", lambda _: synced.append(path.read_bytes()))
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
