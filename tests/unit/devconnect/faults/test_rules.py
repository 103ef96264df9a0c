"""Fault rules as they are written."""

import pytest

from onepassword_operator.devconnect.faults.rules import Action, FaultError, FaultRule


@pytest.mark.parametrize(
    "rule",
    [
        "down",
        {},
        {"action": "explode"},
        {"action": "status"},
        {"action": "redirect"},
        {"action": "hang", "colour": "red"},
        {"action": "hang", "times": 0},
        {"action": "hang", "times": True},
        {"action": "hang", "every": 1.5},
        {"action": "slow", "delay_seconds": -1},
        {"action": "hang", "path": 5},
        {"action": "hang", "retry_after": []},
        {"action": ["hang"]},
        {"action": "status", "status": 101},
        {"action": "status", "status": 600},
        {"action": "down", "for_seconds": True},
        {"action": "status", "status": 503, "retry_after": "1\r\nX: y"},
        {"action": "redirect", "location": "/\n"},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(rule: object) -> None:
    with pytest.raises(FaultError):
        FaultRule.parse(rule)


def test_a_rule_reads_back_as_it_was_written() -> None:
    for action in Action:
        written = {"action": action.value, "status": 500, "location": "/", "times": 2, "for_seconds": 1.5}
        assert FaultRule.parse(written).show() == written
