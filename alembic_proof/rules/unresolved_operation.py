"""AP001: an operation could not be understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.operations import CallFunction, Unresolved
from alembic_proof.rules.base import Claim, Context, Rule, Unobservable

_LONGEST_SOURCE = 80


class UnresolvedOperation(Rule):
    """An operation was seen but could not be understood, so nothing is known of what it does.

    ## What it finds
    SQL that is put together while the migration runs, calls of functions and libraries that are not
    known here, and SQL that cannot be read. Each is counted in the report's coverage. A query that
    calls a function of your own is a warning: the function's body may do anything.

    ## Why it hurts
    No other rule can judge it. It may take any lock and lose any data, and what it changes is missing
    from the picture of the schema that later operations are judged by.

    ## What to do
    Write the SQL out in the revision: as a literal, with constants, or in a loop over literals. Run
    the gate, which sees what is executed.

    ## When it is safe to ignore
    You have read what it does to tables in use. Say so in an allowance.
    """

    code = "AP001"
    severity = Severity.ERROR
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("note", sa.Text()),
)
"""
    bad = """
query = sa.text("SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'")
for (name,) in op.get_bind().execute(query).all():
    op.execute(f"COMMENT ON COLUMN orders.{name} IS 'checked'")
"""
    good = """
for name in ("id", "note"):
    op.execute(f"COMMENT ON COLUMN orders.{name} IS 'checked'")
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Unobservable("what was not understood says nothing that a server could refute"),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Report what was seen and not understood."""
        match context.operation:
            case Unresolved() as operation:
                yield self._unresolved(context, operation)
            case CallFunction(function=function):
                yield self.finding(
                    context,
                    f"calls the function {function}: what its body does is not known",
                    help="write what it does into the revision, or run the gate, which executes it",
                    severity=Severity.WARNING,
                    confidence=Confidence.MEDIUM,
                )
            case _:
                return

    def _unresolved(self, context: Context, operation: Unresolved) -> Finding:
        tables = operation.tables
        all_new = bool(tables) and not any(context.in_use(table) for table in tables)
        source = " ".join(operation.source.split())
        if len(source) > _LONGEST_SOURCE:
            source = f"{source[:_LONGEST_SOURCE]}…"
        quoted = f"{source!r} " if source else "an operation "
        condition = context.judged.step.condition
        return self.finding_at(
            context.revision,
            context.judged.step.line,
            f"{quoted}could not be understood: {operation.reason}",
            column=context.judged.step.column,
            help="write the SQL out as a literal, or run the gate, which sees what is executed",
            table=tables[0] if len(tables) == 1 else None,
            note=f"only if {condition}" if condition else "",
            severity=Severity.INFO if all_new else None,
            confidence=Confidence.HIGH,
        )
