"""What a round trip finds, and that it goes on from the right state after each failure."""

from __future__ import annotations

import pytest

from alembic_proof.findings import Finding, GateReport, Severity
from alembic_proof.gate.servers.base import Server
from tests.gate.gating import chain, codes, gate, sql_chain
from tests.projects import AlembicProject, revision_text

TABLE = ("CREATE TABLE t (id int PRIMARY KEY, a text)", "DROP TABLE t")
NEXT = ("ALTER TABLE t ADD late int", "ALTER TABLE t DROP late")
"""A revision that only runs when the one before left its table behind."""


def _only(report: GateReport, code: str) -> Finding:
    (finding,) = (finding for finding in report.findings if finding.code == code)
    return finding


def test_a_history_that_comes_back_is_clean(
    server: Server, alembic_project: AlembicProject
) -> None:
    report = gate(server, alembic_project(sql_chain(TABLE, NEXT)))
    assert codes(report) == []
    assert [(run.revision, run.outcome) for run in report.revisions] == [
        ("r1", "clean"),
        ("r2", "clean"),
    ]
    assert all(
        set(run.seconds) == {"upgrade", "downgrade", "second upgrade"} for run in report.revisions
    )


def test_a_failing_upgrade_is_found_where_it_stands_and_ends_the_run(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    root = alembic_project(sql_chain(TABLE, ("ALTER TABLE orders ADD x int", ""), NEXT))
    report = gate(postgres15, root)
    assert codes(report) == [("AP901", "r2")]
    (finding,) = report.findings
    assert finding.rule == "failing-upgrade"
    assert finding.message == ('upgrade fails: relation "orders" does not exist (SQLSTATE 42P01)')
    assert finding.note == "statement: ALTER TABLE orders ADD x int"
    assert "--start" in finding.help
    assert finding.source == "observed"
    assert finding.path == "migrations/versions/r2.py"
    source = (root / finding.path).read_text().splitlines()
    assert source[finding.line - 1].strip() == "op.execute('ALTER TABLE orders ADD x int')"
    assert [run.outcome for run in report.revisions] == ["clean", "findings", "not run"]
    assert report.observed == 2


def test_a_failing_downgrade_is_found_and_the_run_goes_on(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(
        postgres15,
        alembic_project(sql_chain((TABLE[0], "DROP TABLE t; DROP TABLE missing"), NEXT)),
    )
    assert codes(report) == [("AP902", "r1")]
    (finding,) = report.findings
    assert finding.severity is Severity.ERROR
    assert finding.message == ('downgrade fails: table "missing" does not exist (SQLSTATE 42P01)')
    assert report.observed == 2


COMMITTED = """
with op.get_context().autocommit_block():
    op.execute("DROP TABLE t")
op.execute("DROP TABLE missing")
"""


def test_a_downgrade_that_fails_half_way_is_repaired_before_the_run_goes_on(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    bodies = [(f"op.execute({TABLE[0]!r})", COMMITTED), tuple(f"op.execute({x!r})" for x in NEXT)]
    report = gate(postgres15, alembic_project(chain(*bodies)))  # type: ignore[arg-type]
    assert codes(report) == [("AP902", "r1")]
    assert [run.outcome for run in report.revisions] == ["findings", "clean"]


IRREVERSIBLE = {
    "NotImplementedError": "raise NotImplementedError",
    "with words": "raise NotImplementedError('no way back')",
    "another type": "raise Exception('This migration is irreversible')",
    "not supported": "raise RuntimeError('Downgrade is not supported.')",
    "cannot": "raise ValueError('cannot be reverted')",
}


@pytest.mark.parametrize("downgrade", IRREVERSIBLE.values(), ids=list(IRREVERSIBLE))
def test_a_downgrade_that_says_there_is_no_way_back_is_a_warning(
    downgrade: str, postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(postgres15, alembic_project(chain((f"op.execute({TABLE[0]!r})", downgrade))))
    finding = _only(report, "AP902")
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("downgrade is declared irreversible: ")


def test_a_revision_without_a_downgrade_is_told_so(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    text = revision_text("r1", "pass").split("def downgrade")[0]
    finding = _only(gate(postgres15, alembic_project({"r1": text})), "AP902")
    assert finding.message == "downgrade fails: the revision has no downgrade()"
    assert finding.severity is Severity.ERROR


def test_an_empty_downgrade_does_nothing_and_the_second_upgrade_fails(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    root = alembic_project(sql_chain((TABLE[0], ""), NEXT))
    report = gate(postgres15, root)
    assert codes(report) == [("AP903", "r1"), ("AP904", "r1")]
    incomplete = _only(report, "AP903")
    assert incomplete.message == "downgrade does nothing: table t: left over after downgrade"
    assert incomplete.table == "t"
    source = (root / incomplete.path).read_text().splitlines()
    assert source[incomplete.line - 1] == "def downgrade():"
    assert _only(report, "AP904").message == (
        'upgrade fails after the downgrade: relation "t" already exists (SQLSTATE 42P07)'
    )
    assert [run.outcome for run in report.revisions] == ["findings", "clean"]


def test_an_enum_left_over_is_found_with_the_cure(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    upgrade = "op.create_table('t', sa.Column('s', sa.Enum('a', 'b', name='state')))"
    report = gate(postgres15, alembic_project(chain((upgrade, "op.drop_table('t')"))))
    assert codes(report) == [("AP903", "r1"), ("AP904", "r1")]
    finding = _only(report, "AP903")
    assert finding.message == (
        "downgrade does not bring the schema back: enum state: left over after downgrade"
    )
    assert finding.help == "drop the type in downgrade(): op.execute('DROP TYPE state')"


def test_every_difference_is_in_the_note_and_the_first_in_the_message(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(
        postgres15,
        alembic_project(
            sql_chain(
                TABLE,
                (
                    "CREATE INDEX i ON t (a); ALTER TABLE t ALTER a SET NOT NULL",
                    "DROP INDEX i; CREATE INDEX j ON t (a)",
                ),
            )
        ),
    )
    finding = _only(report, "AP903")
    assert finding.message == (
        "downgrade does not bring the schema back: table t: column a: nullable was yes, is no "
        "after downgrade (and 1 more)"
    )
    assert finding.note.splitlines() == [
        "table t: column a: nullable was yes, is no after downgrade",
        "table t: index j: left over after downgrade",
    ]
    assert _only(report, "AP904").note == "table t: index j: left over after second upgrade"


def test_an_extension_left_over_alone_is_a_warning(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(
        postgres15, alembic_project(sql_chain(("CREATE EXTENSION IF NOT EXISTS hstore", "")))
    )
    assert codes(report) == [("AP903", "r1")]
    assert _only(report, "AP903").severity is Severity.WARNING


def test_another_column_order_is_a_note_and_no_finding(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(
        postgres15,
        alembic_project(
            sql_chain(TABLE, ("ALTER TABLE t DROP id", "ALTER TABLE t ADD id int PRIMARY KEY"))
        ),
    )
    assert codes(report) == []
    assert report.notes == (
        "migrations/versions/r2.py: the columns of t stand in another order after the downgrade",
    )


def test_a_revision_that_exits_is_a_finding(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(
        postgres15,
        alembic_project(chain(("pass", "raise SystemExit(1)"), ("import os; os._exit(1)", "pass"))),
    )
    assert codes(report) == [("AP902", "r1"), ("AP901", "r2")]
    assert report.findings[0].message == "downgrade fails: it calls sys.exit(1)"


WAITS_FOR_ITSELF = """
op.execute("LOCK TABLE t")
other = sa.create_engine(op.get_bind().engine.url)
with other.begin() as connection:
    connection.execute(sa.text("SELECT count(*) FROM t"))
"""


def test_a_revision_that_waits_for_itself_is_told_what_for(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    bodies = [(f"op.execute({TABLE[0]!r})", "op.execute('DROP TABLE t')")]
    report = gate(
        postgres15, alembic_project(chain(*bodies, (WAITS_FOR_ITSELF, "pass"))), time_limit=2
    )
    assert codes(report) == [("AP901", "r2")]
    (finding,) = report.findings
    assert finding.message == (
        "upgrade fails: did not finish within 2 s, "
        "waiting for a lock that another session of the migration holds"
    )
    assert finding.note == "statement: SELECT count(*) FROM t"


def test_a_revision_may_end_the_sessions_of_others(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    end_others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    report = gate(postgres15, alembic_project(sql_chain(TABLE, (end_others, end_others), NEXT)))
    assert codes(report) == []
    assert report.observed == 3


def test_sessions_that_the_project_leaves_open_do_not_disturb(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    leave_open = """
    import builtins
    builtins.kept = sa.create_engine(op.get_bind().engine.url).connect()
    builtins.kept.execute(sa.text("SELECT 1"))
    """
    report = gate(
        postgres15,
        alembic_project(
            chain((leave_open, "pass"), (f"op.execute({TABLE[0]!r})", "op.execute('DROP TABLE t')"))
        ),
    )
    assert codes(report) == []


def test_a_history_with_branches_and_a_merge_is_cycled_whole(
    server: Server, alembic_project: AlembicProject
) -> None:
    def table(name: str, parent: str | None) -> str:
        return revision_text(
            name,
            f"op.execute('CREATE TABLE of_{name} (id int)')",
            f"op.execute('DROP TABLE of_{name}')",
            down_revision=parent,
        )

    merge = revision_text("merge", "pass").replace(
        "down_revision = None", "down_revision = ('left', 'right2')"
    )
    report = gate(
        server,
        alembic_project(
            {
                "first": table("first", None),
                "left": table("left", "first"),
                "right": table("right", "first"),
                "right2": table("right2", "right"),
                "merge": merge,
                "after": table("after", "merge"),
            }
        ),
    )
    assert codes(report) == []
    assert report.observed == 6
