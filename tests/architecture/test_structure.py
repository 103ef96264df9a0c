"""Folders that can be read, and objects that are whole once they are made."""

import ast
import pathlib
from collections import Counter
from collections.abc import Iterator

import pytest

from architecture import repository

FOLDER_FILES = 15

KOPF = {
    *("standalone", "disabled", "enabled", "finalizer", "diffbase_storage", "progress_storage", "idle_timeout", "exit_timeout"),
    *("error_delays", "chunk_size", "server_timeout", "connect_timeout"),
    *("inactivity_timeout", "request_timeout", "error_backoffs", "ultimate_exiting_timeout"),
}
OF_OTHERS = {
    "devconnect/admin/steering.py": {"overrides"},
    "devconnect/faults/replies.py": {"content_length"},
    "devconnect/rest/file_endpoints.py": {"item"},
    "devconnect/rest/read_endpoints.py": {"item"},
    "devconnect/rest/write_endpoints.py": {"item", "stored"},
    "devconnect/server.py": {"status"},
    "devconnect/serving.py": {"latency_seconds"},
    "devconnect/store/state.py": {"retired"},
    "devconnect/store/vault_store.py": {"retired"},
    "model/errors.py": {"args"},
    "cluster/credentials.py": {"check_hostname", "verify_mode"},
    "cli.py": {"daemon"},
    "handlers/registry.py": KOPF,
    "memory.py": {"max_size"},
    "net/tls.py": {"verify_flags"},
    "telemetry/serving_certificate.py": {"context", "sni_callback"},
}
"""Settings of libraries (ssl, kopf, asyncio, aiohttp), and records of the embedded server that its handlers fill in."""


def test_the_exceptions_are_needed() -> None:
    found = {module: {target.attr for target in _foreign_targets(repository.tree(module))} for module in OF_OTHERS}
    assert {module: names - found[module] for module, names in OF_OTHERS.items() if names - found[module]} == {}


def test_a_folder_is_read_at_a_glance() -> None:
    files = Counter(pathlib.Path(module).parent for module in repository.modules() if not module.endswith("__init__.py"))
    assert not {str(folder): count for folder, count in files.items() if count > FOLDER_FILES}


@pytest.mark.parametrize("module", repository.modules())
def test_nothing_is_assigned_to_an_object_from_outside_its_module(module: str) -> None:
    """A constructor says what a part is made of; records of a module's own are its to change."""
    own = _declared(repository.tree(module))
    assert not [
        ast.unparse(target) for target in _foreign_targets(repository.tree(module)) if target.attr not in own | OF_OTHERS.get(module, set())
    ]


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
