"""A plugin of pytest for `make mutants`, whose processes are forks of one that has run all tests on the unchanged code."""

import os
import sys
from pathlib import Path

import pytest


def pytest_cmdline_main(config: pytest.Config) -> pytest.ExitCode | int | None:
    """Run the tests in the module's own file, and then, unless one has failed, let pytest go on with the others.

    To collect all others takes longer than to run the own ones. Test files are imported anew, because some
    call the changed function while they are imported.
    """
    module = os.environ.get("MUTANT_UNDER_TEST", "").partition(".x")[0].rpartition(".")[2]
    near = [test for test in config.args if Path(test.partition("::")[0]).stem == f"test_{module}"]
    if not near:
        return None
    for name in [name for name in sys.modules if name.removeprefix("tests.").startswith("unit.")]:
        del sys.modules[name]
    far = [test for test in config.args if test not in set(near)]
    options = [argument for argument in config.invocation_params.args if argument not in set(config.args)]
    code = pytest.main([*options, *near]) if far else 0
    config.args[:] = far or near
    return code or None
