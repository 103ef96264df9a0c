"""What events show."""

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.events.records import AuditEvent, ItemUsage, Origin

NOW = 1_750_000_000.0
ORIGIN = Origin(user_agent="probe/1.2 (test)", address="127.0.0.1")


def test_a_use_of_an_item_says_who_what_which_version_and_with_which_program() -> None:
    usage = ItemUsage(at=NOW, action="server-fetch", vault_id="v", item_id="i", version=7, person=ids.INTEGRATION_ID, origin=ORIGIN)
    shown = usage.show("U")
    assert (shown["uuid"], shown["timestamp"], shown["action"]) == ("U", "2025-06-15T15:06:40Z", "server-fetch")
    assert (shown["vault_uuid"], shown["item_uuid"], shown["used_version"]) == ("v", "i", 7)
    assert shown["user"]["uuid"] == ids.INTEGRATION_ID
    assert [shown["client"][name] for name in ("app_name", "app_version", "ip_address")] == ["probe", "1.2", "127.0.0.1"]


def test_an_audit_event_has_a_session_only_if_it_came_over_the_api() -> None:
    over_the_api = AuditEvent(
        at=NOW, action="update", object_type="item", object_id="i", person=ids.INTEGRATION_ID, origin=ORIGIN, vault_id="v"
    ).show("U")
    assert (over_the_api["action"], over_the_api["object_type"], over_the_api["object_uuid"]) == ("update", "item", "i")
    assert (over_the_api["aux_uuid"], over_the_api["session"]) == ("v", {"ip": "127.0.0.1"})
    in_the_app = AuditEvent(at=NOW, action="create", object_type="vault", object_id="v", person=ids.PERSON_ID, origin=Origin()).show("U")
    assert not {"aux_uuid", "session"} & set(in_the_app)
    assert (in_the_app["actor_uuid"], in_the_app["actor_type"]) == (ids.PERSON_ID, "user")


def test_a_caller_that_does_not_name_itself_is_unknown() -> None:
    assert Origin().client()["app_name"] == "unknown"
