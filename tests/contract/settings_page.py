"""Writes `docs/settings.md` from the settings themselves: `python tests/contract/settings_page.py > docs/settings.md` (`make docs`)."""

import sys

from onepassword_operator.settings.checks import IGNORED
from onepassword_operator.settings.schema import Settings, flag_names, variable_names

HEAD = """\
# Settings

Written by `make docs` from `operator/onepassword_operator/settings/`; a test keeps the two in step.

An environment variable that is empty counts as unset. Flags are Go's: one dash or two,
`--flag=value` or `--flag value`; booleans are bare (`--enable-annotations`) or take `true`,
`false`, `1`, `0`, `t`, `f` after an equals sign; of a repeated flag the last counts; `--` ends them.

Four mistakes end the start with exit code 2: an unusable value, an unknown flag, an argument that
is no flag, and an unknown variable that starts with `ONEPASSWORD_OPERATOR_`. All problems are
reported at once, a line each that names the setting and the remedy, and never a value that could be
secret.
"""

TAIL = """\

## Accepted without effect

Manifests for 1Password's own operator set {names};
this operator ignores them.
"""


def render() -> str:
    """The page."""
    fields = Settings.model_fields
    variables = [(variable, fields[name].description or "", fields[name].default) for name, variable in variable_names().items()]
    flags = [(f"--{name.replace('_', '-')}", fields[name].description or "", fields[name].default) for name in flag_names()]
    parts = [HEAD]
    for title, rows in (("Environment variables", variables), ("Flags", flags)):
        parts.append(f"\n## {title}\n\n| name | meaning | default |\n|---|---|---|\n")
        parts += [f"| `{name}` | {text} | {shown(default)} |\n" for name, text, default in rows]
    names = [f"`{name}`" for name in IGNORED]
    return "".join([*parts, TAIL.format(names=f"{', '.join(names[:-1])} and {names[-1]}")])


def shown(default: object) -> str:
    """A default as a user would write it."""
    if default is None or default == "" or "Undefined" in repr(default):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    sys.stdout.write(render())
