"""Runs the operator without the libraries that only the tests need.

kopf imports the official Kubernetes client where it finds one. That takes ten megabytes and a part
of every start, and no image of the operator has it.
"""

from __future__ import annotations

import sys

NOT_DEPLOYED = ("kubernetes", "kubernetes_asyncio", "pykube")

for name in NOT_DEPLOYED:
    sys.modules.update({name: None})  # type: ignore[dict-item] # so Python has it for a module that must not be found

from onepassword_operator.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
