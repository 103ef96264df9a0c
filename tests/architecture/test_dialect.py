"""One way to write Python in the whole package, where the language offers two and the linter accepts both."""

import ast

from architecture import repository


def test_annotations_are_never_evaluated() -> None:
    assert not [module for module in repository.modules() if not _defers_annotations(repository.tree(module))]


def test_dataclasses_are_imported_as_a_module() -> None:
    assert not [module for module in repository.modules() if "dataclasses" in _imported_from(repository.tree(module))]


def _defers_annotations(tree: ast.Module) -> bool:
    return len(tree.body) == 1 or "__future__" in _imported_from(tree)  # a package may have a docstring and nothing else


def _imported_from(tree: ast.Module) -> set[str | None]:
    return {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
