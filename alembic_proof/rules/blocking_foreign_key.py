"""AP103: a foreign key is validated while writes to two tables wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import TableEffect, Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.objects import ForeignKey, Name
from alembic_proof.operations import AddColumn, AddConstraint
from alembic_proof.rules.base import Claim, Context, Holds, Rule, constraint_at_work
from alembic_proof.schema_model import TableState, default_constraint_name
from alembic_proof.wording import words


class BlockingForeignKey(Rule):
    """A foreign key is added to a table in use and checked against every row at once.

    ## What it finds
    `op.create_foreign_key`, `ADD FOREIGN KEY` and new columns with a `ForeignKey` whose rows
    PostgreSQL checks in the same statement. A new column's foreign key counts too: Alembic sends it
    as a second `ALTER TABLE`, which reads the whole table although every value is NULL.

    ## Why it hurts
    `ADD FOREIGN KEY` holds SHARE ROW EXCLUSIVE on both tables while it reads every row of the
    referencing one: writes to both wait. After `ADD COLUMN` in the same transaction it works under
    ACCESS EXCLUSIVE, and reads wait as well.

    ## What to do
    Add it as `NOT VALID`, which reads no row but already guards new ones, and `VALIDATE` it in a
    later revision, under locks that let reads and writes go on.

    ## When it is safe to ignore
    The referencing table is small enough to be read in a moment.
    """

    code = "AP103"
    severity = Severity.ERROR
    given = """
op.create_table("customers", sa.Column("id", sa.BigInteger(), primary_key=True))
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("customer_id", sa.BigInteger()),
)
"""
    bad = """
op.create_foreign_key("orders_customer_fk", "orders", "customers", ["customer_id"], ["id"])
"""
    good = """
op.create_foreign_key(
    "orders_customer_fk", "orders", "customers", ["customer_id"], ["id"], postgresql_not_valid=True
)
# next revision
op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_customer_fk")
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Holds("orders", LockMode.SHARE_ROW_EXCLUSIVE, Work.SCAN),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge foreign keys by what adding them is predicted to block."""
        operation = context.operation
        if not isinstance(operation, AddConstraint | AddColumn):
            return
        for effect in context.blocked()[:1]:
            key = constraint_at_work(operation, effect.work)
            if not isinstance(key, ForeignKey):
                continue
            yield self.finding(
                context,
                _message(context, operation, key, effect),
                help=_recipe(context, operation.table, key),
                table=operation.table if context.in_use(operation.table) else effect.table,
                note=_second_alter(context, operation, key),
            )


def _message(
    context: Context, operation: AddConstraint | AddColumn, key: ForeignKey, effect: TableEffect
) -> str:
    on_parent = context.effects.on(key.table)
    lock = context.strongest_lock(effect.table, effect.lock)
    locks = f"{lock} on {effect.table}"
    if on_parent is not None and key.table != effect.table and context.in_use(key.table):
        parent_lock = context.strongest_lock(key.table, on_parent.lock)
        locks += (
            f" and {key.table}" if parent_lock is lock else f" and {parent_lock} on {key.table}"
        )
    return (
        f"{words(operation)} holds {locks} while every row of {effect.table} is checked: "
        f"{lock.who_waits} wait"
    )


def _recipe(context: Context, table: Name, key: ForeignKey) -> str:
    state = context.schema.table(table) or TableState(table)
    name = key.name or default_constraint_name(state, key)
    options = ", postgresql_not_valid=True"
    if key.on_delete:
        options += f", ondelete={recipes.text(key.on_delete)}"
    if key.on_update:
        options += f", onupdate={recipes.text(key.on_update)}"
    options += recipes.schema(table, "source_schema") + recipes.schema(key.table, "referent_schema")
    create = (
        f"op.create_foreign_key({recipes.text(name)}, {recipes.text(table.name)}, "
        f"{recipes.text(key.table.name)}, {recipes.names(key.columns)}, "
        f"{recipes.names(key.referenced_columns or ('id',))}{options})"
    )
    return f"{create}\n{recipes.validate(table, name)}"


def _second_alter(context: Context, operation: AddConstraint | AddColumn, key: ForeignKey) -> str:
    """Say that Alembic sends a new column's foreign key by itself, where that is what happens."""
    for judged in context.release.steps_of(context.revision):
        match judged.operation:
            case AddColumn(table=operation.table, column=column) if column.name in key.columns:
                if judged.step.line == context.judged.step.line:
                    return (
                        "Alembic sends the new column's foreign key as a second ALTER TABLE: add the "
                        "column without it"
                    )
            case _:
                pass
    return ""
