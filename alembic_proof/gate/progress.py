"""Owns how the gate tells what it is doing, so that the command line can draw it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears of the work while it is done."""

    def start(self, total: int) -> None:
        """Work begins: so many steps, each of which will be told."""

    def step(self, label: str, seconds: float) -> None:
        """A step is done; ``label`` names it."""

    def note(self, text: str) -> None:
        """Something that a person waiting wants to know."""
