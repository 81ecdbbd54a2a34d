"""AP503: one transaction for all pending revisions keeps locks over the work of later ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof.effects import Work
from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.release import JudgedStep, Release
from alembic_proof.rules.base import Claim, Holds, Rule
from alembic_proof.transactions import HeldLock, Mode
from alembic_proof.wording import words


class SharedTransaction(Rule):
    """All pending revisions share one transaction, and one works under the lock of another.

    ## What it finds
    An env.py without `transaction_per_migration=True`, and a revision whose work grows with a table
    in use while a lock that an earlier pending revision took there blocks its reads or writes.

    ## Why it hurts
    By default Alembic runs everything that is pending in one transaction. The lock of the first
    revision is kept until the last one is done, so that taking the steps apart has gained nothing.

    ## What to do
    Pass `transaction_per_migration=True` to `context.configure` in env.py.

    ## When it is safe to ignore
    You deploy one revision at a time.
    """

    code = "AP503"
    severity = Severity.WARNING
    given = """
op.create_table(
    "orders",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("total", sa.Integer()),
)
"""
    bad = """
op.create_check_constraint(
    "orders_total_positive", "orders", "total > 0", postgresql_not_valid=True
)
# next revision
op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive")
# env.py
connection.execute(sa.text("SET lock_timeout = '5s'"))
connection.commit()
context.configure(connection=connection)
"""
    good = """
op.create_check_constraint(
    "orders_total_positive", "orders", "total > 0", postgresql_not_valid=True
)
# next revision
op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive")
# env.py
connection.execute(sa.text("SET lock_timeout = '5s'"))
connection.commit()
context.configure(connection=connection, transaction_per_migration=True)
"""
    claims: ClassVar[tuple[Claim, ...]] = (Holds("orders", LockMode.ACCESS_EXCLUSIVE, Work.SCAN),)

    def check_release(self, release: Release) -> Iterator[Finding]:
        """Judge work by the locks that earlier revisions still hold; once for each pair and table."""
        if release.environment.transaction_per_migration:
            return
        told: set[tuple[str, str, Name]] = set()
        for judged in release.steps:
            for table, held in _blocked_work(release, judged):
                pair = (held.revision, judged.revision.id, table)
                if pair not in told:
                    told.add(pair)
                    yield self._finding(release, judged, table, held)

    def _finding(
        self, release: Release, judged: JudgedStep, table: Name, held: HeldLock
    ) -> Finding:
        unresolved = bool(release.environment.unresolved)
        return self.finding_at(
            judged.revision,
            judged.step.line,
            f"{words(judged.operation)} works on {table} while {words(held.step.operation)} of "
            f"revision {held.revision} still holds {held.lock} on it: {held.lock.who_waits} wait, "
            "because env.py runs all pending revisions in one transaction",
            column=judged.step.column,
            help=f"in {release.env_path}:\ncontext.configure(…, transaction_per_migration=True)",
            table=table,
            confidence=Confidence.LOW if unresolved else None,
        )


def _blocked_work(release: Release, judged: JudgedStep) -> Iterator[tuple[Name, HeldLock]]:
    """The tables in use that an operation works on under an earlier revision's lock."""
    if judged.moment.mode is not Mode.TRANSACTION:
        return
    for effect in judged.effects.tables:
        held = judged.moment.held_on(effect.table)
        if held is None or held.revision == judged.revision.id or not held.lock.blocks_writes:
            continue
        if judged.is_new(effect.table) or effect.table.name == release.environment.version_table:
            continue
        grows = effect.work.grows_with_table
        grows = grows or (judged.step.repeated and effect.work is Work.ROWS)
        if grows and not effect.lock.blocks_writes:
            yield effect.table, held
