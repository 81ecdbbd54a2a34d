"""AP110: a constraint is validated while a stronger lock is held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.operations import ValidateConstraint
from alembic_proof.rules.base import Claim, Context, Holds, Rule
from alembic_proof.wording import words


class ValidationUnderLock(Rule):
    """VALIDATE CONSTRAINT runs in a transaction that already blocks the table.

    ## What it finds
    `VALIDATE CONSTRAINT` after an earlier operation of the same revision's transaction took a lock on
    the table that blocks reads or writes: most often the `ADD … NOT VALID` of that very constraint.

    ## Why it hurts
    Locks are kept until the transaction ends. The validation reads every row under the lock of the
    earlier operation, so that `NOT VALID` has gained nothing.

    ## What to do
    Validate in a later revision, in a transaction of its own. All revisions of one `alembic upgrade`
    share a transaction unless env.py sets `transaction_per_migration=True`.

    ## When it is safe to ignore
    The table is small enough to be read in a moment.
    """

    code = "AP110"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("total", sa.Integer()),
)
"""
    bad = """
op.create_check_constraint(
    "orders_total_positive", "orders", "total > 0", postgresql_not_valid=True
)
op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive")
"""
    good = """
op.create_check_constraint(
    "orders_total_positive", "orders", "total > 0", postgresql_not_valid=True
)
# next revision
op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive")
"""
    claims: ClassVar[tuple[Claim, ...]] = (Holds("orders", LockMode.ACCESS_EXCLUSIVE, Work.SCAN),)

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge VALIDATE by the locks that its transaction holds already."""
        operation = context.operation
        if not isinstance(operation, ValidateConstraint) or not context.in_use(operation.table):
            return
        effect = context.effects.on(operation.table)
        held = context.blocker(operation.table)
        if effect is None or held is None or not effect.work.grows_with_table:
            return
        yield self.finding(
            context,
            f"VALIDATE CONSTRAINT {operation.name} reads every row of {operation.table} while "
            f"{words(held.step.operation)} on line {held.step.line} holds {held.lock} on it: "
            f"{held.lock.who_waits} wait",
            help=recipes.validate(operation.table, operation.name),
            table=operation.table,
        )
