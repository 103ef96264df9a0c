"""The budgets of ARCHITECTURE.md, section "Budgets". They are ratchets: a number may go down, and code gives way, not the number."""

import ast
import pathlib
import statistics
import tomllib

import pytest
from packaging.requirements import Requirement

from architecture import repository

FILE_LINES = 400
MEDIAN_FILE_LINES = 150
FUNCTION_LINES = 50
P90_FUNCTION_LINES = 30
PARAMETERS = 6
CONSTRUCTOR_PARAMETERS = 10
"""By name; a constructor says what a part is made of, and nothing is added to it afterwards."""
POSITIONAL = 2
COMPLEXITY = 8
README_LINES = 150
DISTRIBUTIONS = 29
"""On Linux. kopf brings 17 of them with itself and aiohttp; the rest are msgspec, pydantic with settings (6), prometheus-client, tzdata."""

SIGNATURES_FIXED_ELSEWHERE = {
    ("connect/factory.py", "connect_request"): "as in telemetry/metrics.py, whose protocol it is",
    ("telemetry/metrics.py", "connect_request"): "connect.client.Observer: a Callable type has no keywords",
    ("telemetry/metrics.py", "kubernetes_request"): "cluster.api.Observer: a Callable type has no keywords",
}

LINUX = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "extra": "",
}


@pytest.mark.parametrize("module", repository.modules())
def test_a_file_fits_in_one_reading(module: str) -> None:
    assert len((repository.PACKAGE / module).read_text().splitlines()) <= FILE_LINES


def test_files_are_small_as_a_rule() -> None:
    lengths = [len((repository.PACKAGE / module).read_text().splitlines()) for module in repository.modules()]
    assert statistics.median(lengths) <= MEDIAN_FILE_LINES


@pytest.mark.parametrize("module", repository.modules())
def test_a_function_fits_on_one_screen(module: str) -> None:
    long = {function.name: lines for function in repository.functions(module) if (lines := repository.lines_of(function)) > FUNCTION_LINES}
    assert not long


def test_functions_are_short_as_a_rule() -> None:
    lengths = [repository.lines_of(function) for module in repository.modules() for function in repository.functions(module)]
    assert statistics.quantiles(lengths, n=10)[-1] <= P90_FUNCTION_LINES


@pytest.mark.parametrize("module", repository.modules())
def test_a_function_has_few_parameters(module: str) -> None:
    many = {
        function.name: names
        for function in repository.functions(module)
        if len(names := repository.parameters(function)) > _most(function.name)
    }
    assert not many


def _most(function: str) -> int:
    return CONSTRUCTOR_PARAMETERS if function == "__init__" else PARAMETERS


@pytest.mark.parametrize("module", repository.modules())
def test_parameters_beyond_the_second_are_passed_by_name(module: str) -> None:
    many = {name: parameters for name, parameters in _positional_beyond(module).items() if (module, name) not in SIGNATURES_FIXED_ELSEWHERE}
    assert not many


@pytest.mark.parametrize(("module", "name"), SIGNATURES_FIXED_ELSEWHERE)
def test_a_signature_is_excused_only_while_it_needs_it(module: str, name: str) -> None:
    assert name in _positional_beyond(module)


def _positional_beyond(module: str) -> dict[str, list[str]]:
    # Dunder methods have the signature that the language gives them.
    return {
        function.name: parameters
        for function in repository.functions(module)
        if len(parameters := repository.positional(function)) > POSITIONAL and not function.name.startswith("__")
    }


@pytest.mark.parametrize("module", repository.modules())
def test_a_module_says_what_it_decides_or_talks_to(module: str) -> None:
    assert ast.get_docstring(repository.tree(module))


def test_the_linter_holds_the_complexity_budget() -> None:
    ruff = tomllib.loads((repository.ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "C90" in ruff["select"]
    assert ruff["mccabe"]["max-complexity"] <= COMPLEXITY


def test_the_operator_brings_few_distributions() -> None:
    assert len(_distributions(repository.ROOT / "requirements.lock")) <= DISTRIBUTIONS


def test_the_distributions_are_counted_for_linux(tmp_path: pathlib.Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "# a comment\n"
        "one==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
        'two==2 ; sys_platform == "win32" \\\n    --hash=sha256:02\n'
        'three==3 ; python_version < "3.12"\n'
    )
    assert _distributions(lock) == ["one", "three"]


def _distributions(lock: pathlib.Path) -> list[str]:
    lines = [line.removesuffix("\\").strip() for line in lock.read_text().splitlines() if line[:1].isalnum()]
    wanted = [Requirement(line) for line in lines]
    return [requirement.name for requirement in wanted if requirement.marker is None or requirement.marker.evaluate(LINUX)]


def test_the_readme_is_read_to_its_end() -> None:
    assert len((repository.ROOT / "README.md").read_text().splitlines()) <= README_LINES
