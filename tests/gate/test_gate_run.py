"""Where a gate run starts, what it reports, and that it leaves nothing behind."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from alembic_proof.errors import (
    AlembicProofError,
    HistoryError,
    SandboxError,
    ServerError,
    UsageError,
)
from alembic_proof.gate.dump import _program
from alembic_proof.gate.failures import Step
from alembic_proof.gate.roles import role_names
from alembic_proof.gate.run import GateOptions, gate_on
from alembic_proof.gate.sandbox import Sandbox
from alembic_proof.gate.servers.base import Server
from tests.gate.gating import Recorder, codes, gate, project_in, sql_chain
from tests.projects import AlembicProject
from tests.servers import FreshDatabase

THREE = sql_chain(
    ("CREATE TABLE t (id int)", "DROP TABLE t"),
    ("ALTER TABLE t ADD a int", "ALTER TABLE t DROP a"),
    ("ALTER TABLE t ADD b int", "ALTER TABLE t DROP b"),
)


def _databases(server: Server) -> set[str]:
    """The databases that this process made, on a server that test processes share."""
    own = f"alembic_proof_{os.getpid()}_%"
    with server.connect() as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (own,))
        return {row[0] for row in found}


def test_the_whole_history_is_pending_unless_told(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    recorder = Recorder()
    report = gate_on(
        postgres15,
        project_in(alembic_project(THREE)),
        options=GateOptions(time_limit=30),
        progress=recorder,
    )
    assert (recorder.total, recorder.steps) == (3, ["r1", "r2", "r3"])
    assert (report.applied_before, report.observed) == (0, 3)
    assert report.server == postgres15.description
    assert report.postgres == 15
    assert report.versions["alembic"]


@pytest.mark.parametrize("since", [("r2",), ("r1", "r2")])
def test_revisions_before_the_pending_ones_are_applied_in_one_go(
    since: tuple[str, ...], postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(postgres15, alembic_project(THREE), since=since)
    assert report.applied_before == 2
    assert [run.revision for run in report.revisions] == ["r3"]


def test_revisions_that_only_apply_one_by_one_are_applied_one_by_one(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    root = alembic_project(
        sql_chain(
            ("CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (s e)", "DROP TABLE t; DROP TYPE e"),
            ("ALTER TYPE e ADD VALUE 'b'", ""),
            ("INSERT INTO t VALUES ('b')", "DELETE FROM t"),
            ("ALTER TABLE t ADD n int", "ALTER TABLE t DROP n"),
        )
    )
    recorder = Recorder()
    report = gate_on(
        postgres15,
        project_in(root),
        options=GateOptions(since=("r3",), time_limit=30),
        progress=recorder,
    )
    assert codes(report) == []
    assert report.applied_before == 3
    assert any("unsafe use of new value" in note for note in recorder.notes)


def test_a_failing_revision_before_the_pending_ones_is_an_error(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    root = alembic_project(sql_chain(("SELECT 1/0", ""), ("SELECT 1", "")))
    with pytest.raises(SandboxError, match="revision r1 cannot be applied: division by") as caught:
        gate(postgres15, root, since=("r1",))
    assert "--start" in caught.value.hint


@pytest.mark.parametrize(
    ("revisions", "since", "error", "message"),
    [
        (THREE, ("r3",), UsageError, "nothing to check: no revision is pending"),
        ({}, None, UsageError, "nothing to check: the history has no revisions"),
        (THREE, ("r9",), HistoryError, "there is no revision 'r9' in this history"),
    ],
    ids=["nothing pending", "no revisions", "unknown revision"],
)
def test_nothing_to_check_is_never_a_pass(
    revisions: dict[str, str],
    since: tuple[str, ...] | None,
    error: type[AlembicProofError],
    message: str,
    postgres15: Server,
    alembic_project: AlembicProject,
) -> None:
    with pytest.raises(error) as caught:
        gate(postgres15, alembic_project(revisions), since=since)
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("extension", "hint"),
    [
        ("no_such_extension", "not part of PostgreSQL"),
        ("timescaledb", "timescale/timescaledb"),
    ],
)
def test_a_missing_extension_is_an_error_that_says_who_has_it(
    extension: str, hint: str, server: Server, alembic_project: AlembicProject
) -> None:
    root = alembic_project(sql_chain((f"CREATE EXTENSION {extension}", "")))
    with pytest.raises(ServerError) as caught:
        gate(server, root)
    assert caught.value.message == (
        f"revision r1 needs the extension {extension}, which {server.description} does not have"
    )
    assert hint in caught.value.hint
    assert "--server" in caught.value.hint


def test_an_environment_that_does_not_commit_is_an_error(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    environment = """
    import os
    from alembic import context
    from sqlalchemy import create_engine
    with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
        connection.begin()
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
    """
    root = alembic_project(THREE, environment=environment)
    with pytest.raises(SandboxError, match="ran the upgrade of r1 without committing it") as caught:
        gate(postgres15, root)
    assert "commit" in caught.value.hint


OTHER_VERSION_TABLE = """
import os
from alembic import context
from sqlalchemy import create_engine, text
with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS app"))
    connection.commit()
    context.configure(
        connection=connection, version_table="history", version_table_schema="app"
    )
    with context.begin_transaction():
        context.run_migrations()
"""


def test_the_version_table_is_no_part_of_the_schema_wherever_it_is(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(
        postgres15, alembic_project(THREE, environment=OTHER_VERSION_TABLE), since=("r1",)
    )
    assert codes(report) == []
    assert report.observed == 2


def test_what_env_py_makes_is_no_work_of_the_first_revision(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    report = gate(postgres15, alembic_project(THREE, environment=OTHER_VERSION_TABLE))
    assert codes(report) == []
    assert report.observed == 3


def test_an_environment_for_several_databases_is_an_error(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    environment = """
    from alembic import context
    from sqlalchemy import create_engine
    for name in ("orders", "customers"):
        with create_engine(f"postgresql+psycopg://{name}.invalid/{name}").connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
    """
    root = alembic_project(THREE, environment=environment)
    with pytest.raises(SandboxError, match="once for each of several databases") as caught:
        gate(postgres15, root)
    assert "run one of them" in caught.value.hint


def test_a_time_limit_may_be_endless(postgres15: Server, alembic_project: AlembicProject) -> None:
    assert codes(gate(postgres15, alembic_project(THREE), time_limit=float("inf"))) == []


def test_nothing_is_left_behind(postgres15: Server, alembic_project: AlembicProject) -> None:
    root = alembic_project(sql_chain(("CREATE TABLE t (id int)", ""), ("SELECT 1/0", "")))
    before = _databases(postgres15)
    assert codes(gate(postgres15, root)) == [("AP903", "r1"), ("AP904", "r1"), ("AP901", "r2")]
    assert _databases(postgres15) <= before


def test_a_sandbox_goes_back_to_what_was_accepted_last(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    project = project_in(alembic_project(THREE))
    steps = [Step(revision, "upgrade") for revision in ("r1", "r2", "r3")]
    with Sandbox(postgres15, project, python=None, time_limit=30) as sandbox:
        sandbox.accept([steps[0]], sandbox.run(steps[0]))
        sandbox.keep()
        sandbox.accept([steps[1]], sandbox.run(steps[1]))
        accepted = sandbox.snapshot()
        sandbox.run(steps[2])
        sandbox.connection.execute("DROP TABLE public.t")
        sandbox.restore()
        assert sandbox.snapshot() == accepted
        assert sandbox.is_applied("r2")
        sandbox.run(steps[2])


def test_roles_that_revisions_make_do_not_stand_in_the_way(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    root = alembic_project(
        sql_chain(
            ("CREATE ROLE gate_reader; CREATE TABLE t (id int)", "DROP TABLE t"),
            ("GRANT SELECT ON t TO gate_reader", "REVOKE SELECT ON t FROM gate_reader"),
        )
    )
    report = gate(postgres15, root)
    assert codes(report) == [("AP904", "r1")]
    assert 'role "gate_reader" already exists' in report.findings[0].message
    assert [run.outcome for run in report.revisions] == ["findings", "clean"]
    with postgres15.connect() as connection:
        assert "gate_reader" not in role_names(connection)


@pytest.fixture
def deployed(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> tuple[Path, str]:
    """A project whose history cannot start from nothing, and a database at its revision r2."""
    root = alembic_project(
        sql_chain(
            ("ALTER TABLE elsewhere ADD x int", "ALTER TABLE elsewhere DROP x"),
            ("ALTER TABLE elsewhere ADD y int", "ALTER TABLE elsewhere DROP y"),
            ("ALTER TABLE elsewhere ADD z int", "ALTER TABLE elsewhere DROP z"),
        )
    )
    database = fresh_database(postgres15)
    with postgres15.connect(database) as connection:
        connection.execute(
            "CREATE TABLE elsewhere (id int, x int, y int);"
            "INSERT INTO elsewhere VALUES (1, 2, 3);"
            "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
            "INSERT INTO alembic_version VALUES ('r2')"
        )
    return root, database


def _dump(server: Server, database: str, target: Path, form: str) -> Path:
    program = _program("pg_dump", server.major)
    url = server.parameters(database).url("postgresql")
    subprocess.run([program, f"--format={form}", f"--file={target}", url], check=True)
    return target


@pytest.mark.parametrize("form", ["plain", "custom", "directory", "tar", "gzip"])
def test_a_history_starts_from_a_dump_at_its_own_revision(
    form: str, deployed: tuple[Path, str], postgres15: Server, tmp_path: Path
) -> None:
    root, database = deployed
    dump = _dump(postgres15, database, tmp_path / "dump", "plain" if form == "gzip" else form)
    if form == "gzip":
        packed = tmp_path / "dump.sql.gz"
        packed.write_bytes(gzip.compress(dump.read_bytes()))
        dump = packed
    report = gate(postgres15, root, start_dump=dump)
    assert codes(report) == []
    assert [run.revision for run in report.revisions] == ["r3"]
    assert report.applied_before == 0


def test_roles_that_a_dump_needs_are_made_and_dropped_again(
    deployed: tuple[Path, str], postgres15: Server, tmp_path: Path
) -> None:
    root, database = deployed
    dump = _dump(postgres15, database, tmp_path / "dump.sql", "plain")
    dump.write_text(
        dump.read_text()
        + 'ALTER TABLE public.elsewhere OWNER TO "dump owner";\n'
        + "GRANT SELECT ON TABLE public.elsewhere TO dump_reader;\n"
    )
    assert codes(gate(postgres15, root, start_dump=dump)) == []
    with postgres15.connect() as connection:
        left = connection.execute("SELECT 1 FROM pg_roles WHERE rolname LIKE 'dump%'").fetchall()
    assert left == []


BAD_DUMPS = {
    "no revision": ("CREATE TABLE elsewhere (id int);", UsageError, "has no revision"),
    "unknown revision": (
        (
            "CREATE TABLE alembic_version (version_num text);"
            "INSERT INTO alembic_version VALUES ('zz');"
        ),
        HistoryError,
        "the dump is at revision zz",
    ),
    "not SQL": ("hello", ServerError, "syntax error"),
    "leaves": ("\\connect production\n", UsageError, "leaves the sandbox"),
    "cut off": (
        "--\n-- PostgreSQL database dump\n--\nCREATE TABLE alembic_version (version_num text);",
        UsageError,
        "is cut off",
    ),
    "packed archive": (gzip.compress(b"PGDMP"), UsageError, "was compressed once more"),
    "cut off, packed": (gzip.compress(b"SELECT 1;" * 99)[:-9], UsageError, "cannot read the dump"),
}


@pytest.mark.parametrize(("text", "error", "message"), BAD_DUMPS.values(), ids=list(BAD_DUMPS))
def test_a_dump_that_cannot_be_used_is_an_error(
    text: str | bytes,
    error: type[AlembicProofError],
    message: str,
    deployed: tuple[Path, str],
    postgres15: Server,
    tmp_path: Path,
) -> None:
    dump = tmp_path / "dump.sql"
    dump.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = _databases(postgres15)
    with pytest.raises(error) as caught:
        gate(postgres15, deployed[0], start_dump=dump)
    assert message in caught.value.message
    assert caught.value.hint
    assert _databases(postgres15) <= before


def test_a_dump_that_does_not_exist_is_an_error(
    deployed: tuple[Path, str], postgres15: Server, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="there is no dump"):
        gate(postgres15, deployed[0], start_dump=tmp_path / "none.sql")


def test_the_databases_of_others_are_not_seen(
    postgres15: Server, alembic_project: AlembicProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres15.connect() as connection:
        address = postgres15.parameters("postgres").url("postgresql")
        monkeypatch.setenv("DATABASE_URL", address)
        assert codes(gate(postgres15, alembic_project(THREE))) == []
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM alembic_version")
