"""Errors that a fake raises at the next requests of a kind, before or after it has done what was asked."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from onepassword_operator.model.errors import ClusterUnavailableError, OperatorError


@dataclass
class Faults:
    """A script of errors by verb."""

    _script: dict[str, deque[tuple[OperatorError, bool]]] = field(default_factory=lambda: defaultdict(deque))

    def refuse(self, verb: str, error: OperatorError, *, times: int = 1) -> None:
        """The request fails and changes nothing."""
        self._script[verb].extend([(error, False)] * times)

    def lose_answer(self, verb: str) -> None:
        """The request is carried out, but nobody hears of it."""
        self._script[verb].append((ClusterUnavailableError(f"{verb}: the answer was lost"), True))

    @contextmanager
    def around(self, verb: str) -> Iterator[None]:
        error, after = self._script[verb].popleft() if self._script[verb] else (None, False)
        if error and not after:
            raise error
        yield
        if error:
            raise error
