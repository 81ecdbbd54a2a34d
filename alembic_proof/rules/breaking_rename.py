"""AP202: something that running code uses gets another name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.findings import Finding, Severity
from alembic_proof.history import Revision
from alembic_proof.objects import Name
from alembic_proof.operations import (
    AlterType,
    AlterView,
    CreateTable,
    CreateView,
    RenameColumn,
    RenameEnumValue,
    RenameSchema,
    RenameTable,
    SetTableSchema,
)
from alembic_proof.release import JudgedStep, Release
from alembic_proof.rules.base import Breaks, Claim, Context, Rule


class BreakingRename(Rule):
    """A column, table, view, type, enum value or schema that running code may use is renamed.

    ## What it finds
    `op.rename_table`, `op.alter_column(…, new_column_name=…)`, `SET SCHEMA` and the `RENAME` of
    views, types, enum values and schemas, unless the release created what is renamed. A table that
    leaves a view or another table under its old name, in the same transaction, is fine.

    ## Why it hurts
    The release before this one is still serving while the migration runs, and the one after it may
    start before: one of the two names what does not exist. Statements fail with 42703 (column),
    42P01 (table) or 22P02 (enum value). There is no order of deploying that avoids it.

    ## What to do
    For a column: add the new one, write both, backfill, read the new one, drop the old one in a later
    release. For a table: rename it and create a view under the old name in the same transaction.
    Often the cheapest way is to keep the name in the database and change it in the model only.

    ## When it is safe to ignore
    The released application does not mention it.
    """

    code = "AP202"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("note", sa.Text()),
)
"""
    bad = """
op.alter_column("orders", "note", new_column_name="remark")
"""
    good = """
op.add_column("orders", sa.Column("remark", sa.Text()))
"""
    claims: ClassVar[tuple[Claim, ...]] = (Breaks("SELECT id, note FROM orders LIMIT 1"),)

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge renamed columns, types, enum values and schemas."""
        match context.operation:
            case RenameColumn(table=table, column=column, new_name=new_name):
                if column == new_name or context.is_new_column(table, column):
                    return
                if context.in_use(table):
                    yield self._column(context, table, column, new_name)
            case RenameEnumValue(type=name, value=value, new_value=new_value):
                if not _is_new_type(context, name):
                    yield self.finding(
                        context,
                        f"renames the value {value!r} of {name} to {new_value!r}: running code that "
                        "writes or compares it fails with 22P02",
                        help=f"add the value {new_value!r}, and move rows and code to it",
                    )
            case AlterType(type=name, new_name=str(new_name)):
                if not _is_new_type(context, name):
                    yield self.finding(
                        context,
                        f"renames the type {name} to {new_name}: casts to it in running code fail "
                        "with 42704",
                        help=f"keep the name {name} in the database",
                        severity=Severity.WARNING,
                    )
            case RenameSchema(schema=schema, new_name=new_name):
                yield self.finding(
                    context,
                    f"renames the schema {schema} to {new_name}: running code that uses it fails",
                    help=f"create {new_name} beside {schema} and move tables one by one behind views",
                )
            case _:
                return

    def check_revision(self, revision: Revision, release: Release) -> Iterator[Finding]:
        """Judge renamed tables and views, once it is known what stands under the old name."""
        steps = release.steps_of(revision)
        for position, judged in enumerate(steps):
            renamed = _renamed(judged)
            if renamed is None or renamed[0] == renamed[1] or judged.is_new(renamed[0]):
                continue
            old, new = renamed
            if _stands_in(steps[position:], old):
                continue
            yield self.finding_at(
                revision,
                judged.step.line,
                f"renames {old} to {new}: statements of running code on {old} fail with 42P01",
                column=judged.step.column,
                help=_view_under_old_name(judged, old, new),
                table=old,
            )

    def _column(self, context: Context, table: Name, column: str, new_name: str) -> Finding:
        state = context.schema.column(table, column)
        type_ = recipes.sa_type(state.type if state is not None else None)
        schema = recipes.schema(table)
        return self.finding(
            context,
            f"renames {table}.{column} to {new_name}: statements of running code that name "
            f"{column} fail with 42703",
            help=(
                f"op.add_column({recipes.text(table.name)}, "
                f"sa.Column({recipes.text(new_name)}, {type_}){schema})\n"
                "# write both, backfill, read the new one, and drop the old one in a later release; or\n"
                f"# keep the column and map it: {new_name} = mapped_column({recipes.text(column)}, …)"
            ),
            table=table,
        )


def _renamed(judged: JudgedStep) -> tuple[Name, Name] | None:
    match judged.operation:
        case RenameTable(table=old, new_name=new_name):
            return old, Name.of(new_name, old.schema)
        case SetTableSchema(table=old, schema=schema):
            return old, Name.of(old.name, schema)
        case AlterView(view=old, new_name=str(new_name)):
            return old, Name.of(new_name, old.schema)
        case _:
            return None


def _is_new_type(context: Context, name: Name) -> bool:
    state = context.schema.type(name)
    return state is not None and state.created_in in context.schema.pending


def _stands_in(following: tuple[JudgedStep, ...], old: Name) -> bool:
    """Whether another relation has the old name when the transaction of the first step ends."""
    number = following[0].moment.number
    for judged in following[1:]:
        if judged.moment.number != number:
            return False
        match judged.operation:
            case CreateView(view=name) | CreateTable(table=name) if name == old:
                return True
            case _:
                renamed = _renamed(judged)
                if renamed is not None and renamed[1] == old:
                    return True
    return False


def _view_under_old_name(judged: JudgedStep, old: Name, new: Name) -> str:
    view = f"CREATE VIEW {recipes.relation(old)} AS SELECT * FROM {recipes.relation(new)}"
    match judged.operation:
        case RenameTable():
            schema = recipes.schema(old)
            rename = f"op.rename_table({recipes.text(old.name)}, {recipes.text(new.name)}{schema})"
        case SetTableSchema(schema=name):
            rename = recipes.execute(
                f"ALTER TABLE {recipes.relation(old)} SET SCHEMA {recipes.identifier(name)}"
            )
        case _:
            rename = recipes.execute(
                f"ALTER VIEW {recipes.relation(old)} RENAME TO {recipes.identifier(new.name)}"
            )
    return f"{rename}\n{recipes.execute(view)}"
