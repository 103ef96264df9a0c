"""Which Secrets are this process's to work on: all of them.

The seam for several leaders at once, each with a part of the vaults. Whoever works on a Secret also restarts for it, so both doors ask:
the work queue, which takes no key that is not owned, and the index, when it says which restarts are due. What is seen is kept in any case:
a Secret's fate depends on every object that asks for it, and whoever is given another part finds it by a sweep.
"""

from __future__ import annotations

from collections.abc import Callable

from onepassword_operator.model.secret import SecretKey

Owns = Callable[[SecretKey], bool]
"""Asked anew each time; the answer may change while the process runs."""


def owns(key: SecretKey) -> bool:
    """Whether this process works on the Secret."""
    del key
    return True
