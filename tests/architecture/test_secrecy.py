"""Where values may be opened, and where errors may be swallowed."""

import ast

from architecture import repository

OPENERS = {
    "connect/access_token.py": "the Connect token, for a request's header, and to see when it expires",
    "cluster/secret_store.py": "values, for the body of a Secret",
    "rules/contents/text.py": "values that are written into a text around them",
    "rules/contents/formats.py": "values that are converted, or written into a file with others",
    "rules/contents/openssh.py": "private keys that are written in another form",
}
"""Files that may call `Confidential.reveal`."""

CATCH_ALLS = {
    "devconnect/server.py": "a bug of the development server must look to its client like a failing Connect; production never imports it",
    "service/runtime/internal_errors.py": "a bug over one key must not end the others; it is logged, counted and reported",
    "telemetry/probes.py": "a bug of one metric is an answer and a line in the log, and nobody waits for the connection's task",
    "handlers/watches.py": "kopf exports no base of its errors, and a watch that ends is started again",
}
"""Files that may catch everything. Any other task that fails ends the process."""

MODULE_OF_THE_VALUE = "model/confidential.py"


def test_confidential_values_are_opened_in_known_places_only() -> None:
    calling = {module for module in repository.modules() for node in ast.walk(repository.tree(module)) if _names(node, "reveal")}
    assert calling == set(OPENERS)


def test_the_inside_of_a_confidential_value_is_its_own_business() -> None:
    touching = {module for module in repository.modules() for node in ast.walk(repository.tree(module)) if _opens_by_force(node)}
    assert touching <= {MODULE_OF_THE_VALUE}


def test_nobody_catches_everything() -> None:
    catching = {module for module in repository.modules() for node in ast.walk(repository.tree(module)) if _catches_all(node)}
    assert catching == set(CATCH_ALLS)


def _names(node: ast.AST, attribute: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == attribute


def _opens_by_force(node: ast.AST) -> bool:
    named = isinstance(node, ast.Constant) and node.value in {"reveal", "_value"} and not isinstance(node.value, bytes)
    return named or (_names(node, "_value") and isinstance(node, ast.Attribute) and not _is_self(node.value))


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        suppressing = isinstance(node.func, ast.Attribute | ast.Name) and "suppress" in ast.unparse(node.func)
        return suppressing and any(_is_everything(argument) for argument in node.args)
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or _is_everything(kind) for kind in caught)


def _is_everything(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"Exception", "BaseException"}
