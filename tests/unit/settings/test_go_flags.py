"""Go's flag syntax, as its `flag` package reads it."""

import pytest

from onepassword_operator.settings.go_flags import Known, parse

KNOWN = Known(booleans={"leader-elect", "zap-devel"}, valued={"kubeconfig", "zap-log-level", "metrics-bind-address"})


def read(*arguments: str) -> dict[str, str]:
    parsed = parse(arguments, KNOWN)
    assert parsed.problems == []
    return parsed.values


def problems(*arguments: str) -> list[str]:
    return parse(arguments, KNOWN).problems


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], {}),
        (["-leader-elect"], {"leader-elect": "true"}),
        (["--leader-elect"], {"leader-elect": "true"}),
        (["-leader-elect=F"], {"leader-elect": "F"}),
        (["--leader-elect=false"], {"leader-elect": "false"}),
        (["--leader-elect="], {"leader-elect": ""}),
        (["--zap-log-level=info"], {"zap-log-level": "info"}),
        (["-zap-log-level=5"], {"zap-log-level": "5"}),
        (["-zap-log-level", "5"], {"zap-log-level": "5"}),
        (["--zap-log-level", "-1"], {"zap-log-level": "-1"}),
        (["--kubeconfig", "--leader-elect"], {"kubeconfig": "--leader-elect"}),
        (["--kubeconfig", "--"], {"kubeconfig": "--"}),
        (["--kubeconfig=a=b"], {"kubeconfig": "a=b"}),
        (["--kubeconfig="], {"kubeconfig": ""}),
        (["--kubeconfig", ""], {"kubeconfig": ""}),
        (["--leader-elect", "--zap-devel=false", "--leader-elect=false"], {"leader-elect": "false", "zap-devel": "false"}),
        (["--kubeconfig=a", "-kubeconfig", "b"], {"kubeconfig": "b"}),
        (["--leader-elect", "--"], {"leader-elect": "true"}),
    ],
)
def test_what_go_reads_is_read(arguments: list[str], values: dict[str, str]) -> None:
    assert read(*arguments) == values


@pytest.mark.parametrize("argument", ["-h", "--h", "-help", "--help", "--help=x"])
def test_help_is_asked_for_as_in_go(argument: str) -> None:
    assert parse(["--leader-elect", argument], KNOWN).asks_for_help
    assert not parse(["--kubeconfig", argument], KNOWN).asks_for_help


@pytest.mark.parametrize(
    ("argument", "name", "hint"),
    [
        ("-foo", "foo", "see --help"),
        ("--foo=canary", "foo", "see --help"),
        ("--zap-log-levl=info", "zap-log-levl", "did you mean --zap-log-level? See --help"),
        ("--leader_elect", "leader_elect", "did you mean --leader-elect? See --help"),
        ("-Leader-Elect", "Leader-Elect", "did you mean --leader-elect? See --help"),
        ("--no-leader-elect", "no-leader-elect", "did you mean --leader-elect? See --help"),
    ],
)
def test_an_unknown_flag_is_told_in_gos_words_with_the_nearest_known_one(argument: str, name: str, hint: str) -> None:
    assert problems(argument) == [f"flag provided but not defined: -{name}; {hint}"]


def test_what_follows_an_unknown_flag_is_taken_for_its_value() -> None:
    assert problems("--connect-token", "canary", "--leader-elect") == ["flag provided but not defined: -connect-token; see --help"]
    assert parse(["--foo", "-leader-elect"], KNOWN).values == {"leader-elect": "true"}


@pytest.mark.parametrize("argument", ["---leader-elect", "--=x", "-=x", "---"])
def test_bad_syntax_is_told(argument: str) -> None:
    assert problems(argument) == [f"bad flag syntax: {argument.partition('=')[0]}; see --help"]


def test_a_flag_without_the_value_that_it_needs() -> None:
    assert problems("--leader-elect", "--kubeconfig") == ["flag needs an argument: -kubeconfig; write --kubeconfig=VALUE"]


@pytest.mark.parametrize("word", ["true", "false", "0", "T"])
def test_a_boolean_with_its_value_apart_is_explained(word: str) -> None:
    """Go would read --leader-elect as true, and ignore all that follows."""
    parsed = parse(["-leader-elect", word, "--zap-log-level=debug"], KNOWN)
    assert parsed.problems == [f"--leader-elect {word}: a boolean takes its value after an equals sign: --leader-elect={word}"]
    assert parsed.values["zap-log-level"] == "debug"


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (["canary-token"], 1),
        (["--leader-elect", "canary-token"], 2),
        (["--leader-elect=true", "false"], 2),
        (["--kubeconfig", "x", "canary-token"], 3),
        (["--kubeconfig", "x", "-"], 3),
        ([""], 1),
    ],
)
def test_an_argument_that_is_no_flag_is_told_by_its_place_because_it_could_be_a_token(arguments: list[str], number: int) -> None:
    (problem,) = problems(*arguments)
    assert problem.startswith(f"argument {number} is no flag, ")
    assert "canary" not in problem


def test_a_word_after_another_stray_one_is_no_booleans_value() -> None:
    assert len(problems("--leader-elect", "stray", "true")) == 2
    assert "equals sign" not in " ".join(problems("--leader-elect", "stray", "true"))


def test_two_dashes_end_the_flags() -> None:
    assert problems("--zap-devel", "--", "--leader-elect", "x") == ["argument 3 follows --, which ends the flags; remove it"]
    assert parse(["--", "--leader-elect"], KNOWN).values == {}


def test_all_problems_are_told() -> None:
    assert len(problems("--foo", "--=", "stray", "--kubeconfig")) == 4
