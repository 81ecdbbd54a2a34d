"""Owns how the gate's progress is drawn on standard error: a live bar, or lines for a log."""

from __future__ import annotations

import shutil
import sys
from typing import Self

from alembic_proof.cli.output import say
from alembic_proof.reporters.style import plain

BAR_CELLS = 24
_CLEAR_LINE = "\r\x1b[2K"


def progress_for_standard_error() -> Lines | Bar:
    """A bar on a terminal, lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()


class Lines:
    """Tells every step on a line of its own."""

    def __init__(self) -> None:
        self._total = self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to clear."""

    def start(self, total: int) -> None:
        """Work begins: so many steps."""
        self._total, self._done = total, 0

    def step(self, label: str, seconds: float) -> None:
        """Say which step is done, and how long it took."""
        self._done += 1
        say(f"[{self._done}/{self._total}] {label} ({seconds:.2f} s)")

    def note(self, text: str) -> None:
        """Say what a person waiting wants to know."""
        say(f"note: {text}")


class Bar:
    """Draws one line over and over, and leaves it empty at the end, also when interrupted."""

    def __init__(self) -> None:
        self._total = self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._write(_CLEAR_LINE)

    def start(self, total: int) -> None:
        """Work begins: draw the empty bar."""
        self._total, self._done = total, 0
        self._draw("")

    def step(self, label: str, seconds: float) -> None:
        """Fill the bar by one step; ``label`` stands beside it."""
        self._done += 1
        self._draw(f"{label} ({seconds:.2f} s)")

    def note(self, text: str) -> None:
        """Say what a person waiting wants to know, above the bar."""
        self._write(_CLEAR_LINE)
        say(f"note: {text}")

    def _draw(self, label: str) -> None:
        total = max(self._total, self._done, 1)
        filled = BAR_CELLS * self._done // total
        bar = "█" * filled + "░" * (BAR_CELLS - filled)
        line = f"{bar} {self._done}/{total} {label}"
        columns = shutil.get_terminal_size((80, 24)).columns
        self._write(_CLEAR_LINE + line[: columns - 1])

    def _write(self, text: str) -> None:
        sys.stderr.write(plain(text, sys.stderr.encoding or "utf-8"))
        sys.stderr.flush()
