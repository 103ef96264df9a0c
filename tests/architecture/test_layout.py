"""Where files are and what they are called. Most of it keeps `operator/` from shadowing the standard library's module."""

import ast
import pathlib
import subprocess
import sys

import pytest

from architecture import repository

FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "base", "manager", "core"}

NOT_MIRRORED = {
    "ports.py": "protocols only; mypy holds them",
    "devconnect/admin/answers.py": "seen over HTTP in test_admin",
    "devconnect/api_port.py": "seen over sockets in test_faults and test_runtime",
    "devconnect/rest/calls.py": "seen over HTTP in test_server",
    "devconnect/store/contents.py": "seen through the store in test_vault_store and test_admin_items",
    "devconnect/store/editing.py": "seen over HTTP in test_admin_items",
    "devconnect/complaint.py": "seen through test_command and test_serving",
    "devconnect/errors.py": "seen over HTTP in test_server",
    "devconnect/ids.py": "seen over HTTP in test_read_endpoints",
    "devconnect/items/item_shape.py": "seen through test_seed",
    "devconnect/json_input.py": "seen through test_item_input and test_field_input",
    "devconnect/store/read_copies.py": "seen through test_visibility",
    "devconnect/items/records.py": "values that test_vault_store looks at",
    "devconnect/items/rendering.py": "seen over HTTP in test_read_endpoints",
    "devconnect/rest/replies.py": "seen over HTTP in test_server",
    "devconnect/rest/request_log.py": "seen over HTTP in test_server",
}
"""Modules without a unit test of their own, and why."""


def test_the_source_root_holds_the_package_and_nothing_else() -> None:
    """And is no package itself."""
    assert {path.parts[1] for path in repository.kept_files() if path.parts[0] == "operator"} == {"onepassword_operator"}


def test_nothing_else_is_called_operator() -> None:
    elsewhere = [path for path in repository.kept_files() if "operator" in (*path.parts[1:], path.stem)]
    assert not elsewhere


def test_test_folders_are_not_packages() -> None:
    assert not [path for path in repository.kept_files() if path.parts[0] == "tests" and path.name == "__init__.py"]


def test_every_folder_of_the_package_is_a_package() -> None:
    folders = {(repository.PACKAGE / module).parent for module in repository.modules()}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


def test_no_module_or_folder_takes_the_name_of_a_stdlib_module() -> None:
    kept = [path for path in repository.kept_files() if path.suffix == ".py"]
    named = [(path, part) for path in kept for part in _importable_parts(path)]
    assert not [path for path, part in named if part in sys.stdlib_module_names]


def test_no_module_or_folder_has_a_name_that_answers_nothing() -> None:
    kept = [path for path in repository.kept_files() if path.suffix == ".py"]
    assert not [path for path in kept if FORBIDDEN_NAMES & set(_importable_parts(path))]


def _importable_parts(path: pathlib.Path) -> tuple[str, ...]:
    parts = path.with_suffix("").parts
    return tuple(part for part in (parts[1:] if parts[0] == "operator" else parts) if part not in {"__main__", "__init__"})


@pytest.mark.parametrize("module", [module for module in repository.modules() if module not in NOT_MIRRORED])
def test_a_module_with_code_has_a_unit_test_of_its_name(module: str) -> None:
    assert not _has_code(module) or _unit_test(module).exists(), f"write {_unit_test(module).relative_to(repository.ROOT)}"


@pytest.mark.parametrize("module", NOT_MIRRORED)
def test_a_module_is_excused_from_a_unit_test_only_while_it_needs_it(module: str) -> None:
    assert (repository.PACKAGE / module).exists(), "the module is gone: drop the excuse"
    assert _has_code(module), "the module has no code: drop the excuse"
    assert not _unit_test(module).exists(), "the module has a unit test: drop the excuse"


def test_a_unit_test_is_about_a_module() -> None:
    unit = repository.TESTS / "unit"
    tested = [path.relative_to(unit) for path in unit.rglob("test_*.py")]
    assert not [path for path in tested if not (repository.PACKAGE / path.parent / path.name.removeprefix("test_")).exists()]


def test_the_embedded_server_stands_alone() -> None:
    """Two independent readings of the Connect API catch each other's mistakes, so the server takes nothing from the operator."""
    own = [module for module in repository.modules() if module.startswith("devconnect/")]
    imported = {name for module in own for name in _imported(module)}
    assert {name for name in imported if name.partition(".")[0] == "onepassword_operator"} <= {"onepassword_operator.devconnect"}
    others = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert others == {"onepassword_operator", "aiohttp", "msgspec", "yaml", "cryptography"}


def test_an_operator_without_ssh_keys_does_without_cryptography() -> None:
    """It takes 7.5 MiB of memory."""
    load = "import sys; from onepassword_operator import app; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", load], check=False).returncode == 0


def _imported(module: str) -> set[str]:
    found = set()
    for node in ast.walk(repository.tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(".".join((node.module or "").split(".")[:2]))
    return found


def _unit_test(module: str) -> pathlib.Path:
    path = pathlib.Path(module)
    return repository.TESTS / "unit" / path.parent / f"test_{path.name}"


def _has_code(module: str) -> bool:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If
    return any(isinstance(node, kinds) for node in repository.tree(module).body)
