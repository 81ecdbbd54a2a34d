"""AP101: an index is built while writes wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import TableEffect, Work
from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.operations import CreateIndex, Reindex
from alembic_proof.rules.base import Claim, Context, Holds, Rule


class BlockingIndexBuild(Rule):
    """An index is built or rebuilt on a table in use without CONCURRENTLY.

    ## What it finds
    `op.create_index`, `index=True` on a new column, `CREATE INDEX` and `REINDEX` without
    `CONCURRENTLY`, on a table that the release does not create.

    ## Why it hurts
    `CREATE INDEX` holds SHARE on the table until the transaction ends, and reads every row to build
    the index. Every INSERT, UPDATE and DELETE waits for as long as that takes.

    ## What to do
    Build it with `CONCURRENTLY`, which lets writes go on. PostgreSQL refuses that inside a
    transaction, so put it into an autocommit block. A build that fails leaves an INVALID index
    behind: drop it before you try again.

    ## When it is safe to ignore
    The table is small enough to be read in a moment, or nothing writes to it.
    """

    code = "AP101"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("customer_id", sa.BigInteger()),
)
"""
    bad = """
op.create_index("orders_customer_id", "orders", ["customer_id"])
"""
    good = """
with op.get_context().autocommit_block():
    op.create_index("orders_customer_id", "orders", ["customer_id"], postgresql_concurrently=True)
"""
    claims: ClassVar[tuple[Claim, ...]] = (Holds("orders", LockMode.SHARE, Work.INDEX_BUILD),)

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge CREATE INDEX and REINDEX by what they are predicted to block."""
        operation = context.operation
        if not isinstance(operation, CreateIndex | Reindex):
            return
        for effect in context.blocked()[:1]:
            yield self.blocking_finding(context, effect, help=_recipe(context, operation, effect))
        if isinstance(operation, Reindex) and _is_of_unknown_table(context, operation):
            yield self.finding(
                context,
                f"REINDEX INDEX {operation.name} holds SHARE on its table, which the history does not "
                "name, while the index is built from every row: writes wait",
                help=_recipe_of_reindex(operation),
                confidence=Confidence.MEDIUM,
            )


def _is_of_unknown_table(context: Context, operation: Reindex) -> bool:
    return (
        operation.kind == "INDEX"
        and operation.name is not None
        and not operation.concurrently
        and context.schema.table_of_index(operation.name) is None
    )


def _recipe_of_reindex(operation: Reindex) -> str:
    name = f" {recipes.relation(operation.name)}" if operation.name else ""
    return recipes.autocommit(recipes.execute(f"REINDEX {operation.kind} CONCURRENTLY{name}"))


def _recipe(context: Context, operation: CreateIndex | Reindex, effect: TableEffect) -> str:
    if isinstance(operation, Reindex):
        return _recipe_of_reindex(operation)
    table = context.schema.table(effect.table)
    if table is not None and table.partitioned:
        return (
            "CONCURRENTLY is refused on a partitioned table: create the index with ON ONLY on "
            f"{effect.table}, build it CONCURRENTLY on each partition, then ALTER INDEX … ATTACH "
            "PARTITION for each"
        )
    return recipes.autocommit(recipes.concurrent_index(operation))
