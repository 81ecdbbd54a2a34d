"""AP401: a revision cannot be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof.findings import Finding, Severity
from alembic_proof.history import Revision
from alembic_proof.operations import (
    BeginTransaction,
    CommitTransaction,
    DeleteRows,
    EnterAutocommit,
    LeaveAutocommit,
    NoOperation,
    Procedure,
    RollbackTransaction,
    Savepoint,
    SelectRows,
    SetParameter,
    UpdateRows,
)
from alembic_proof.release import Release
from alembic_proof.rules.base import Claim, Rule, Unobservable

_NOTHING_TO_TAKE_BACK = (
    BeginTransaction,
    CommitTransaction,
    DeleteRows,
    EnterAutocommit,
    LeaveAutocommit,
    NoOperation,
    RollbackTransaction,
    Savepoint,
    SelectRows,
    SetParameter,
    UpdateRows,
)


class MissingDowngrade(Rule):
    """A revision has no downgrade, an empty one, or one that refuses without saying why.

    ## What it finds
    A revision whose `upgrade()` changes the schema or adds rows, and whose `downgrade()` does not
    exist, does nothing, or raises without a message. Updated and deleted rows need no way back: the
    release before lives with them, or the gate shows that it does not.

    ## Why it hurts
    An empty downgrade passes for a working one: `alembic downgrade` goes back in its version table
    while the schema stays, and the next upgrade fails on what is already there. Nobody finds out
    until the release has to be taken back.

    ## What to do
    Write the downgrade. Where there is none that keeps the data, raise an exception that says so and
    says what to do instead.

    ## When it is safe to ignore
    The release before can live with what the upgrade leaves, and the upgrade can be run again on it.
    Say so by raising with a reason, or in an allowance.
    """

    code = "AP401"
    severity = Severity.WARNING
    given = """
op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
    bad = '''
"""Add orders.note."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down_revision}"


def upgrade():
    op.add_column("orders", sa.Column("note", sa.Text()))


def downgrade():
    pass
'''
    good = '''
"""Add orders.note."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down_revision}"


def upgrade():
    op.add_column("orders", sa.Column("note", sa.Text()))


def downgrade():
    op.drop_column("orders", "note")
'''
    claims: ClassVar[tuple[Claim, ...]] = (
        Unobservable("the round trip of the gate shows what a downgrade leaves behind"),
    )

    def check_revision(self, revision: Revision, release: Release) -> Iterator[Finding]:
        """Judge the downgrade of a revision that acts."""
        upgrade, downgrade = revision.upgrade, revision.downgrade
        if upgrade is None or not _acts(upgrade):
            return
        if downgrade is None:
            yield self._finding(
                revision, upgrade.line, "upgrade() acts and there is no downgrade()"
            )
        elif downgrade.raises:
            if not _gives_reason(downgrade.raised):
                yield self._finding(
                    revision,
                    downgrade.line,
                    "downgrade() raises without saying why",
                    severity=Severity.INFO,
                )
        elif not _acts(downgrade):
            yield self._finding(
                revision,
                downgrade.line,
                "downgrade() does nothing although upgrade() acts: alembic downgrade reports success "
                "and leaves the schema as it is",
            )

    def _finding(
        self, revision: Revision, line: int, message: str, severity: Severity | None = None
    ) -> Finding:
        return self.finding_at(
            revision,
            line,
            message,
            help=(
                "take back what upgrade() does, or refuse with the reason:\n"
                'raise NotImplementedError("restore from backup: the dropped column is lost")'
            ),
            severity=severity,
        )


def _gives_reason(raised: str) -> bool:
    """Whether the text of an exception, ``NotImplementedError: the reason``, has a message."""
    return bool(raised.partition(":")[2].strip())


def _acts(procedure: Procedure) -> bool:
    return any(not isinstance(step.operation, _NOTHING_TO_TAKE_BACK) for step in procedure.steps)
