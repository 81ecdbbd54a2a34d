"""AP109: a new table's foreign key locks the table it points at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.objects import ForeignKey, Name
from alembic_proof.operations import AddConstraint, CreateTable
from alembic_proof.rules.base import Claim, Context, Holds, Rule


class ForeignKeyInNewTable(Rule):
    """A new table's foreign key takes a lock on a table in use that blocks its writes.

    ## What it finds
    `CREATE TABLE` with a foreign key to a table in use, and a foreign key added to a new table by a
    transaction that already blocks another table in use.

    ## Why it hurts
    The foreign key takes SHARE ROW EXCLUSIVE on the referenced table. Nothing is read, so it is
    short; but it waits for every transaction that has written there, writes queue behind it, and it
    is kept until the transaction ends. Several such locks at once block several tables for as long
    as the slowest of them, and can deadlock with running code.

    ## What to do
    Create the table without the foreign key, and add the key in a revision of its own, with a short
    `lock_timeout`: one referenced table for each transaction, and nothing else in it.

    ## When it is safe to ignore
    The table is in one transaction by itself, references one table in use, a short `lock_timeout` is
    set, and a failed attempt can simply be repeated.
    """

    code = "AP109"
    severity = Severity.WARNING
    given = """
op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
    bad = """
op.create_table(
    "refunds",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("order_id", sa.BigInteger(), sa.ForeignKey("orders.id")),
)
"""
    good = """
op.create_table(
    "refunds",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("order_id", sa.BigInteger()),
)
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Holds("orders", LockMode.SHARE_ROW_EXCLUSIVE, Work.CATALOG),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge CREATE TABLE, and foreign keys added to new tables."""
        match context.operation:
            case CreateTable(table=table, columns=columns, constraints=constraints):
                inline = [item for column in columns for item in column.constraints]
                keys = [item for item in (*inline, *constraints) if isinstance(item, ForeignKey)]
                parents = _parents(context, table, keys)
                if parents:
                    yield self._finding(context, table, keys, parents)
            case AddConstraint(table=table, constraint=ForeignKey() as key):
                parents = _parents(context, table, [key])
                if parents and not context.in_use(table) and _blocked_before(context, parents):
                    yield self._finding(context, table, [key], parents)
            case _:
                return

    def _finding(
        self, context: Context, table: Name, keys: list[ForeignKey], parents: list[Name]
    ) -> Finding:
        before = _blocked_before(context, parents)
        *others, last = map(str, parents)
        listed = f"{', '.join(others)} and {last}" if others else last
        message = (
            f"the foreign key of the new table {table} takes SHARE ROW EXCLUSIVE on {listed}: short, "
            "but it waits for running writes, and new writes queue behind it"
        )
        together = [*before, *parents]
        note = ""
        if len(together) > 1:
            note = (
                f"one transaction blocks {', '.join(map(str, together))} together, until it ends: "
                "each waits for the slowest, and the order can deadlock with running code"
            )
        own = [key for key in keys if key.table in parents]
        return self.finding(context, message, help=_recipe(table, own), table=parents[0], note=note)


def _parents(context: Context, table: Name, keys: list[ForeignKey]) -> list[Name]:
    """The tables in use that get a lock which blocks, each once."""
    found: list[Name] = []
    for key in keys:
        effect = context.effects.on(key.table)
        if effect is None or not effect.lock.blocks_writes or key.table in (table, *found):
            continue
        if context.in_use(key.table):
            found.append(key.table)
    return found


def _blocked_before(context: Context, parents: list[Name]) -> list[Name]:
    if not context.in_transaction:
        return []
    return sorted(
        table
        for table, held in context.moment.held.items()
        if held.lock.blocks_writes and table not in parents and context.in_use(table)
    )


def _recipe(table: Name, keys: list[ForeignKey]) -> str:
    lines = [f"# create {table} without its foreign keys, then in a revision for each:"]
    for key in keys:
        name = key.name or f"{table.name}_{'_'.join(key.columns)}_fkey"
        schemas = recipes.schema(table, "source_schema")
        schemas += recipes.schema(key.table, "referent_schema")
        lines.append(recipes.execute("SET LOCAL lock_timeout = '2s'"))
        lines.append(
            f"op.create_foreign_key({recipes.text(name)}, {recipes.text(table.name)}, "
            f"{recipes.text(key.table.name)}, {recipes.names(key.columns)}, "
            f"{recipes.names(key.referenced_columns or ('id',))}{schemas})"
        )
    return "\n".join(lines)
