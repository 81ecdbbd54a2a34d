"""Reports written by hand, for the tests of reporters."""

from __future__ import annotations

from typing import Any

from alembic_proof.effects import Work
from alembic_proof.findings import (
    Confidence,
    Finding,
    GateReport,
    OperationCount,
    Report,
    RevisionRun,
    RevisionSummary,
    Severity,
    TableSummary,
)
from alembic_proof.locks import LockMode

PATH = "migrations/versions/2c5e1f0a3b4d_add_email_index.py"
SOURCE = """\
def upgrade() -> None:
    op.create_index("ix_orders_email", "orders", ["email"])
    op.add_column(
        "orders",
        sa.Column("state", sa.Text(), nullable=False),
    )
    op.execute(statement())
"""
RECIPE = """\
with op.get_context().autocommit_block():
    op.create_index("ix_orders_email", "orders", ["email"], postgresql_concurrently=True)"""

CLEAN = RevisionRun(
    revision="0001",
    path="0001.py",
    outcome="clean",
    seconds={"upgrade": 0.5, "downgrade": 0.25, "second upgrade": 0.125},
)
DOWNGRADE_FAILS = RevisionRun(
    revision="2c5e1f0a3b4d", path=PATH, outcome="findings", seconds={"upgrade": 12.0}
)
NOT_RUN = RevisionRun(revision="0003", path="0003.py", outcome="not run")


def finding(**changes: Any) -> Finding:
    """A finding of blocking-index-build on the second line of SOURCE, with some fields changed."""
    fields: dict[str, Any] = {
        "code": "AP101",
        "rule": "blocking-index-build",
        "severity": Severity.ERROR,
        "confidence": Confidence.HIGH,
        "revision": "2c5e1f0a3b4d",
        "path": PATH,
        "line": 2,
        "column": 5,
        "message": "holds SHARE on orders while an index is built from every row: writes wait",
        "help": RECIPE,
        "table": "orders",
    }
    return Finding(**{**fields, **changes})


def revision(**changes: Any) -> RevisionSummary:
    """A revision that builds an index on orders and creates bills, with some fields changed."""
    fields: dict[str, Any] = {
        "revision": "2c5e1f0a3b4d",
        "path": PATH,
        "phase": "expand",
        "new_tables": ("bills",),
        "operations": OperationCount(3, 3),
        "effects": (
            TableSummary(
                "orders", LockMode.SHARE, Work.INDEX_BUILD, False, "ix_orders_email is built"
            ),
            TableSummary("bills", LockMode.ACCESS_EXCLUSIVE, Work.CATALOG, True, "it is created"),
        ),
    }
    return RevisionSummary(**{**fields, **changes})


def report(*findings: Finding, **changes: Any) -> Report:
    """A report on one of 120 revisions, with some fields changed."""
    fields: dict[str, Any] = {
        "project": ".",
        "postgres": 16,
        "postgres_source": "configured",
        "findings": findings,
        "revisions": (revision(),),
        "read": 120,
    }
    return Report(**{**fields, **changes})


def gate_report(*findings: Finding, **changes: Any) -> GateReport:
    """A gate report on one clean revision, with some fields changed."""
    fields: dict[str, Any] = {
        "project": ".",
        "server": "PostgreSQL 16.3 (Docker)",
        "postgres": 16,
        "versions": {"python": "3.13.1", "alembic": "1.20.1"},
        "findings": findings,
        "revisions": (CLEAN,),
        "applied_before": 0,
        "seconds": 1.25,
    }
    return GateReport(**{**fields, **changes})


def source(path: str) -> list[str]:
    """The lines of the only file there is."""
    return SOURCE.splitlines() if path == PATH else []
