"""AP106: SET NOT NULL reads every row while reads and writes wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name, NotNull
from alembic_proof.operations import AddConstraint, SetNotNull
from alembic_proof.rules.base import Claim, Context, Holds, Rule


class ScanningNotNull(Rule):
    """SET NOT NULL reads every row of a table in use, because no validated CHECK proves it.

    ## What it finds
    `op.alter_column(…, nullable=False)` and `SET NOT NULL` on a table in use, unless a validated
    CHECK on that table, made earlier in the history, proves that the column holds no NULL. On
    PostgreSQL 18 also `ADD CONSTRAINT … NOT NULL` without `NOT VALID`.

    ## Why it hurts
    `SET NOT NULL` holds ACCESS EXCLUSIVE while every row is read: reads and writes wait. It fails
    with 23502 at the first NULL it finds.

    ## What to do
    Add a CHECK (column IS NOT NULL) as `NOT VALID`, `VALIDATE` it in a later revision, then set NOT
    NULL: PostgreSQL 12 and later believe the CHECK and read nothing. Drop the CHECK afterwards.

    ## When it is safe to ignore
    The table is small enough to be read in a moment.
    """

    code = "AP106"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("total", sa.Integer()),
)
"""
    bad = """
op.alter_column("orders", "total", existing_type=sa.Integer(), nullable=False)
"""
    good = """
op.create_check_constraint(
    "orders_total_not_null", "orders", "total IS NOT NULL", postgresql_not_valid=True
)
# next revision
op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_not_null")
# next revision
op.alter_column("orders", "total", existing_type=sa.Integer(), nullable=False)
op.drop_constraint("orders_total_not_null", "orders", type_="check")
"""
    claims: ClassVar[tuple[Claim, ...]] = (Holds("orders", LockMode.ACCESS_EXCLUSIVE, Work.SCAN),)

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge SET NOT NULL by whether it is predicted to read the table."""
        match context.operation:
            case SetNotNull(table=table, column=column):
                pass
            case AddConstraint(table=table, constraint=NotNull(column=column)):
                pass
            case _:
                return
        for effect in context.blocked()[:1]:
            yield self.blocking_finding(context, effect, help=_recipe(table, column))


def _recipe(table: Name, column: str) -> str:
    check = f"{table.name}_{column}_not_null"
    condition = f"{recipes.identifier(column)} IS NOT NULL"
    name, schema = recipes.text(table.name), recipes.schema(table)
    create = (
        f"op.create_check_constraint({recipes.text(check)}, {name}, {recipes.text(condition)}, "
        f"postgresql_not_valid=True{schema})"
    )
    return "\n".join(
        (
            create,
            recipes.validate(table, check),
            f"op.alter_column({name}, {recipes.text(column)}, nullable=False{schema})",
            f'op.drop_constraint({recipes.text(check)}, {name}, type_="check"{schema})',
        )
    )
