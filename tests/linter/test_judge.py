"""The replay: what a revision's transactions do to each table, and rules that crash."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alembic_proof.effects import Work
from alembic_proof.findings import Finding, Severity, TableSummary
from alembic_proof.history import History, Revision
from alembic_proof.linter.judge import Judgement, judge
from alembic_proof.linter.sql import read_statements
from alembic_proof.locks import LockMode
from alembic_proof.operations import Procedure, Step
from alembic_proof.project import Environment
from alembic_proof.release import Release
from alembic_proof.rules.base import Context, Rule

RELEASED = """
    CREATE TABLE customers (id int PRIMARY KEY);
    CREATE TABLE orders (id int PRIMARY KEY, state text, customer_id int);
"""


def revision(id_: str, parent: str | None, sql: str, condition: str | None = None) -> Revision:
    steps = tuple(
        Step(operation=operation, line=number + 1, statement=number, condition=condition)
        for number, operations in enumerate(read_statements(sql))
        for operation in operations
    )
    return Revision(
        id=id_,
        path=f"versions/{id_}.py",
        parents=(parent,) if parent else (),
        upgrade=Procedure(line=1, steps=steps),
    )


def judged(*pending: str, rules: tuple[Rule, ...] = (), condition: str | None = None) -> Judgement:
    """The judgement of one release whose revisions hold these statements."""
    revisions = [revision("0", None, RELEASED)]
    revisions += [
        revision(str(n), str(n - 1), sql, condition) for n, sql in enumerate(pending, start=1)
    ]
    history = History(revisions)
    release = Release(
        history=history,
        pending=tuple(history)[1:],
        environment=Environment(),
        postgres=15,
    )
    return judge(history, [release], rules)


def effects(*pending: str) -> list[dict[str, tuple[LockMode, Work, bool]]]:
    """Per pending revision: table → strongest lock, heaviest work under it, new."""

    def entry(summary: TableSummary) -> tuple[LockMode, Work, bool]:
        return summary.lock, summary.work, summary.new_table

    return [
        {summary.table: entry(summary) for summary in item.effects}
        for item in judged(*pending).revisions
    ]


def test_an_update_after_add_column_scans_under_access_exclusive() -> None:
    (found,) = effects("ALTER TABLE orders ADD COLUMN note text; UPDATE orders SET note = ''")
    assert found["orders"] == (LockMode.ACCESS_EXCLUSIVE, Work.SCAN, False)


def test_a_query_after_add_column_scans_under_access_exclusive() -> None:
    (found,) = effects("ALTER TABLE orders ADD COLUMN note text; SELECT count(*) FROM orders")
    assert found["orders"] == (LockMode.ACCESS_EXCLUSIVE, Work.SCAN, False)


def test_work_before_the_strongest_lock_is_not_done_under_it() -> None:
    (found,) = effects("UPDATE orders SET state = ''; ALTER TABLE orders ADD COLUMN note text")
    assert found["orders"] == (LockMode.ACCESS_EXCLUSIVE, Work.CATALOG, False)


def test_a_commit_ends_the_lock() -> None:
    (found,) = effects(
        "ALTER TABLE orders ADD COLUMN note text; COMMIT; BEGIN; UPDATE orders SET note = ''"
    )
    assert found["orders"] == (LockMode.ACCESS_EXCLUSIVE, Work.CATALOG, False)


def test_a_revision_does_not_answer_for_the_locks_of_another() -> None:
    _, second = effects("ALTER TABLE orders ADD COLUMN note text", "UPDATE orders SET note = ''")
    assert second["orders"] == (LockMode.ROW_EXCLUSIVE, Work.SCAN, False)


def test_a_table_of_the_release_is_new_in_all_its_revisions() -> None:
    _, second = effects(
        "CREATE TABLE parcels (id int PRIMARY KEY, note text)",
        "CREATE INDEX parcels_note ON parcels (note)",
    )
    assert second["parcels"][2] is True


def test_a_renamed_table_goes_by_its_former_name() -> None:
    (found,) = effects("ALTER TABLE orders RENAME TO purchases; ALTER TABLE purchases ADD n int")
    assert set(found) == {"orders"}


def test_a_table_swapped_for_a_new_one_is_still_the_old_one_to_clients() -> None:
    (found,) = effects(
        "CREATE TABLE fresh (id int); DROP TABLE orders; ALTER TABLE fresh RENAME TO orders;"
        "CREATE INDEX orders_id ON orders (id)"
    )
    assert found["orders"] == (LockMode.ACCESS_EXCLUSIVE, Work.CATALOG, False)
    assert found["fresh"][2] is True


@pytest.mark.parametrize(
    ("condition", "work"), [(None, Work.CATALOG), ("concurrently", Work.INDEX_BUILD)]
)
def test_what_one_arm_makes_the_other_may_have_to_make(condition: str | None, work: Work) -> None:
    judgement = judged(
        "COMMIT; CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (state); BEGIN",
        "CREATE INDEX IF NOT EXISTS i ON orders (state)",
        condition=condition,
    )
    (effect,) = judgement.revisions[1].effects
    assert (effect.lock, effect.work) == (LockMode.SHARE, work)


def test_phase_coverage_and_new_tables_are_reported() -> None:
    (found,) = judged(
        "CREATE TABLE parcels (id int); ALTER TABLE orders DROP COLUMN state; ??"
    ).revisions
    assert (found.phase, found.new_tables) == ("mixed", ("parcels",))
    assert (found.operations.seen, found.operations.understood) == (3, 2)


class Crashing(Rule):
    """A rule with a bug."""

    code = "AP999"
    severity = Severity.ERROR

    def check_operation(self, context: Context) -> Iterator[Finding]:
        raise ZeroDivisionError("one over none")


class Quiet(Rule):
    """A rule that reports every operation."""

    code = "AP998"
    severity = Severity.ERROR

    def check_operation(self, context: Context) -> Iterator[Finding]:
        yield self.finding(context, "seen", help="nothing")


@pytest.mark.parametrize("rules", [(Crashing(), Quiet()), (Quiet(), Crashing())])
def test_a_crashing_rule_is_reported_and_hides_nothing(rules: tuple[Rule, ...]) -> None:
    judgement = judged("ALTER TABLE orders ADD COLUMN note text", rules=rules)
    assert [item.code for item in judgement.findings] == ["AP998"]
    (crash,) = judgement.crashes
    assert "crashing (AP999) crashed on revision 1 (versions/1.py)" in crash.message
    assert "one over none" in crash.message
