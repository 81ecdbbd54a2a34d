"""AP201: something that running code uses is dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.history import Revision
from alembic_proof.objects import Name
from alembic_proof.operations import (
    AlterView,
    CreateTable,
    CreateView,
    DropColumn,
    DropExtension,
    DropSchema,
    DropTable,
    DropType,
    DropView,
    RenameTable,
)
from alembic_proof.release import JudgedStep, Release
from alembic_proof.rules.base import Breaks, Claim, Context, Loses, Rule


class BreakingDrop(Rule):
    """A column, table, view or schema that running code may use is dropped.

    ## What it finds
    `op.drop_column`, `op.drop_table`, `DROP VIEW` and `DROP SCHEMA` of what the release has not
    created itself, and types and extensions dropped with `CASCADE`, which takes the columns of those
    types along. A view that is created again in the same transaction is not dropped.

    ## Why it hurts
    The release before this one is still serving while the migration runs. SQLAlchemy names every
    mapped column in its SELECTs and INSERTs: all of them fail with 42703 (column) or 42P01 (table).
    The data is gone, and a downgrade brings back an empty column or table.

    ## What to do
    Take two releases. First remove every use from the application and deploy that (a column that is
    NOT NULL must become nullable or get a default in it). Drop it in a later release, and say in an
    allowance which release stopped using it.

    ## When it is safe to ignore
    The released application does not mention it any more, and the data is not needed.
    """

    code = "AP201"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("note", sa.Text(), nullable=False),
)
"""
    bad = """
op.drop_column("orders", "note")
"""
    good = """
op.alter_column("orders", "note", existing_type=sa.Text(), nullable=True)
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Breaks("SELECT id, note FROM orders LIMIT 1"),
        Loses("SELECT note FROM orders WHERE note IS NOT NULL"),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge drops of columns, tables and schemas."""
        match context.operation:
            case DropColumn(table=table, column=column):
                if context.in_use(table) and not context.is_new_column(table, column):
                    yield self._column(context, table, column)
            case DropTable(table=table):
                if context.in_use(table):
                    yield self._table(context, table)
            case DropSchema(schema=schema):
                tables = [
                    name
                    for name in context.schema.tables
                    if name.schema == schema and context.in_use(name)
                ]
                if tables or context.operation.cascade:
                    yield self._schema(context, schema, tables)
            case DropType(type=name):
                yield from self._cascade(context, f"the type {name}")
            case DropExtension(extension=name, cascade=True):
                yield self.finding(
                    context,
                    f"drops the extension {name} and, through CASCADE, whatever depends on it: columns "
                    "of its types are lost with their values",
                    help=_two_releases(f"what depends on {name}"),
                    severity=Severity.WARNING,
                    confidence=Confidence.MEDIUM,
                )
            case _:
                return

    def check_revision(self, revision: Revision, release: Release) -> Iterator[Finding]:
        """Judge dropped views, once it is known which of them are created again."""
        steps = release.steps_of(revision)
        for position, judged in enumerate(steps):
            match judged.operation:
                case DropView(view=view, materialized=materialized):
                    if judged.is_new(view) or _comes_back(steps[position:], view):
                        continue
                    kind = "materialized view" if materialized else "view"
                    yield self.finding_at(
                        revision,
                        judged.step.line,
                        f"drops the {kind} {view}: queries of running code on it fail with 42P01",
                        column=judged.step.column,
                        help=_two_releases(str(view)),
                        table=view,
                        severity=Severity.WARNING,
                    )
                case _:
                    pass

    def _cascade(self, context: Context, what: str) -> Iterator[Finding]:
        for loss in context.effects.losses:
            if context.in_use(loss.table):
                yield self.finding(
                    context,
                    f"drops {what} and, through CASCADE, a column of {loss.table}: {loss.what} is lost, "
                    "and statements of running code that name it fail with 42703",
                    help=_two_releases(f"that column of {loss.table}"),
                    table=loss.table,
                )

    def _column(self, context: Context, table: Name, column: str) -> Finding:
        return self.finding(
            context,
            f"drops {table}.{column}: statements of running code that name it fail with 42703, and "
            "its values are lost",
            help=_two_releases(f"{table}.{column}"),
            table=table,
        )

    def _table(self, context: Context, table: Name) -> Finding:
        views = context.schema.views_over(table)
        note = f"views read it: {', '.join(map(str, views))}" if views else ""
        return self.finding(
            context,
            f"drops {table}: statements of running code on it fail with 42P01, and its rows are lost",
            help=_two_releases(str(table)),
            table=table,
            note=note,
        )

    def _schema(self, context: Context, schema: str, tables: list[Name]) -> Finding:
        named = (
            f" with {', '.join(map(str, sorted(tables)))}" if tables else " and all that is in it"
        )
        return self.finding(
            context,
            f"drops the schema {schema}{named}: running code that uses it fails, and the rows are lost",
            help=_two_releases(schema),
            table=tables[0] if tables else None,
        )


def _comes_back(following: tuple[JudgedStep, ...], view: Name) -> bool:
    """Whether a relation of that name exists again when the transaction of the first step ends."""
    number = following[0].moment.number
    for judged in following[1:]:
        if judged.moment.number != number:
            return False
        match judged.operation:
            case CreateView(view=name) | CreateTable(table=name) if name == view:
                return True
            case RenameTable(table=name, new_name=new_name):
                if Name.of(new_name, name.schema) == view:
                    return True
            case AlterView(view=name, new_name=str(new_name)):
                if Name.of(new_name, name.schema) == view:
                    return True
            case _:
                pass
    return False


def _two_releases(what: str) -> str:
    return (
        f"# first release: remove {what} from the models and queries, and deploy that\n"
        "# later release: drop it, with the reason\n"
        "# alembic-proof: allow[breaking-drop] -- not used since release …"
    )
