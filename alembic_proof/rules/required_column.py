"""AP203: a new column must have a value that running code does not give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.objects import Column, Name
from alembic_proof.operations import AddColumn, DropDefault, SetNotNull
from alembic_proof.rules.base import Claim, Context, Fails, Rule


class RequiredColumn(Rule):
    """A column that the release adds is NOT NULL and has no default.

    ## What it finds
    `op.add_column` of a NOT NULL column without `server_default` on a table in use. Also a column
    that the same release adds and then makes NOT NULL without a default, or whose default it drops
    again.

    ## Why it hurts
    With rows in the table the migration fails with 23502. Without rows, or with the column filled
    meanwhile, every INSERT of the running code fails with 23502, because it does not know the column.

    ## What to do
    Give the column a `server_default` and keep it until the release that always writes the column
    has been deployed. Or add it as nullable, and set NOT NULL in a later release.

    ## When it is safe to ignore
    The table is empty and nothing that is deployed writes to it.
    """

    code = "AP203"
    severity = Severity.ERROR
    given = """
op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
    bad = """
op.add_column("orders", sa.Column("state", sa.Text(), nullable=False))
"""
    good = """
op.add_column("orders", sa.Column("state", sa.Text(), nullable=False, server_default="new"))
"""
    claims: ClassVar[tuple[Claim, ...]] = (Fails("23502"),)

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge new columns, and what becomes of them in the same release."""
        match context.operation:
            case AddColumn(table=table, column=column):
                if context.in_use(table) and _is_required(context, column):
                    yield self._without_default(context, table, column)
            case SetNotNull(table=table, column=name):
                if context.is_new_column(table, name) and not _has_value(context, table, name):
                    yield self._later(
                        context, table, f"makes {table}.{name} NOT NULL without a default"
                    )
            case DropDefault(table=table, column=name):
                if context.is_new_column(table, name) and _refuses_null(context, table, name):
                    yield self._later(context, table, f"drops the default of {table}.{name}")
            case _:
                return

    def _without_default(self, context: Context, table: Name, column: Column) -> Finding:
        name, schema = recipes.text(table.name), recipes.schema(table)
        return self.finding(
            context,
            f"adds {table}.{column.name} as NOT NULL without a default: fails with 23502 if {table} "
            "has rows, and INSERTs of running code fail with 23502",
            help=(
                f"op.add_column({name}, sa.Column({recipes.text(column.name)}, "
                f"{recipes.sa_type(column.type)}, nullable=False, server_default=…){schema})"
            ),
            table=table,
        )

    def _later(self, context: Context, table: Name, what: str) -> Finding:
        return self.finding(
            context,
            f"{what} in the release that adds the column: INSERTs of running code, which does not "
            "know it, fail with 23502",
            help="do this in a later release, after the one that always writes the column",
            table=table,
            severity=Severity.WARNING,
            confidence=Confidence.MEDIUM,
        )


def _is_required(context: Context, column: Column) -> bool:
    if column.nullable or column.serial or column.identity or column.generated is not None:
        return False
    if column.default is not None:
        return column.default.is_null
    domain = context.schema.type(Name.of(column.type.name)) if column.type is not None else None
    return domain is None or domain.kind != "domain"


def _has_value(context: Context, table: Name, column: str) -> bool:
    state = context.schema.column(table, column)
    if state is None:
        return False
    return bool(state.has_default or state.identity or state.serial or state.generated)


def _refuses_null(context: Context, table: Name, column: str) -> bool:
    return context.schema.is_nullable(table, column) is False
