"""Names of the labels and annotations that a Secret got from its claims.

One that is removed from the claim is removed from the Secret, too.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CopiedKeys:
    """The record behind the `copied-keys` annotation: `labels=a,b;annotations=c`."""

    labels: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> CopiedKeys:
        """Read a record as `str` writes it; unknown parts are ignored."""
        parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
        kinds = {
            kind: frozenset(filter(None, parts.get(kind, "").split(",")))
            for kind in ("labels", "annotations")
        }
        return cls(labels=kinds["labels"], annotations=kinds["annotations"])

    def __str__(self) -> str:
        kinds = (("labels", self.labels), ("annotations", self.annotations))
        return ";".join(f"{kind}={','.join(sorted(keys))}" for kind, keys in kinds if keys)
