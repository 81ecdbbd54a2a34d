"""Owns what every rule is made of: its description, its examples, its claims, and its four questions.

A rule is a class in a module of its own. The module, the class and the rule share one name
(``blocking_index_build.py``, ``BlockingIndexBuild``, ``blocking-index-build``); the class docstring
holds the documentation under four headings. Examples are bodies of ``upgrade()`` (or whole
revision files where the rule is about more than that), and claims say what a server can refute
about the bad example; one contract test executes them all.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from alembic_proof.effects import Effects, TableEffect, Work
from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.history import History, Revision
from alembic_proof.locks import LockMode
from alembic_proof.objects import (
    Check,
    Constraint,
    Exclude,
    ForeignKey,
    Name,
    NotNull,
    PrimaryKey,
    Unique,
)
from alembic_proof.operations import (
    AddColumn,
    AddConstraint,
    AlterType,
    DeleteRows,
    Operation,
    RefreshMaterializedView,
    UpdateRows,
)
from alembic_proof.release import JudgedStep, Release
from alembic_proof.schema_model import SchemaModel
from alembic_proof.transactions import HeldLock, Mode, Moment
from alembic_proof.wording import words

HEADINGS = ("What it finds", "Why it hurts", "What to do", "When it is safe to ignore")
NEXT_REVISION = "# next revision"
ENVIRONMENT = "# env.py"

_CATALOGUES = frozenset({"pg_catalog", "information_schema", "pg_toast"})
_ALWAYS = re.compile(r"\(*\s*(true|1\s*=\s*1)\s*\)*", re.IGNORECASE)
_JOIN = re.compile(r'\(*\s*("?\w+"?\.)+"?\w+"?\s*=\s*("?\w+"?\.)+"?\w+"?\s*\)*')


@dataclass(frozen=True, slots=True)
class Holds:
    """Claim: while the example runs, it holds this lock on this table and does this work under it."""

    table: str
    lock: LockMode
    work: Work


@dataclass(frozen=True, slots=True)
class Fails:
    """Claim: the example fails with this SQLSTATE on the rows of ``given``."""

    sqlstate: str


@dataclass(frozen=True, slots=True)
class Breaks:
    """Claim: this statement of running code works before the example and fails after it."""

    statement: str


@dataclass(frozen=True, slots=True)
class Loses:
    """Claim: this query gives rows before the example that no downgrade brings back."""

    query: str


@dataclass(frozen=True, slots=True)
class Unobservable:
    """Claim that no server can refute: the rule is about the text. ``why`` says so for the docs."""

    why: str


Claim = Holds | Fails | Breaks | Loses | Unobservable


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may ask about the operation under review.

    ``schema`` is the model before the operation; it changes afterwards, so rules must not keep it.
    """

    release: Release
    judged: JudgedStep
    schema: SchemaModel

    @property
    def operation(self) -> Operation:
        """The operation under review."""
        return self.judged.step.operation

    @property
    def effects(self) -> Effects:
        """What the operation is predicted to do."""
        return self.judged.effects

    @property
    def moment(self) -> Moment:
        """The session just before the operation: mode, held locks, settings."""
        return self.judged.moment

    @property
    def revision(self) -> Revision:
        """The revision that the operation belongs to."""
        return self.judged.revision

    @property
    def in_transaction(self) -> bool:
        """Whether the operation runs in a transaction block that began before it."""
        return self.moment.mode is Mode.TRANSACTION

    def is_new(self, table: Name) -> bool:
        """Whether nothing uses the table yet, because the release creates it."""
        return self.schema.is_new(table)

    def in_use(self, relation: Name) -> bool:
        """Whether running code may wait for it: a table or materialized view that is not new.

        Tables that the history never created are in use. Catalogues, views (whose tables are
        judged themselves) and Alembic's own version table are not.
        """
        if relation.schema in _CATALOGUES or relation.name.startswith("pg_"):
            return False
        if relation.name == self.release.environment.version_table:
            return False
        if self.is_new(relation) or self.judged.is_new(relation):
            return False
        state = self.schema.table(relation)
        return state is None or state.kind != "view"

    def is_new_column(self, table: Name, column: str) -> bool:
        """Whether the release adds the column to a table that was there before."""
        state = self.schema.column(table, column)
        return state is not None and state.added_in in self.schema.pending

    def changes_every_row(self) -> Confidence | None:
        """How sure it is that an UPDATE or DELETE changes every row; None when it does not.

        A WHERE cannot narrow it when it asks about columns that the release adds, which have the
        same value in every row, or only says how another table is joined.
        """
        operation = self.operation
        if not isinstance(operation, UpdateRows | DeleteRows):
            return None
        where = operation.where
        if operation.limited:
            return None
        if where is None or _ALWAYS.fullmatch(where.text):
            return Confidence.HIGH
        if where.opaque or where.reads:
            return None
        if where.columns and all(self.is_new_column(operation.table, it) for it in where.columns):
            return Confidence.HIGH
        if operation.by_key:
            return None
        conditions = re.split(r"\s+and\s+", where.text, flags=re.IGNORECASE)
        joins = all(_JOIN.fullmatch(condition.strip()) for condition in conditions)
        return Confidence.MEDIUM if joins else None

    def blocked(self) -> tuple[TableEffect, ...]:
        """The effects on tables in use that block reads or writes for as long as the table is big.

        Only the operation's own locks count; the heaviest work comes first. Nobody writes to a
        materialized view, so that there only a lock that blocks reads counts.
        """
        found = [
            effect
            for effect in self.effects.tables
            if effect.work.grows_with_table and self._blocks(effect) and self.in_use(effect.table)
        ]
        return tuple(sorted(found, key=lambda effect: -effect.work.rank))

    def _blocks(self, effect: TableEffect) -> bool:
        if isinstance(self.operation, RefreshMaterializedView):
            return effect.lock.blocks_reads
        return effect.lock.blocks_writes

    def held_on(self, table: Name) -> HeldLock | None:
        """The strongest lock the transaction holds on a table before the operation."""
        return self.moment.held_on(table)

    def blocker(self, table: Name) -> HeldLock | None:
        """The strongest lock that blocks reads or writes and is held by this revision itself.

        It was taken by an earlier statement of the same revision in the same transaction, and not
        in the other arm of an ``if``.
        """
        held = self.held_on(table)
        if not self.in_transaction or held is None or not held.lock.blocks_writes:
            return None
        strongest: HeldLock | None = None
        for judged in self.release.steps_of(self.revision):
            if judged.moment.number != self.moment.number:
                continue
            if judged.step.statement == self.judged.step.statement:
                continue
            if _exclude_each_other(judged.step.condition, self.judged.step.condition):
                continue
            effect = judged.effects.on(table)
            if effect is None or not effect.lock.blocks_writes:
                continue
            if strongest is None or strongest.lock.rank < effect.lock.rank:
                strongest = HeldLock(effect.lock, judged.step, self.revision.id)
        return strongest

    def strongest_lock(self, table: Name, lock: LockMode) -> LockMode:
        """The lock in force on a table while the operation works: its own, or one held before."""
        held = self.held_on(table)
        return held.lock if held is not None and held.lock.rank > lock.rank else lock


def _exclude_each_other(one: str | None, other: str | None) -> bool:
    """Whether two conditions of steps cannot both hold: a part of one is denied by the other."""
    if one is None or other is None:
        return False
    ones, others = {one, *one.split(" and ")}, {other, *other.split(" and ")}
    return any(f"not ({part})" in others or f"not {part}" in others for part in ones) or any(
        f"not ({part})" in ones or f"not {part}" in ones for part in others
    )


def constraint_at_work(operation: Operation, work: Work) -> Constraint | None:
    """The constraint that makes an operation do this work on the table that gets it.

    A new column may bring several; PostgreSQL then checks them all in one pass, and the one that
    stands for that work is named. A rewrite has causes of its own.
    """
    match operation:
        case AddConstraint(constraint=constraint) | AlterType(constraint=constraint):
            return constraint
        case AddColumn(column=column):
            kinds = _CONSTRAINTS_AT_WORK.get(work, ())
            return next((item for item in column.constraints if isinstance(item, kinds)), None)
        case _:
            return None


_CONSTRAINTS_AT_WORK: dict[Work, tuple[type, ...]] = {
    Work.SCAN: (Check, ForeignKey, NotNull),
    Work.INDEX_BUILD: (PrimaryKey, Unique, Exclude),
}


class Rule:
    """One rule. Subclasses set the class attributes and answer one of the four questions.

    ``good`` and ``bad`` may hold several revisions, separated by a line ``# next revision``, and
    end with ``# env.py`` and the call of ``context.configure`` where the rule is about that.
    ``given`` is the body of the upgrade of a revision that was released before.
    """

    code: ClassVar[str]
    severity: ClassVar[Severity]
    confidence: ClassVar[Confidence] = Confidence.HIGH
    suppressible: ClassVar[bool] = True
    given: ClassVar[str] = ""
    bad: ClassVar[str]
    good: ClassVar[str]
    claims: ClassVar[tuple[Claim, ...]]

    @property
    def name(self) -> str:
        """The rule's name: ``blocking-index-build``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.documentation.partition("\n")[0]

    @property
    def documentation(self) -> str:
        """Its documentation as Markdown: the summary, then a section for each of HEADINGS."""
        return inspect.cleandoc(type(self).__doc__ or "")

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Findings about one operation, in the order of the release."""
        return iter(())

    def check_revision(self, revision: Revision, release: Release) -> Iterator[Finding]:
        """Findings about one pending revision as a whole, after all its operations."""
        return iter(())

    def check_release(self, release: Release) -> Iterator[Finding]:
        """Findings about the release as a whole, after all its operations."""
        return iter(())

    def check_history(self, history: History, pending: frozenset[str]) -> Iterator[Finding]:
        """Findings about the history as a whole; ``pending`` are the ids of all that is judged."""
        return iter(())

    def blocking_finding(
        self,
        context: Context,
        effect: TableEffect,
        *,
        help: str,  # noqa: A002 - the field's name in the report
        note: str = "",
        severity: Severity | None = None,
    ) -> Finding:
        """A finding that says which lock is held, during which work, and who waits for it."""
        message = (
            f"{words(context.operation)} holds {effect.lock} on {effect.table} "
            f"while {effect.work.prose}: {effect.lock.who_waits} wait"
        )
        held = context.blocker(effect.table)
        if held is not None and held.lock.rank > effect.lock.rank:
            already = (
                f"{words(held.step.operation)} on line {held.step.line} already holds {held.lock} "
                f"there until the transaction ends: {held.lock.who_waits} wait"
            )
            note = f"{note}; {already}" if note else already
        return self.finding(
            context, message, help=help, table=effect.table, note=note, severity=severity
        )

    def finding(
        self,
        context: Context,
        message: str,
        *,
        help: str,  # noqa: A002 - the field's name in the report
        table: Name | None = None,
        note: str = "",
        severity: Severity | None = None,
        confidence: Confidence | None = None,
    ) -> Finding:
        """A finding of this rule at the operation under review."""
        step = context.judged.step
        if context.effects.unknown:
            note = f"{note}; {context.effects.unknown}" if note else context.effects.unknown
            confidence = confidence or Confidence.MEDIUM
        if step.condition is not None:
            condition = f"only if {step.condition}: both outcomes are judged"
            note = f"{note}; {condition}" if note else condition
        return self.finding_at(
            context.revision,
            step.line,
            message,
            column=step.column,
            help=help,
            table=table,
            note=note,
            severity=severity,
            confidence=confidence,
        )

    def finding_at(
        self,
        revision: Revision,
        line: int,
        message: str,
        *,
        help: str,  # noqa: A002 - the field's name in the report
        column: int = 1,
        table: Name | None = None,
        note: str = "",
        severity: Severity | None = None,
        confidence: Confidence | None = None,
        path: str | None = None,
    ) -> Finding:
        """A finding of this rule at a line of a revision file, or of another file of the project."""
        return Finding(
            code=self.code,
            rule=self.name,
            severity=severity or self.severity,
            confidence=confidence or self.confidence,
            revision=revision.id,
            path=path or revision.path,
            line=line,
            column=column,
            message=message,
            help=help,
            note=note,
            table=None if table is None else str(table),
        )
