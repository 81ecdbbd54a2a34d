"""AP002: whether an operation runs depends on something that the text does not say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof.findings import Finding, Severity
from alembic_proof.history import Revision
from alembic_proof.release import JudgedStep, Release
from alembic_proof.rules.base import Claim, Rule, Unobservable


class UndecidedCondition(Rule):
    """A condition that cannot be decided from the text guards operations on tables in use.

    ## What it finds
    An `if` about the state of the database, the environment or settings, around operations that take
    a lock which blocks a table in use. Conditions on the dialect are decided for PostgreSQL.

    ## Why it hurts
    Both outcomes are judged, so findings are not missed, but the schema that later operations are
    judged by may not be the one in production: databases can differ after the same history.

    ## What to do
    Make the history say what is there: let the revision that made the difference be repaired by one
    that does not ask. `IF EXISTS` in the SQL says the same and is understood.

    ## When it is safe to ignore
    Both outcomes lead to the same schema.
    """

    code = "AP002"
    severity = Severity.INFO
    given = """
op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
    bad = """
columns = [column["name"] for column in sa.inspect(op.get_bind()).get_columns("orders")]
if "note" not in columns:
    op.add_column("orders", sa.Column("note", sa.Text()))
"""
    good = """
op.add_column("orders", sa.Column("note", sa.Text()), if_not_exists=True)
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Unobservable("a server shows one outcome, the rule is about there being two"),
    )

    def check_revision(self, revision: Revision, release: Release) -> Iterator[Finding]:
        """Report the first condition that decides such an operation, and count the others."""
        decided = [
            judged
            for judged in release.steps_of(revision)
            if judged.step.condition is not None and _blocks_in_use(judged)
        ]
        if not decided:
            return
        first = decided[0].step
        more = len({judged.step.condition for judged in decided}) - 1
        others = f" (nor {more} more of its conditions)" if more else ""
        yield self.finding_at(
            revision,
            first.line,
            f"the text does not say whether {first.condition}{others}: both outcomes are judged",
            column=first.column,
            help="use IF EXISTS / IF NOT EXISTS in the statement, or remove the condition",
        )


def _blocks_in_use(judged: JudgedStep) -> bool:
    return any(
        effect.lock.blocks_writes and not judged.is_new(effect.table)
        for effect in judged.effects.tables
    )
