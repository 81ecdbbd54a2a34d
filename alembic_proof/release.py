"""Owns the release under review: its revisions, and every step of them with what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from alembic_proof.effects import Effects
from alembic_proof.history import History, Revision
from alembic_proof.objects import Name
from alembic_proof.operations import Operation, Step
from alembic_proof.phases import Phase
from alembic_proof.project import Environment
from alembic_proof.transactions import Moment


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """A step with its predicted effects, the state of the session before it, and its phase.

    ``new_tables`` are those of its tables that are created in the release, at that moment.
    """

    revision: Revision
    step: Step
    effects: Effects
    moment: Moment
    phase: Phase
    new_tables: frozenset[Name] = frozenset()

    @property
    def operation(self) -> Operation:
        """The operation of the step."""
        return self.step.operation

    def is_new(self, table: Name) -> bool:
        """Whether nothing uses the table yet, because this release creates it."""
        return table in self.new_tables


@dataclass(slots=True)
class Release:
    """What is deployed together: the pending revisions, judged for one PostgreSQL major.

    ``steps`` grows while the release is replayed; rules about the whole release see all of it.
    """

    history: History
    pending: tuple[Revision, ...]
    environment: Environment
    postgres: int
    env_path: str = "env.py"
    steps: list[JudgedStep] = field(default_factory=list)
    _steps_of: dict[str, list[JudgedStep]] = field(default_factory=dict)

    def add(self, judged: JudgedStep) -> None:
        """Record the next step of the release."""
        self.steps.append(judged)
        self._steps_of.setdefault(judged.revision.id, []).append(judged)

    def steps_of(self, revision: Revision) -> tuple[JudgedStep, ...]:
        """The judged steps of one revision, in order."""
        return tuple(self._steps_of.get(revision.id, ()))
