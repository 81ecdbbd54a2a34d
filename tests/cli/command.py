"""Runs the command line in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit status and both streams."""

    status: int
    stdout: str
    stderr: str


class Command(Protocol):
    """Runs ``alembic-proof`` with these arguments."""

    def __call__(self, *args: object) -> Outcome: ...
