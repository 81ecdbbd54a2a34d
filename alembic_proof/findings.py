"""Owns what is reported: findings, their severity and confidence, and the reports that hold them."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Literal

import msgspec

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode


class Severity(enum.StrEnum):
    """How bad it is if it happens.

    ``ERROR`` will block, break or lose something under the stated conditions; ``WARNING`` may,
    depending on size or on code that cannot be seen; ``INFO`` is worth knowing.
    """

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for INFO to 2 for ERROR."""
        return list(Severity).index(self)


class Confidence(enum.StrEnum):
    """How sure we are that the finding is true."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to report.

    ``path`` is relative to the project; ``line`` and ``column`` count from 1. ``message`` says what
    will happen, ``help`` how to avoid it, ``note`` adds context. ``revision`` is empty for findings
    about the history as a whole, ``table`` None where no table is concerned.
    """

    code: str
    rule: str
    severity: Severity
    confidence: Confidence
    revision: str
    path: str
    line: int
    column: int
    message: str
    help: str
    note: str = ""
    table: str | None = None
    source: Literal["predicted", "observed"] = "predicted"

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """Order for people: by place, then by code."""
        return (self.path, self.line, self.column, self.code)


class OperationCount(msgspec.Struct, frozen=True):
    """How many operations were seen and how many of them understood."""

    seen: int = 0
    understood: int = 0

    def __add__(self, other: OperationCount) -> OperationCount:
        return OperationCount(self.seen + other.seen, self.understood + other.understood)


class TableSummary(msgspec.Struct, frozen=True):
    """What the transactions of one revision do to one table.

    ``lock`` is the strongest lock held and ``work`` the heaviest work done while it was held;
    ``why`` names the operation behind that work. ``new_table`` is true when the table is created in
    the pending release.
    """

    table: str
    lock: LockMode
    work: Work
    new_table: bool
    why: str = ""


class RevisionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one pending revision is and does."""

    revision: str
    path: str
    phase: str
    new_tables: tuple[str, ...] = ()
    operations: OperationCount = OperationCount()
    effects: tuple[TableSummary, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run: everything a reporter needs, and nothing it must compute.

    ``project`` is the folder the paths are relative to, as the user would write it. ``postgres`` is
    the major version judged for, ``postgres_source`` how it was known. ``read`` is how many
    revisions were read. ``allowed`` are findings that an allowance covers; they do not count.
    ``failures`` are problems that make the job incomplete (a crashed rule).
    """

    project: str
    postgres: int
    postgres_source: str
    findings: tuple[Finding, ...] = ()
    allowed: tuple[Finding, ...] = ()
    revisions: tuple[RevisionSummary, ...] = ()
    read: int = 0
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def operations(self) -> OperationCount:
        """The coverage over all pending revisions."""
        return sum((revision.operations for revision in self.revisions), OperationCount())

    def count(self, severity: Severity) -> int:
        """How many findings have exactly this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def at_least(self, severity: Severity) -> Iterator[Finding]:
        """The findings of this severity or above."""
        return (item for item in self.findings if item.severity.rank >= severity.rank)


class RevisionRun(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with one pending revision.

    ``seconds`` are those of each step that ended well: ``upgrade``, ``downgrade``, ``second
    upgrade``. ``outcome`` is ``not run`` for revisions behind one that cannot be applied.
    """

    revision: str
    path: str
    outcome: Literal["clean", "findings", "not run"]
    seconds: dict[str, float] = {}


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a gate run.

    ``server`` describes the server for people, ``postgres`` is its major version, ``versions`` are
    those of the project's Python, Alembic, SQLAlchemy and drivers. ``applied_before`` counts the
    revisions applied before the pending ones by this run. ``notes`` are worth knowing and no
    findings.
    """

    project: str
    server: str
    postgres: int
    versions: dict[str, str]
    findings: tuple[Finding, ...]
    revisions: tuple[RevisionRun, ...]
    applied_before: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def observed(self) -> int:
        """How many pending revisions were run, or at least tried."""
        return sum(run.outcome != "not run" for run in self.revisions)
