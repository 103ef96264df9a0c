"""Prints the tour: headings, reasons, commands, and what was seen.

Never given a value of a Secret to print.
"""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TextIO

from demo.errors import TourError

WIDTH: Final = 100
_BOLD, _DIM, _RED, _GREEN, _CYAN, _RESET = (f"\033[{code}m" for code in (1, 2, 31, 32, 36, 0))


class Stopwatch:
    """Counts seconds from its making."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self._clock() - self._started


class Narrator:
    """Writes the tour to a stream; in colour on a terminal, unless NO_COLOR is set."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._colour = (
            out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )

    def opening(self, text: str) -> None:
        """What this is, before anything happens."""
        self._write("\n".join(_wrap(text, WIDTH)))

    def step(self, number: int, count: int, title: str) -> None:
        """The heading of a step."""
        self._write(f"\n{self._paint(f'{number}/{count}  {title}', _BOLD)}")

    def why(self, text: str) -> None:
        """Why the step is worth looking at."""
        for line in _wrap(text, WIDTH - 5):
            self._write(f"     {line}")

    def command(self, text: str) -> None:
        """The command or call that is made, as one could type it."""
        self._write(f"     {self._paint('$ ' + text, _CYAN)}")

    def call(self, text: str) -> None:
        """The call that is made where it is no command."""
        self._write(f"     {self._paint('> ' + text, _CYAN)}")

    def progress(self, text: str) -> None:
        """A line about something that takes a while."""
        self._write(f"       {self._paint(text, _DIM)}")

    def output(self, lines: Iterable[str]) -> None:
        """What a command printed, or what was read."""
        for line in lines:
            self._write(f"       {line.rstrip()}")

    def happened(self, text: str, seconds: float | None = None) -> None:
        """Something that was checked and is so."""
        took = "" if seconds is None else f"  ({seconds:.1f} s)"
        first, *rest = _wrap(text + took, WIDTH - 8)
        self._write(f"     {self._paint('ok', _GREEN)} {first}")
        for line in rest:
            self._write(f"        {line}")

    def failure(self, error: TourError, log: Iterable[str]) -> None:
        """What did not happen, and what the operator said about it."""
        self._write(f"     {self._paint('FAILED', _RED)}")
        self._write(f"       expected: {error.expected}")
        self._write(f"       seen:     {error.seen}")
        self._write("       end of the operator's log:")
        for line in log:
            self._write(f"         {line}")

    def closing(self, lines: Iterable[str]) -> None:
        """The last words, as they are."""
        self._write("")
        for line in lines:
            self._write(line)

    def _paint(self, text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if self._colour else text

    def _write(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def _wrap(text: str, width: int) -> list[str]:
    # Names and URLs stay in one piece, so that they can be copied.
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def shown_path(path: Path) -> str:
    """A path as short as it can be typed from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
