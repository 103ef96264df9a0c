"""`make mutants`: makes many small changes to the code, one at a time, and asks whether a unit test notices.

mutmut makes the changes, and runs for each the tests that execute the changed function, until one fails. It changes the bodies of functions
and methods, but not of decorated ones (a property, a context manager), and no constants. It looks for the package in `src/` and keeps
everything where it runs, so it runs in a folder of links, which is made anew each time.
"""

import configparser
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(REPOSITORY / "tests")]

from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: E402

from mutation import verdict  # noqa: E402
from mutation.verdict import Change, Mutant  # noqa: E402

FOLDER = REPOSITORY / ".mutants_cache"
LINKS = {"src": "operator", "tests": "tests", "pyproject.toml": "pyproject.toml", "deploy": "deploy", "charts": "charts", "crds": "crds"}
SOURCE = Path("src") / "onepassword_operator"
CHANGED = ("model", "rules", "service/secret_sync")
TESTS = ("model", "rules", "service", "wire", "connect", "cluster", "handlers")
"""The unit tests that use the changed code."""
OPTIONS = {
    "source_paths": ["src"],
    "also_copy": ["deploy", "charts", "crds"],  # which tests compare the code with
    # Lines of prose are left alone: tests look for a message's words, not for all of its wording.
    "do_not_mutate_patterns": [r'^\s*f?"[^"]* [^"]*"[,)]*$'],
    "pytest_add_cli_args_test_selection": [f"tests/unit/{each}" for each in TESTS],
    "pytest_add_cli_args": ["-p", "mutation.nearest_first", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--timeout=20"],
}
SURVIVED = {0, 5, 33}
"""mutmut's codes of a mutant that all tests pass with, or that has no tests. A failure, a crash or a timeout has another."""


def main(only: str | None) -> int:
    """Try the mutants of all modules, or of one folder or module such as `rules/secret`; print scores and survivors."""
    started = time.monotonic()
    _lay_out([only.removesuffix(".py")] if only else CHANGED)
    # Sets have one order in every run, so that a survivor of one run survives the next.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(REPOSITORY / "tests")}
    command = [str(Path(sys.executable).with_name("mutmut")), "run"]
    if code := subprocess.run(command, cwd=FOLDER, env=environment, check=False).returncode:
        return code
    mutants = list(_tried())
    print("\n".join(["", *verdict.table(mutants), f"{time.monotonic() - started:.0f} s"]))
    excuses = verdict.excused(Path(__file__).with_name("survivors.toml"))
    complaints = list(verdict.complaints(mutants, excuses, whole=not only))
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints or not mutants else 0


def _lay_out(changed: Sequence[str]) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for name, target in LINKS.items():
        (FOLDER / name).symlink_to(REPOSITORY / target)
    lists = {**OPTIONS, "only_mutate": [f"{SOURCE / each}{end}" for each in changed for end in (".py", "/*")]}
    options = configparser.RawConfigParser()
    options["mutmut"] = {name: "\n" + "\n".join(values) for name, values in lists.items()}
    with (FOLDER / "setup.cfg").open("w") as file:
        options.write(file)


def _tried() -> Iterator[Mutant]:
    os.chdir(FOLDER)  # mutmut looks for its folder in the current one
    for notes in sorted(Path("mutants").rglob("*.py.meta")):
        source = notes.relative_to("mutants").with_suffix("")
        module = str(source.relative_to(SOURCE))
        for name, code in json.loads(notes.read_text())["exit_code_by_key"].items():
            if code is not None:
                yield Mutant(module, _change(name, source, module), noticed=code not in SURVIVED)


def _change(name: str, source: Path, module: str) -> Change:
    function = name.rpartition(".")[2].partition("__mutmut_")[0][2:].replace("ǁ", ".")  # x_function or xǁClassǁmethod before
    lines = get_diff_for_mutant(name, path=source).splitlines()[2:]
    before, after = ("\n".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
    return Change(f"{module} {function}", before, after)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
