"""Folders that can be read, and objects that are whole once they are made."""

from __future__ import annotations

import ast
import pathlib
from collections import Counter
from collections.abc import Iterator

import pytest

from architecture import repository

FOLDER_FILES = 15


def test_a_folder_is_read_at_a_glance() -> None:
    files = Counter(pathlib.Path(module).parent for module in repository.modules() if not module.endswith("__init__.py"))
    assert not {str(folder): count for folder, count in files.items() if count > FOLDER_FILES}


@pytest.mark.parametrize("module", repository.modules())
def test_nothing_is_assigned_to_an_object_from_outside_its_module(module: str) -> None:
    """A constructor says what a part is made of; records of a module's own are its to change."""
    own = _declared(repository.tree(module))
    assert not [ast.unparse(target) for target in _foreign_targets(repository.tree(module)) if target.attr not in own]


def _foreign_targets(tree: ast.Module) -> Iterator[ast.Attribute]:
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
        targets = [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else targets
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                if isinstance(part, ast.Attribute) and not (isinstance(part.value, ast.Name) and part.value.id in {"self", "cls"}):
                    yield part


def _declared(tree: ast.Module) -> set[str]:
    """The attributes that the module's classes declare, or set on themselves."""
    fields = {
        statement.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
    own = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return fields | own
