"""Owns which operations share a transaction and which locks are held when each of them runs.

Facts: a lock is held until the end of the transaction that took it (PostgreSQL manual, "Explicit
Locking"). Alembic runs all pending revisions in one transaction unless env.py passes
``transaction_per_migration=True``, and ``autocommit_block()`` commits what came before it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from alembic_proof.effects import Effects
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import (
    BeginTransaction,
    CommitTransaction,
    EnterAutocommit,
    LeaveAutocommit,
    Operation,
    RenameTable,
    RollbackTransaction,
    SetParameter,
    SetTableSchema,
    Step,
)
from alembic_proof.project import Environment


class Mode(enum.Enum):
    """How a statement runs.

    ``AFTER_RAW_COMMIT`` is the state after ``op.execute("COMMIT")``: psycopg2 goes on without a
    transaction block, psycopg 3 and asyncpg open a new one.
    """

    TRANSACTION = "in a transaction"
    AUTOCOMMIT = "by itself"
    AFTER_RAW_COMMIT = "after a COMMIT that the driver does not know of"


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A table lock that an earlier step of the same transaction took, and what it was for."""

    lock: LockMode
    step: Step
    revision: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of the session just before a step.

    ``number`` counts transactions from 0 within the run; ``held`` are the strongest locks per table.
    ``parameters`` are the settings in force that the migrations themselves made (``lock_timeout``…).
    """

    mode: Mode
    number: int
    held: Mapping[Name, HeldLock] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    def held_on(self, table: Name) -> HeldLock | None:
        """The strongest lock that the transaction holds on a table already."""
        return self.held.get(table)


def renaming(operation: Operation) -> tuple[Name, Name] | None:
    """The old and the new name of a table that the operation renames or moves; locks go along."""
    match operation:
        case RenameTable(table=table, new_name=new_name):
            return table, Name.of(new_name, table.schema)
        case SetTableSchema(table=table, schema=schema):
            return table, Name.of(table.name, schema)
        case _:
            return None


class Session:
    """Follows the session that runs a release's migrations, step by step."""

    def __init__(self, environment: Environment) -> None:
        self._one_transaction = not environment.transaction_per_migration
        self._transactional = (
            environment.transactional_ddl is not False and not environment.autocommit
        )
        self._mode = self._outside
        self._number = 0
        self._held: dict[Name, HeldLock] = {}
        self._parameters: dict[str, str] = {}
        self._local: dict[str, str] = {}

    def begin_revision(self) -> None:
        """Note that Alembic goes on to the next revision."""
        if not self._one_transaction or self._mode is not self._outside:
            self._end_transaction()
        self._mode = self._outside

    def moment(self) -> Moment:
        """The state before the next step."""
        return Moment(
            self._mode, self._number, dict(self._held), {**self._parameters, **self._local}
        )

    def run(self, step: Step, effects: Effects, revision: str) -> None:
        """Note that a step ran with these effects."""
        match step.operation:
            case EnterAutocommit():
                self._end_transaction()
                self._mode = Mode.AUTOCOMMIT
            case LeaveAutocommit():
                self._end_transaction()
                self._mode = self._outside
            case BeginTransaction():
                if self._mode is not Mode.TRANSACTION:
                    self._end_transaction()
                    self._mode = Mode.TRANSACTION
            case CommitTransaction(raw=raw) | RollbackTransaction(raw=raw):
                self._end_transaction()
                if raw and self._mode is not Mode.AUTOCOMMIT:
                    self._mode = Mode.AFTER_RAW_COMMIT
            case SetParameter(parameter=parameter, value=value, local=local):
                self._set(parameter, value, local=local)
            case _:
                self._take(step, effects, revision)

    @property
    def _outside(self) -> Mode:
        return Mode.TRANSACTION if self._transactional else Mode.AUTOCOMMIT

    def _take(self, step: Step, effects: Effects, revision: str) -> None:
        if self._mode is not Mode.TRANSACTION:
            self._number += 1
            return
        for effect in effects.tables:
            held = self._held.get(effect.table)
            if held is None or held.lock.rank < effect.lock.rank:
                self._held[effect.table] = HeldLock(effect.lock, step, revision)
        renamed = renaming(step.operation)
        if renamed is not None and renamed[0] in self._held:
            self._held[renamed[1]] = self._held.pop(renamed[0])

    def _set(self, parameter: str, value: str | None, *, local: bool) -> None:
        settings = self._local if local else self._parameters
        if value is None:
            self._parameters.pop(parameter, None)
            self._local.pop(parameter, None)
        else:
            settings[parameter] = value

    def _end_transaction(self) -> None:
        self._number += 1
        self._held.clear()
        self._local.clear()
