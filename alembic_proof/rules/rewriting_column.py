"""AP108: a new column makes PostgreSQL rewrite the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.operations import AddColumn
from alembic_proof.rules.base import Claim, Context, Holds, Rule


class RewritingColumn(Rule):
    """A new column has a value that PostgreSQL must compute and write for every row.

    ## What it finds
    `op.add_column` and `ADD COLUMN` on a table in use with a volatile default
    (`gen_random_uuid()`, `clock_timestamp()`, `nextval`), a serial, identity or stored generated
    column, or a domain with a constraint. Constants and `now()` are evaluated once and are silent.

    ## Why it hurts
    `ADD COLUMN` then holds ACCESS EXCLUSIVE while the whole table is written to new storage and all
    its indexes are rebuilt: reads and writes wait.

    ## What to do
    Add the column without a value, set the default in a second statement (it counts for new rows
    only), and fill old rows in batches in a later revision.

    ## When it is safe to ignore
    The table is small enough to be written again in a moment.
    """

    code = "AP108"
    severity = Severity.ERROR
    given = """
op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
    bad = """
op.add_column(
    "orders", sa.Column("token", sa.Uuid(), server_default=sa.text("gen_random_uuid()"))
)
"""
    good = """
op.add_column("orders", sa.Column("token", sa.Uuid()))
op.alter_column("orders", "token", server_default=sa.text("gen_random_uuid()"))
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Holds("orders", LockMode.ACCESS_EXCLUSIVE, Work.REWRITE),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge ADD COLUMN by whether it is predicted to rewrite the table."""
        operation = context.operation
        if not isinstance(operation, AddColumn):
            return
        for effect in context.blocked()[:1]:
            if effect.work is Work.REWRITE:
                recipe = _recipe(context, operation)
                yield self.blocking_finding(context, effect, help=recipe, note=effect.why)


def _recipe(context: Context, operation: AddColumn) -> str:
    table, column = operation.table, operation.column
    lines = [recipes.nullable_column(table, column)]
    name, schema = recipes.text(table.name), recipes.schema(table)
    if column.serial or column.identity:
        sequence = f"{table.name}_{column.name}_seq"
        place = f"{recipes.relation(table)}.{recipes.identifier(column.name)}"
        lines.append(
            recipes.execute(f"CREATE SEQUENCE {recipes.identifier(sequence)} OWNED BY {place}")
        )
        value = f"nextval('{sequence}')"
    elif column.default is not None:
        value = column.default.text
    elif column.generated is not None:
        value = column.generated.text
    else:
        return (
            f"{lines[0]}\n# check the values in the application, or with a CHECK that is NOT VALID"
        )
    if column.generated is None:
        lines.append(
            f"op.alter_column({name}, {recipes.text(column.name)}, "
            f"server_default=sa.text({recipes.text(value)}){schema})"
        )
    else:
        lines.append("# keep it up to date from the application or a trigger")
    state = context.schema.table(table)
    key = state.primary_key if state is not None and len(state.primary_key) == 1 else ("id",)
    new = recipes.identifier(column.name)
    fill = recipes.backfill(table, key[0], f"{new} = {value}", f"{new} IS NULL")
    return "\n".join((*lines, recipes.LATER_REVISION, fill))
