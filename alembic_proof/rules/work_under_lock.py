"""AP112: a table is read or written at length under the lock of an earlier operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import TableEffect, Work
from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.operations import (
    DeleteRows,
    InsertRows,
    MergeRows,
    UpdateRows,
    ValidateConstraint,
)
from alembic_proof.rules.base import Claim, Context, Holds, Rule
from alembic_proof.wording import words


class WorkUnderLock(Rule):
    """A query, a row change or a build works while an earlier operation's lock blocks the table.

    ## What it finds
    Work that grows with a table in use — a query, UPDATE, DELETE, INSERT … SELECT, or a loop of them —
    after an earlier operation of the same revision's transaction took a lock on that table which
    blocks reads or writes. Row changes after `ADD COLUMN` are the commonest.

    ## Why it hurts
    PostgreSQL keeps every lock until the transaction ends. `ADD COLUMN` alone takes milliseconds; an
    UPDATE after it in the same transaction keeps its ACCESS EXCLUSIVE for as long as the UPDATE
    takes, and reads and writes wait.

    ## What to do
    Give the work a revision of its own, after the one with the DDL, and make sure that env.py sets
    `transaction_per_migration=True`. Or do it first and the DDL last.

    ## When it is safe to ignore
    The table is small enough to be read in a moment.
    """

    code = "AP112"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("note", sa.Text()),
)
"""
    bad = """
op.add_column("orders", sa.Column("state", sa.Text()))
op.execute("UPDATE orders SET state = 'noted' WHERE note IS NOT NULL AND note <> ''")
"""
    good = """
op.add_column("orders", sa.Column("state", sa.Text()))
# next revision
op.execute("UPDATE orders SET state = 'noted' WHERE note IS NOT NULL AND note <> ''")
"""
    claims: ClassVar[tuple[Claim, ...]] = (Holds("orders", LockMode.ACCESS_EXCLUSIVE, Work.SCAN),)

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge work by the locks that its revision's transaction holds already."""
        operation = context.operation
        if not context.in_transaction or isinstance(operation, ValidateConstraint):
            return
        if context.blocked() or context.changes_every_row() is not None:
            return
        for effect in context.effects.tables:
            if not _grows(context, effect) or not context.in_use(effect.table):
                continue
            held = context.blocker(effect.table)
            if held is None:
                continue
            does = "reads every row of" if effect.work.grows_with_table else "changes rows of"
            yield self.finding(
                context,
                f"{words(operation)} {does} {effect.table} while {words(held.step.operation)} on line "
                f"{held.step.line} holds {held.lock} on it: {held.lock.who_waits} wait",
                help=(
                    f"{recipes.LATER_REVISION}, so that the lock of line {held.step.line} is gone:\n"
                    f"the {words(operation)}, in batches where it changes many rows"
                ),
                table=effect.table,
                note=effect.why,
                confidence=None if effect.work.grows_with_table else Confidence.MEDIUM,
            )
            return


def _grows(context: Context, effect: TableEffect) -> bool:
    """Whether the work grows with the table; row changes do in a loop, or fed by a query."""
    if effect.work.grows_with_table:
        return True
    if effect.work is not Work.ROWS:
        return False
    match context.operation:
        case InsertRows(table=table, reads=reads) | MergeRows(table=table, reads=reads):
            many = bool(reads) or context.judged.step.repeated
        case UpdateRows(table=table) | DeleteRows(table=table):
            many = context.judged.step.repeated
        case _:
            return False
    return many and table == effect.table
