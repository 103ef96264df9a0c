"""What the architecture tests look at: the repository's files, and the package's syntax trees. Nothing here imports the package."""

import ast
import functools
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "operator" / "onepassword_operator"
TESTS = ROOT / "tests"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def kept_files() -> tuple[pathlib.Path, ...]:
    """Every file that git tracks or would take, as paths from the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(pathlib.Path(name) for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file())


@functools.cache
def modules() -> tuple[str, ...]:
    """The package's modules, as paths from the package's folder."""
    return tuple(sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")))


@functools.cache
def tree(module: str) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse((PACKAGE / module).read_text(), filename=module)


@functools.cache
def functions(module: str) -> tuple[Function, ...]:
    """Every function and method of a module, nested ones included."""
    return tuple(node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of(function: Function) -> int:
    """How long a function is, with its signature and docstring."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def positional(function: Function) -> list[str]:
    """The parameters that a caller may pass by position, without self and cls."""
    named = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return named[1:] if named[:1] in (["self"], ["cls"]) else named


def parameters(function: Function) -> list[str]:
    """All parameters, without self and cls."""
    rest = (function.args.vararg, function.args.kwarg)
    return [*positional(function), *(a.arg for a in function.args.kwonlyargs), *(a.arg for a in rest if a)]
