"""Owns the steps of a procedure while it is read: their order, statements, conditions and places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from alembic_proof.linter.python.positions import Position
from alembic_proof.objects import Name
from alembic_proof.operations import Operation, Step, Unresolved

_CONDITION_LENGTH = 120


class Recorder:
    """Collects what a procedure does, in order.

    ``conditions`` are the sources of the undecided conditions around the place that is being read
    and ``loops`` the number of loops with an unknown number of rounds. ``place`` is where the
    revision file makes the current operation happen. While ``muted`` nothing is recorded: what a
    module does when it is imported is not what the migration does.
    """

    def __init__(self, place: Position) -> None:
        self.steps: list[Step] = []
        self.conditions: list[str] = []
        self.loops = 0
        self.place = place
        self.muted = 0
        self._statement = 0

    @property
    def level(self) -> int:
        """How many undecided conditions and loops surround the current place."""
        return len(self.conditions) + self.loops

    def statement(self, operations: Iterable[Operation]) -> None:
        """Record the operations of one SQL statement."""
        if self.muted:
            return
        found = False
        for operation in operations:
            found = True
            self.steps.append(
                Step(
                    operation=operation,
                    line=self.place[0],
                    column=self.place[1],
                    statement=self._statement,
                    condition=self.condition,
                    repeated=self.loops > 0,
                )
            )
        self._statement += found

    def each(self, operations: Iterable[Operation]) -> None:
        """Record operations that are one SQL statement each."""
        for operation in operations:
            self.statement((operation,))

    def unresolved(self, reason: str, source: str = "", tables: tuple[Name, ...] = ()) -> None:
        """Record something that was seen but not understood."""
        self.statement((Unresolved(reason=reason, source=shorten(source, 400), tables=tables),))

    @property
    def condition(self) -> str | None:
        """The condition of the current place, as Python source."""
        if not self.conditions:
            return None
        return shorten(" and ".join(dict.fromkeys(self.conditions)), _CONDITION_LENGTH)

    @contextmanager
    def under(self, condition: str | None) -> Iterator[None]:
        """While a condition holds that could not be decided; None for no condition."""
        depth = len(self.conditions)
        if condition is not None:
            self.conditions.append(condition)
        try:
            yield
        finally:
            del self.conditions[depth:]

    @contextmanager
    def repeating(self) -> Iterator[None]:
        """Inside a loop whose number of rounds is not known."""
        self.loops += 1
        try:
            yield
        finally:
            self.loops -= 1

    @contextmanager
    def silent(self) -> Iterator[None]:
        """While code runs that is no part of the migration."""
        self.muted += 1
        try:
            yield
        finally:
            self.muted -= 1

    def mark_repeated(self, start: int) -> None:
        """Say of every step since that index that it may run more than once."""
        self.steps[start:] = [
            msgspec.structs.replace(step, repeated=True) for step in self.steps[start:]
        ]

    def amend(self, index: int, operation: Operation) -> None:
        """Put another operation in the place of an earlier one."""
        self.steps[index] = msgspec.structs.replace(self.steps[index], operation=operation)


def shorten(text: str, length: int) -> str:
    """The text on one line, cut at that many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
