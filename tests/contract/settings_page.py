"""Writes `docs/settings.md` from the settings themselves: `python tests/contract/settings_page.py > docs/settings.md` (`make docs`)."""

from __future__ import annotations

import sys

from onepassword_operator.settings import Settings, flag_names

HEAD = """\
# Settings

Written by `make docs` from `operator/onepassword_operator/settings.py`; a test keeps the two in step.

Environment variables with a value of white space count as unset. Flags take one dash or two, `--flag=value`; booleans may be bare
(`--enable-annotations`) or take `true`, `false`, `1`, `0`, `t`, `f`. A value that can't be used, a flag that is unknown, and a variable
that starts with `ONEPASSWORD_OPERATOR_` and is not listed here end the start with exit code 2 and a line that names it.
"""


def render() -> str:
    """The page."""
    fields = Settings.model_fields
    variables = [(str(f.validation_alias), f.description or "", f.default) for f in fields.values() if f.validation_alias]
    flags = [(f"--{name.replace('_', '-')}", fields[name].description or "", fields[name].default) for name in flag_names()]
    parts = [HEAD]
    for title, rows in (("Environment variables", variables), ("Flags", flags)):
        parts.append(f"\n## {title}\n\n| name | meaning | default |\n|---|---|---|\n")
        parts += [f"| `{name}` | {text} | {shown(default)} |\n" for name, text, default in rows]
    return "".join(parts)


def shown(default: object) -> str:
    """A default as a user would write it."""
    if default is None or default == "" or "Undefined" in repr(default):
        return ""
    return f"`{str(default).lower()}`"


if __name__ == "__main__":
    sys.stdout.write(render())
