"""AP104: a CHECK is validated while reads and writes wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.objects import Check, Name
from alembic_proof.operations import AddColumn, AddConstraint, AlterType
from alembic_proof.rules.base import Claim, Context, Holds, Rule, constraint_at_work
from alembic_proof.schema_model import TableState, default_constraint_name


class BlockingCheck(Rule):
    """A CHECK is added to a table in use and checked against every row at once.

    ## What it finds
    `op.create_check_constraint` and `ADD CHECK` without `NOT VALID`, a CHECK inline on a new column,
    and `ALTER DOMAIN … ADD` where columns of tables in use have that domain.

    ## Why it hurts
    `ADD CHECK` holds ACCESS EXCLUSIVE while every row is read and checked: reads and writes wait.

    ## What to do
    Add it as `NOT VALID`, which reads no row but already guards new ones, and `VALIDATE` it in a
    later revision, under SHARE UPDATE EXCLUSIVE, which lets reads and writes go on.

    ## When it is safe to ignore
    The table is small enough to be read in a moment.
    """

    code = "AP104"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("total", sa.Integer()),
)
"""
    bad = """
op.create_check_constraint("orders_total_positive", "orders", "total > 0")
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
        """Judge CHECK constraints by what adding them is predicted to block."""
        operation = context.operation
        if not isinstance(operation, AddConstraint | AddColumn | AlterType):
            return
        for effect in context.blocked()[:1]:
            check = constraint_at_work(operation, effect.work)
            if not isinstance(check, Check):
                continue
            if isinstance(operation, AlterType):
                recipe = _domain_recipe(operation.type, check)
            else:
                recipe = _recipe(context, operation.table, check)
            yield self.blocking_finding(context, effect, help=recipe)


def _recipe(context: Context, table: Name, check: Check) -> str:
    state = context.schema.table(table) or TableState(table)
    name = check.name or default_constraint_name(state, check)
    create = (
        f"op.create_check_constraint({recipes.text(name)}, {recipes.text(table.name)}, "
        f"{recipes.text(check.expression.text)}, postgresql_not_valid=True{recipes.schema(table)})"
    )
    return f"{create}\n{recipes.validate(table, name)}"


def _domain_recipe(domain: Name, check: Check) -> str:
    name = recipes.identifier(check.name or f"{domain.name}_check")
    alter = f"ALTER DOMAIN {recipes.relation(domain)}"
    add = f"{alter} ADD CONSTRAINT {name} CHECK ({check.expression.text}) NOT VALID"
    validate = recipes.execute(f"{alter} VALIDATE CONSTRAINT {name}")
    return f"{recipes.execute(add)}\n{recipes.LATER_REVISION}\n{validate}"
