"""AP113: any other work on a whole table under a lock that blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import TableEffect, Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.operations import (
    AddColumn,
    AddConstraint,
    AlterTableSetting,
    AlterType,
    AttachPartition,
    ChangeColumnType,
    Cluster,
    CreateIndex,
    CreateTable,
    Operation,
    RefreshMaterializedView,
    Reindex,
    SetNotNull,
    TableSetting,
    Truncate,
    Vacuum,
)
from alembic_proof.rules.base import Claim, Context, Holds, Rule, constraint_at_work


class BlockingTableWork(Rule):
    """An operation reads, re-indexes or rewrites a whole table in use under a lock that blocks.

    ## What it finds
    Everything of that kind that has no rule of its own: `CLUSTER`, `VACUUM FULL`, `REFRESH
    MATERIALIZED VIEW` without `CONCURRENTLY`, `SET LOGGED` and `SET UNLOGGED`, another tablespace or
    access method, an attached partition whose rows must be checked.

    ## Why it hurts
    The lock is held for as long as the work takes, and the work grows with the table.

    ## What to do
    Use the form that works beside reads and writes where there is one; the finding names it.
    Otherwise plan a quiet hour.

    ## When it is safe to ignore
    The table is small enough to be read or written in a moment.
    """

    code = "AP113"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("total", sa.Integer()),
)
op.execute("CREATE MATERIALIZED VIEW order_totals AS SELECT id, total FROM orders")
op.execute("CREATE UNIQUE INDEX order_totals_id ON order_totals (id)")
"""
    bad = """
op.execute("REFRESH MATERIALIZED VIEW order_totals")
"""
    good = """
op.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals")
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Holds("order_totals", LockMode.ACCESS_EXCLUSIVE, Work.REWRITE),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge what no other rule answers for, by what it is predicted to block."""
        for effect in context.blocked()[:1]:
            if not _has_its_own_rule(context, effect):
                recipe = _recipe(context.operation, effect)
                yield self.blocking_finding(context, effect, help=recipe, note=effect.why)


def _has_its_own_rule(context: Context, effect: TableEffect) -> bool:
    operation = context.operation
    match operation:
        case (
            CreateIndex()
            | Reindex()
            | ChangeColumnType()
            | SetNotNull()
            | AddConstraint()
            | Truncate()
        ):
            return True
        case AddColumn(column=column):
            if effect.work is Work.REWRITE or constraint_at_work(operation, effect.work):
                return True
            # A NOT NULL column without a value is judged by required-column: it does not scan in
            # vain, it fails.
            return not column.nullable
        case AlterType():
            return constraint_at_work(operation, effect.work) is not None
        case _:
            return False


def _recipe(operation: Operation, effect: TableEffect) -> str:
    match operation:
        case RefreshMaterializedView(view=view):
            refresh = f"REFRESH MATERIALIZED VIEW CONCURRENTLY {recipes.relation(view)}"
            return f"# with a unique index on {view}\n{recipes.execute(refresh)}"
        case Cluster() | Vacuum():
            return f"pg_repack or pg_squeeze rewrites {effect.table} beside reads and writes"
        case AttachPartition(table=table, partition=partition):
            return (
                f"add a CHECK to {partition} that says its bound, as NOT VALID, and VALIDATE it: "
                f"ATTACH PARTITION to {table} then reads nothing"
            )
        case CreateTable(partition_of=parent) if parent is not None:
            return (
                f"add a CHECK to {effect.table} that excludes the new partition's bound, as NOT VALID, "
                "and VALIDATE it: the default partition is then not read"
            )
        case AlterTableSetting(setting=TableSetting.TABLESPACE | TableSetting.ACCESS_METHOD):
            return f"pg_repack moves {effect.table} beside reads and writes"
        case _:
            return f"run it in a quiet hour, or make a new table beside {effect.table} and move the rows"
