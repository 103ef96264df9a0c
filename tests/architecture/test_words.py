"""Standard words in names: retired words of the project's own stay out of identifiers, log field names and metric names."""

import ast
import itertools
import re
from collections.abc import Iterator

import pytest

from architecture import repository

INSTEAD = {
    "reported": "told",
    "unreported": "untold",
    "resync": "sweep sweeps swept unswept sweeping",
    "winner": "ruler rulers ruling",
    "conflict": "contest contests contested dispute disputes disputed",
    "backoff": "truce",
    "co-owner": "partner partners heir heirs parties",
    "rate limiter, circuit breaker or tuning": "pacing",
    "slot": "seat seats",
    "the seconds or the factor that it is": "patience",
    "unhealthy": "sick",
    "another holder": "usurper",
    "acquire": "campaign",
    "no election": "unopposed",
    "set": "learned",
}
RETIRED = {word: instead for instead, words in INSTEAD.items() for word in words.split()}
"""Words that names do not have, and what they have instead. Prose is for its readers to judge, and not looked at."""

RETIRED_CLASSES = {
    "Source": "ObjectRef",
    "Place": "NamespaceKey",
    "Pass": "a reconcile",
    "Pace": "RateLimiter",
    "Share": "Limits",
    "SetBack": "Restored",
}

RETIRED_METHODS = {
    "existed": "set_existed",
    "failed": "note_failure",
    "finalizer_seen": "note_finalizer",
    "in_line": "set_synced",
    "is_settled": "record_secret",
    "is_unreported": "take_unreported",
    "presume": "set_held_if_unknown",
}
"""Methods of `service/` that change state, and read as a question or as news."""

METRIC_MAKERS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum", "observe"}
"""The library's classes, and `Metrics.observe`; the first argument is the metric's name."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def test_names_have_no_retired_word() -> None:
    found = {module: words for module in repository.modules() if (words := _found(repository.tree(module)))}
    assert not found


def test_no_file_has_a_retired_name() -> None:
    assert not [module for module in repository.modules() if _words(module) & RETIRED.keys()]


def test_no_class_has_a_retired_name() -> None:
    assert not [(module, name) for module, name in _defined(ast.ClassDef) if name.lstrip("_") in RETIRED_CLASSES]


def test_no_method_that_writes_reads_as_a_question_or_as_news() -> None:
    methods = [(module, name) for module, name in _defined(ast.FunctionDef) if module.startswith("service/")]
    assert not {(module, name): RETIRED_METHODS[name] for module, name in methods if name in RETIRED_METHODS}


def _defined(kind: type[ast.ClassDef | ast.FunctionDef]) -> list[tuple[str, str]]:
    """Module and name of everything of the kind."""
    nodes = [(module, node) for module in repository.modules() for node in ast.walk(repository.tree(module))]
    return [(module, node.name) for module, node in nodes if isinstance(node, kind)]


@pytest.mark.parametrize(
    "line",
    [
        "told = 1",
        "self.told_of_it = 1",
        "notToldYet()",
        "def f(untold): ...",
        "def sweep_all(): ...",
        "class HTTPSweep: ...",
        "f(ruler=1)",
        "import a.contests",
        "from a import b as truce",
        "log.info('x', extra={'partner': 1})",
        "detail = {'heirs': 1}\nlog.info('x', extra=detail)",
        "log.info('x', extra={'a': 1} | {'partner': 1})",
        "Counter(f'{name}_sweep_found', 'help')",
        "metrics.observe('pacing_depth', 'help')",
        "global parties",
        "try: f()\nexcept E as dispute: pass",
        "match x:\n case C(told=told): pass",
        "match x:\n case {**ruling}: pass",
    ],
)
def test_a_retired_word_is_found_wherever_a_name_stands(line: str) -> None:
    assert _found(ast.parse(line))


@pytest.mark.parametrize(
    "line", ["scheduler = 1", "'a sentence that was told'", "'''Told of it.'''", "# a sweep", "f('told')", "latest = resync_found"]
)
def test_prose_and_other_words_are_let_be(line: str) -> None:
    assert not _found(ast.parse(line))


def _found(tree: ast.AST) -> dict[str, str]:
    """The names with a retired word, and the word to use instead."""
    names = itertools.chain(_identifiers(tree), _log_fields(tree), _metrics(tree))
    return {name: RETIRED[word] for name in names for word in _words(name) & RETIRED.keys()}


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)}


def _identifiers(tree: ast.AST) -> Iterator[str]:
    # Whatever a node names, it names in one of these members; a plain string constant has its text in `value`.
    for node in ast.walk(tree):
        for member in ("id", "attr", "arg", "name", "asname", "rest", "module"):
            if isinstance(name := getattr(node, member, None), str):
                yield name
        for member in ("names", "kwd_attrs"):
            yield from (name for name in getattr(node, member, ()) if isinstance(name, str))


def _log_fields(tree: ast.AST) -> Iterator[str]:
    # The members of every mapping written down: which of them a variable carries to the log does not show in the syntax.
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _metrics(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _called(node) in METRIC_MAKERS:
            yield "".join(part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant) and isinstance(part.value, str))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
