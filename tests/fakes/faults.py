"""What stores in memory have in common: requests on record, errors that come next, and what happens in the cluster meanwhile."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from onepassword_operator.model.errors import ClusterUnavailableError, OperatorError

_T = TypeVar("_T")


@dataclass
class Faults:
    """A script of errors by verb."""

    _script: dict[str, deque[tuple[OperatorError, bool]]] = field(default_factory=lambda: defaultdict(deque))

    def refuse(self, verb: str, error: OperatorError, *, times: int = 1) -> None:
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


class FakeStore:
    """Requests are recorded as `verb subject`."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.faults = Faults()
        self.before: dict[str, Callable[[], object]] = {}
        """What happens in the cluster, once, just before the next request of a verb is carried out."""

    def count(self, verb: str) -> int:
        return sum(request.split()[0] == verb for request in self.requests)

    async def asked(self, request: str) -> None:
        self.requests.append(request)
        await asyncio.sleep(0)
        if happens := self.before.pop(request.split(maxsplit=1)[0], None):
            happens()

    async def one_by_one(self, objects: Iterable[_T]) -> AsyncIterator[_T]:
        """A list, which may fail in its middle."""
        for position, each in enumerate(list(objects)):
            if position == 1:
                with self.faults.around("list"):
                    pass
            yield each
