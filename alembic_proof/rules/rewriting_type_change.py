"""AP107: a column's type changes and PostgreSQL rewrites, re-indexes or re-checks the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.objects import Column
from alembic_proof.operations import ChangeColumnType
from alembic_proof.rules.base import Claim, Context, Holds, Rule


class RewritingTypeChange(Rule):
    """A column's type is changed in a way that costs work on every row of a table in use.

    ## What it finds
    `op.alter_column(…, type_=…)` and `ALTER COLUMN … TYPE` that rewrite the table, rebuild an index
    or check a constraint again. Changes that PostgreSQL makes in the catalogue alone are silent: a
    longer or no limit of a varchar, varchar to text, more digits of a numeric at equal scale.

    ## Why it hurts
    The change holds ACCESS EXCLUSIVE until every row is written to new storage and all indexes are
    rebuilt: reads and writes wait, and the table needs its size again on disk.

    ## What to do
    Add a new column of the new type, have the application (or a trigger) write both, backfill in
    batches, then move reads to the new column and drop the old one in a later release.

    ## When it is safe to ignore
    The table is small enough to be written again in a moment.
    """

    code = "AP107"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("quantity", sa.Integer()),
)
"""
    bad = """
op.alter_column("orders", "quantity", existing_type=sa.Integer(), type_=sa.BigInteger())
"""
    good = """
op.add_column("orders", sa.Column("quantity_new", sa.BigInteger()))
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Holds("orders", LockMode.ACCESS_EXCLUSIVE, Work.REWRITE),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge type changes by the work they are predicted to do."""
        operation = context.operation
        if not isinstance(operation, ChangeColumnType):
            return
        for effect in context.blocked()[:1]:
            recipe = _recipe(context, operation)
            yield self.blocking_finding(context, effect, help=recipe, note=effect.why)


def _recipe(context: Context, operation: ChangeColumnType) -> str:
    table = operation.table
    copy = f"{operation.column}_new"
    add = recipes.nullable_column(table, Column(name=copy, type=operation.type))
    state = context.schema.table(table)
    key = state.primary_key if state is not None and len(state.primary_key) == 1 else ("id",)
    new, old = recipes.identifier(copy), recipes.identifier(operation.column)
    fill = recipes.backfill(table, key[0], f"{new} = {old}", f"{new} IS DISTINCT FROM {old}")
    return (
        f"{add}\n# write both columns from the application or a trigger, and in a later revision:\n"
        f"{fill}\n# then read {copy}, and drop {operation.column} in a later release"
    )
