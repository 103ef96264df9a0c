"""The stand-in for `docker` asks for what this root has, and changes nothing else. Needs no Docker, so it is in every run of the tests."""

from __future__ import annotations

from e2e.docker_shim import CAPABILITIES, missing, translate

RUN = ["run", "--name", "node", "--privileged", "--volume", "/lib/modules:/lib/modules:ro", "image"]


def test_a_root_with_every_capability_is_left_alone() -> None:
    assert translate(RUN, [], modules="/lib/modules") == RUN


def test_privileged_becomes_all_but_what_is_lacking() -> None:
    spelt_out = translate(RUN, ["SYS_RESOURCE"], modules="/lib/modules")
    assert "--privileged" not in spelt_out
    assert spelt_out[:5] == ["run", "--name", "node", "--cap-add=ALL", "--cap-drop=SYS_RESOURCE"]
    assert spelt_out[-3:] == RUN[-3:]


def test_exec_loses_the_word_because_it_has_no_finer_one() -> None:
    assert translate(["exec", "--privileged", "node", "true"], ["SYS_RESOURCE"], modules="/lib/modules") == ["exec", "node", "true"]


def test_other_commands_are_passed_on() -> None:
    assert translate(["ps", "--privileged"], ["SYS_RESOURCE"], modules="/x") == ["ps", "--privileged"]


def test_a_host_without_modules_gets_no_new_folder() -> None:
    assert "/empty:/lib/modules:ro" in translate(RUN, [], modules="/empty")


def test_capabilities_are_known_by_number() -> None:
    """CAP_SYS_ADMIN is 21 and CAP_CHECKPOINT_RESTORE 40, as in <linux/capability.h>."""
    assert (CAPABILITIES[21], CAPABILITIES[40], len(CAPABILITIES)) == ("SYS_ADMIN", "CHECKPOINT_RESTORE", 41)
    assert set(missing()) <= set(CAPABILITIES)
