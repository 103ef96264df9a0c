"""Fault rules as they are written."""

import pytest

from onepassword_operator.devconnect.faults.rules import Action, FaultError, FaultRule

NO_RULES = ["down", {}, {"action": "explode"}, {"action": "status"}, {"action": "redirect"}, {"action": ["hang"]}]
NO_SETTINGS = [("colour", "red"), ("times", 0), ("times", True), ("every", 1.5), ("delay_seconds", -1), ("path", 5), ("retry_after", [])]
NO_SETTINGS += [("status", 101), ("status", 600), ("for_seconds", True), ("retry_after", "1\r\nX: y"), ("location", "/\n")]


@pytest.mark.parametrize("rule", [*NO_RULES, *({"action": "hang", name: value} for name, value in NO_SETTINGS)])
def test_a_rule_that_cannot_be_read_is_refused(rule: object) -> None:
    with pytest.raises(FaultError):
        FaultRule.parse(rule)


def test_a_rule_reads_back_as_it_was_written() -> None:
    for action in Action:
        written = {"action": action.value, "status": 500, "location": "/", "times": 2, "for_seconds": 1.5}
        assert FaultRule.parse(written).show() == written
