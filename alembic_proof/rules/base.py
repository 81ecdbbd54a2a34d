"""Owns what every rule is made of: its description, its examples, its claims, and its three questions.

A rule is a class in a module of its own. The module, the class and the rule share one name
(``blocking_index_build.py``, ``BlockingIndexBuild``, ``blocking-index-build``); the class docstring
holds the documentation under four headings. Examples are bodies of ``upgrade()`` (or whole
revision files where the rule is about more than that), and claims say what a server can refute
about the bad example; one contract test executes them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from alembic_proof.effects import Effects, Work
from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.history import Revision
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import Operation
from alembic_proof.release import JudgedStep, Release
from alembic_proof.schema_model import SchemaModel
from alembic_proof.transactions import HeldLock, Mode, Moment

HEADINGS = ("What it finds", "Why it hurts", "What to do", "When it is safe to ignore")
NEXT_REVISION = "# next revision"


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

    def held_on(self, table: Name) -> HeldLock | None:
        """The strongest lock the transaction holds on a table before the operation."""
        return self.moment.held_on(table)

    def strongest_lock(self, table: Name, lock: LockMode) -> LockMode:
        """The lock in force on a table while the operation works: its own, or one held before."""
        held = self.held_on(table)
        return held.lock if held is not None and held.lock.rank > lock.rank else lock


class Rule:
    """One rule. Subclasses set the class attributes and answer one of the three questions.

    ``good`` and ``bad`` may hold several revisions, separated by a line ``# next revision``.
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
        return (type(self).__doc__ or "").strip().splitlines()[0]

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Findings about one operation, in the order of the release."""
        return iter(())

    def check_revision(self, revision: Revision, release: Release) -> Iterator[Finding]:
        """Findings about one pending revision as a whole, after all its operations."""
        return iter(())

    def check_release(self, release: Release) -> Iterator[Finding]:
        """Findings about the release or the history as a whole."""
        return iter(())

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
