"""AP102: an index is dropped under ACCESS EXCLUSIVE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.operations import DropIndex
from alembic_proof.rules.base import Claim, Context, Holds, Rule


class BlockingIndexDrop(Rule):
    """An index of a table in use is dropped without CONCURRENTLY.

    ## What it finds
    `op.drop_index` and `DROP INDEX` without `CONCURRENTLY`, on a table that the release does not
    create.

    ## Why it hurts
    `DROP INDEX` takes ACCESS EXCLUSIVE on the table. It is quick once it has the lock, but it waits
    for every running query on the table, and everything that comes after it, reads included, waits
    behind it. The lock is kept until the transaction ends.

    ## What to do
    Drop it with `CONCURRENTLY` in an autocommit block: reads and writes go on. An index that belongs
    to a UNIQUE or PRIMARY KEY constraint cannot be dropped so; drop the constraint.

    ## When it is safe to ignore
    No query on the table takes long, a short `lock_timeout` is set, and the transaction ends at once.
    """

    code = "AP102"
    severity = Severity.WARNING
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("customer_id", sa.BigInteger(), index=True),
)
"""
    bad = """
op.drop_index("ix_orders_customer_id", table_name="orders")
"""
    good = """
with op.get_context().autocommit_block():
    op.drop_index("ix_orders_customer_id", table_name="orders", postgresql_concurrently=True)
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Holds("orders", LockMode.ACCESS_EXCLUSIVE, Work.CATALOG),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge DROP INDEX on a table that is in use or not known."""
        operation = context.operation
        if not isinstance(operation, DropIndex) or operation.concurrently:
            return
        table = operation.table or context.schema.table_of_index(operation.index)
        if table is not None and not context.in_use(table):
            return
        if table is None and operation.if_exists:
            return
        where = str(table) if table is not None else "its table"
        argument = f", table_name={recipes.text(table.name)}" if table is not None else ""
        drop = (
            f"op.drop_index({recipes.text(operation.index.name)}{argument}, "
            f"postgresql_concurrently=True{recipes.schema(table or operation.index)})"
        )
        yield self.finding(
            context,
            f"DROP INDEX {operation.index} takes ACCESS EXCLUSIVE on {where}: it waits for every "
            "running query, and all reads and writes wait behind it",
            help=recipes.autocommit(drop),
            table=table,
        )
