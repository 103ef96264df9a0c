"""The settings of what is not known about a real server."""

import pytest

from onepassword_operator.devconnect.behaviour import Behaviour, BehaviourError


def test_settings_are_read_from_json_and_from_the_texts_of_a_command_line() -> None:
    behaviour = Behaviour()
    behaviour.update({"archived_items": "listed", "inline_limit_bytes": 7, "any_token": True, "version": ""})
    assert (behaviour.archived_items, behaviour.inline_limit_bytes, behaviour.any_token, behaviour.version) == ("listed", 7, True, "")
    behaviour.update({"inline_limit_bytes": "8", "any_token": "false", "version": "1.2.0"})
    assert (behaviour.inline_limit_bytes, behaviour.any_token, behaviour.version) == (8, False, "1.2.0")
    assert behaviour.show()["archived_items"] == "listed"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"archived_items": "shown"}, "archived_items"),
        ({"archived_items": ["listed"]}, "archived_items"),
        ({"any_token": "yes"}, "any_token"),
        ({"any_token": 1}, "any_token"),
        ({"body_limit_bytes": 0}, "body_limit_bytes"),
        ({"body_limit_bytes": "1e3"}, "body_limit_bytes"),
        ({"body_limit_bytes": True}, "body_limit_bytes"),
        ({"version": "1\r\n2"}, "version"),
        ({"version": 1}, "version"),
    ],
)
def test_one_unusable_setting_changes_nothing_and_is_named(given: dict[str, object], named: str) -> None:
    behaviour = Behaviour()
    with pytest.raises(BehaviourError, match=named):
        behaviour.update({"activity_limit": 5, **given})
    assert behaviour == Behaviour()
