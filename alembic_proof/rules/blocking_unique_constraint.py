"""AP105: a constraint builds its index while reads and writes wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.objects import Exclude, IndexKey, Name, PrimaryKey, Unique
from alembic_proof.operations import AddColumn, AddConstraint, CreateIndex
from alembic_proof.rules.base import Claim, Context, Holds, Rule, constraint_at_work
from alembic_proof.schema_model import TableState, default_constraint_name


class BlockingUniqueConstraint(Rule):
    """A UNIQUE, PRIMARY KEY or EXCLUDE constraint builds its index under a lock.

    ## What it finds
    `op.create_unique_constraint`, `op.create_primary_key`, `op.create_exclude_constraint` and their
    SQL on a table in use, also inline on a new column. With `USING INDEX` nothing is built; a PRIMARY
    KEY over columns that accept NULL still reads every row.

    ## Why it hurts
    The constraint holds ACCESS EXCLUSIVE while its index is built from every row: reads and writes
    wait. These constraints have no `NOT VALID`.

    ## What to do
    Build a unique index with `CONCURRENTLY` first and let the constraint take it over with
    `USING INDEX`, which only changes the catalogue. Make the columns of a primary key NOT NULL
    before. An EXCLUDE constraint has no such way: add it to a new table and move the rows, or choose
    a quiet hour.

    ## When it is safe to ignore
    The table is small enough to be read in a moment.
    """

    code = "AP105"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("number", sa.BigInteger()),
)
"""
    bad = """
op.create_unique_constraint("orders_number_key", "orders", ["number"])
"""
    good = """
with op.get_context().autocommit_block():
    op.create_index(
        "orders_number_key", "orders", ["number"], unique=True, postgresql_concurrently=True
    )
op.execute("ALTER TABLE orders ADD CONSTRAINT orders_number_key UNIQUE USING INDEX orders_number_key")
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Holds("orders", LockMode.ACCESS_EXCLUSIVE, Work.INDEX_BUILD),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge keys by what adding them is predicted to block."""
        operation = context.operation
        if not isinstance(operation, AddConstraint | AddColumn):
            return
        for effect in context.blocked()[:1]:
            constraint = constraint_at_work(operation, effect.work)
            if isinstance(constraint, PrimaryKey | Unique | Exclude):
                recipe = _recipe(context, operation, constraint)
                yield self.blocking_finding(context, effect, help=recipe)


def _recipe(
    context: Context,
    operation: AddConstraint | AddColumn,
    constraint: PrimaryKey | Unique | Exclude,
) -> str:
    table = operation.table
    if isinstance(constraint, Exclude):
        return (
            f"an EXCLUDE constraint always builds its index under ACCESS EXCLUSIVE: create {table} "
            "anew with the constraint and move the rows in batches, or run this in a quiet hour"
        )
    if constraint.using_index is not None:
        return _not_null_first(table, constraint.columns)
    state = context.schema.table(table) or TableState(table)
    name = constraint.name or default_constraint_name(state, constraint)
    index = CreateIndex(
        table=table,
        name=name,
        keys=tuple(IndexKey(column) for column in constraint.columns),
        unique=True,
    )
    kind = "PRIMARY KEY" if isinstance(constraint, PrimaryKey) else "UNIQUE"
    bare = recipes.identifier(name)
    attach = (
        f"ALTER TABLE {recipes.relation(table)} ADD CONSTRAINT {bare} {kind} USING INDEX {bare}"
    )
    lines = [recipes.autocommit(recipes.concurrent_index(index)), recipes.execute(attach)]
    if isinstance(operation, AddColumn):
        lines.insert(0, recipes.nullable_column(table, operation.column))
    return "\n".join(lines)


def _not_null_first(table: Name, columns: tuple[str, ...]) -> str:
    named = ", ".join(columns) or "the key's columns"
    return (
        f"make {named} of {table} NOT NULL before, by way of a validated CHECK: the primary key then "
        "reads no row"
    )
