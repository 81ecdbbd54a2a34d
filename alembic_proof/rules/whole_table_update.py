"""AP111: one statement changes every row of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import DeleteRows, Truncate, UpdateRows
from alembic_proof.rules.base import Claim, Context, Holds, Rule
from alembic_proof.wording import words


class WholeTableUpdate(Rule):
    """One statement changes or deletes every row of a table in use.

    ## What it finds
    `UPDATE` and `DELETE` on a table in use without `WHERE`, or with one that cannot narrow them: it
    asks only about columns that the release itself adds, or only joins another table. `TRUNCATE` as
    well. Statements that take a bounded number of rows by a key, as a batched backfill does, are
    fine.

    ## Why it hurts
    Every row stays locked until the transaction ends: running UPDATEs and DELETEs of any of them
    wait, and the whole table is written again, to disk and to every replica. After DDL in the same
    transaction all of it happens under the lock of the DDL. `TRUNCATE` is quick, but takes ACCESS
    EXCLUSIVE until the transaction ends. What DELETE and TRUNCATE take away, no downgrade brings back.

    ## What to do
    Change the rows in batches by their key, each batch in a transaction of its own, in a revision
    after the one with the DDL. A constant needs no backfill at all: add the column with a
    `server_default`, which writes no row.

    ## When it is safe to ignore
    The table is small enough to be written in a moment.
    """

    code = "AP111"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("total", sa.Integer()),
)
"""
    bad = """
op.execute("UPDATE orders SET total = 0")
"""
    good = """
with op.get_context().autocommit_block():
    last = op.get_bind().execute(sa.text("SELECT max(id) FROM orders")).scalar() or 0
    for low in range(0, last + 1, 100):
        batch = sa.text("UPDATE orders SET total = 0 WHERE id BETWEEN :low AND :high")
        op.execute(batch.bindparams(low=low, high=low + 99))
"""
    claims: ClassVar[tuple[Claim, ...]] = (Holds("orders", LockMode.ROW_EXCLUSIVE, Work.SCAN),)

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge UPDATE and DELETE by whether their WHERE can narrow them."""
        operation = context.operation
        if isinstance(operation, Truncate):
            yield from self._truncated(context, operation)
            return
        if not isinstance(operation, UpdateRows | DeleteRows) or not context.in_use(
            operation.table
        ):
            return
        confidence = context.changes_every_row()
        if confidence is None:
            return
        table = operation.table
        message = f"{words(operation)} changes every row in one transaction: "
        held = context.blocker(table)
        if held is None:
            message += f"writes to rows of {table} wait until it ends"
        else:
            message += (
                f"{words(held.step.operation)} on line {held.step.line} holds {held.lock} on {table} "
                f"all the while, and {held.lock.who_waits} wait"
            )
        loses = isinstance(operation, DeleteRows)
        yield self.finding(
            context,
            message,
            help=_recipe(context, operation),
            table=table,
            note=f"every row of {table} is lost, and no downgrade brings them back"
            if loses
            else "",
            confidence=confidence,
        )

    def _truncated(self, context: Context, operation: Truncate) -> Iterator[Finding]:
        tables = [effect.table for effect in context.effects.tables if context.in_use(effect.table)]
        if not tables:
            return
        named = ", ".join(map(str, tables))
        yield self.finding(
            context,
            f"{words(operation)} takes ACCESS EXCLUSIVE on {named} until the transaction ends: reads "
            "and writes wait, and then find no rows",
            help=_delete_in_batches(context, tables[0]),
            table=tables[0],
            note=f"every row of {named} is lost, and no downgrade brings them back",
        )


def _recipe(context: Context, operation: UpdateRows | DeleteRows) -> str:
    if isinstance(operation, DeleteRows):
        return _delete_in_batches(context, operation.table)
    columns = operation.columns or ("…",)
    assignment = ", ".join(f"{recipes.identifier(column)} = …" for column in columns)
    missing = " OR ".join(f"{recipes.identifier(column)} IS NULL" for column in columns)
    condition = f"({missing})" if len(columns) > 1 else missing
    return recipes.backfill(operation.table, _key(context, operation.table), assignment, condition)


def _delete_in_batches(context: Context, table: Name) -> str:
    key, name = recipes.identifier(_key(context, table)), recipes.relation(table)
    delete = f"DELETE FROM {name} WHERE {key} IN (SELECT {key} FROM {name} LIMIT 1000)"
    return recipes.autocommit(
        f"while op.get_bind().execute(sa.text({recipes.text(delete)})).rowcount:", "    pass"
    )


def _key(context: Context, table: Name) -> str:
    state = context.schema.table(table)
    return state.primary_key[0] if state is not None and len(state.primary_key) == 1 else "id"
