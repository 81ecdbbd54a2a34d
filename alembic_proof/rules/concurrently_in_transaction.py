"""AP501: PostgreSQL refuses a statement because it is in a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.objects import Name
from alembic_proof.operations import CreateIndex, DropIndex, Operation, Reindex
from alembic_proof.rules.base import Claim, Context, Fails, Rule
from alembic_proof.transactions import Mode
from alembic_proof.wording import words


class ConcurrentlyInTransaction(Rule):
    """A statement that PostgreSQL refuses inside a transaction runs inside one.

    ## What it finds
    `CREATE INDEX CONCURRENTLY`, `DROP INDEX CONCURRENTLY`, `REINDEX CONCURRENTLY`, `DETACH PARTITION
    CONCURRENTLY`, `VACUUM` and the like outside an autocommit block, and after
    `op.execute("COMMIT")`.

    ## Why it hurts
    PostgreSQL refuses it with 25001, and the deploy stops. After `op.execute("COMMIT")` psycopg2 runs
    it, but psycopg 3 and asyncpg do not know of the COMMIT and open a new transaction before it.

    ## What to do
    Put it into `with op.get_context().autocommit_block():`. The block commits what came before it, so
    give it a revision of its own.

    ## When it is safe to ignore
    Never in a transaction. After `op.execute("COMMIT")`, while you use psycopg2.
    """

    code = "AP501"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("customer_id", sa.BigInteger()),
)
"""
    bad = """
op.create_index("orders_customer_id", "orders", ["customer_id"], postgresql_concurrently=True)
"""
    good = """
with op.get_context().autocommit_block():
    op.create_index("orders_customer_id", "orders", ["customer_id"], postgresql_concurrently=True)
"""
    claims: ClassVar[tuple[Claim, ...]] = (Fails("25001"),)

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge what must run by itself by how the session stands."""
        if not context.effects.outside_transaction or context.moment.mode is Mode.AUTOCOMMIT:
            return
        what = words(context.operation)
        if context.moment.mode is Mode.TRANSACTION:
            yield self.finding(
                context,
                f"{what} runs in a transaction: PostgreSQL refuses it with 25001",
                help=_recipe(context.operation),
                table=_table(context.operation),
                note="; ".join(context.release.environment.unresolved),
                confidence=Confidence.MEDIUM if context.release.environment.unresolved else None,
            )
        else:
            yield self.finding(
                context,
                f"{what} runs after a COMMIT that the driver does not know of: psycopg 3 and asyncpg "
                "open a new transaction, and PostgreSQL refuses it with 25001",
                help=_recipe(context.operation),
                table=_table(context.operation),
                note="psycopg2 runs it",
                severity=Severity.WARNING,
                confidence=Confidence.MEDIUM,
            )


def _recipe(operation: Operation) -> str:
    match operation:
        case CreateIndex():
            return recipes.autocommit(recipes.concurrent_index(operation))
        case DropIndex(index=index, table=table):
            argument = f", table_name={recipes.text(table.name)}" if table is not None else ""
            return recipes.autocommit(
                f"op.drop_index({recipes.text(index.name)}{argument}, "
                f"postgresql_concurrently=True{recipes.schema(table or index)})"
            )
        case Reindex(kind=kind, name=name):
            named = f" {recipes.relation(name)}" if name is not None else ""
            return recipes.autocommit(recipes.execute(f"REINDEX {kind} CONCURRENTLY{named}"))
        case _:
            return recipes.autocommit("...")


def _table(operation: Operation) -> Name | None:
    return getattr(operation, "table", None)
