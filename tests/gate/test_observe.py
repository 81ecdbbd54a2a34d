"""What the observer sees of statements, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from alembic_proof.effects import TableEffect, Work
from alembic_proof.gate.observe import Evidence, effects_between, observe, take_evidence
from alembic_proof.gate.servers.base import Server
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from tests.servers import FreshDatabase

Connection = psycopg.Connection[Any]
T, P = Name("t"), Name("p")


@pytest.fixture
def connection(server: Server, fresh_database: FreshDatabase) -> Iterator[Connection]:
    with server.connect(fresh_database(server)) as connection:
        connection.execute(
            "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p_id int);"
            "INSERT INTO p SELECT generate_series(1, 1000);"
            "INSERT INTO t SELECT g, g FROM generate_series(1, 1000) g; ANALYZE"
        )
        yield connection


def seen(effect: TableEffect | None) -> tuple[LockMode, Work] | None:
    return (effect.lock, effect.work) if effect is not None else None


def test_every_table_that_was_there_before_is_seen(connection: Connection) -> None:
    observation = observe(
        connection,
        [
            "CREATE TABLE n (id int)",
            "ALTER TABLE t ADD FOREIGN KEY (p_id) REFERENCES p (id)",
        ],
    )
    assert observation.error is None
    assert {effect.table for effect in observation.effects} == {T, P}
    assert seen(observation.on(T)) == (LockMode.SHARE_ROW_EXCLUSIVE, Work.SCAN)


def test_what_was_observed_is_undone_unless_it_is_to_be_kept(connection: Connection) -> None:
    count = "SELECT count(*) FROM information_schema.columns WHERE table_name = 't'"
    observe(connection, ["ALTER TABLE t ADD COLUMN a int"])
    assert connection.execute(count).fetchone() == (2,)
    observe(connection, ["ALTER TABLE t ADD COLUMN a int"], keep=True)
    assert connection.execute(count).fetchone() == (3,)


def test_a_limited_query_is_not_a_scan(connection: Connection) -> None:
    assert seen(observe(connection, ["SELECT * FROM t LIMIT 5"]).on(T)) == (
        LockMode.ACCESS_SHARE,
        Work.ROWS,
    )
    assert seen(observe(connection, ["SELECT * FROM t"]).on(T)) == (
        LockMode.ACCESS_SHARE,
        Work.SCAN,
    )
    assert seen(observe(connection, ["SELECT * FROM t WHERE id = 5"]).on(T)) == (
        LockMode.ACCESS_SHARE,
        Work.ROWS,
    )


def test_an_error_is_the_observation(connection: Connection) -> None:
    observation = observe(
        connection, ["ALTER TABLE t ADD COLUMN a int", "ALTER TABLE t ADD CHECK (id < 5)"]
    )
    assert observation.effects == ()
    assert observation.error is not None
    assert observation.error.sqlstate == "23514"
    assert "is violated by some row" in observation.error.message
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_locks_held_before_are_not_the_statements_own(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("LOCK TABLE t, p")
        before = take_evidence(connection)
        connection.execute("UPDATE t SET p_id = 1")
        effects = effects_between(before, take_evidence(connection))
    assert [(effect.table, effect.lock, effect.work) for effect in effects] == [
        (T, LockMode.ACCESS_EXCLUSIVE, Work.SCAN)
    ]


def test_nothing_done_is_nothing_seen(connection: Connection) -> None:
    evidence = take_evidence(connection)
    assert effects_between(evidence, take_evidence(connection)) == ()
    assert effects_between(Evidence({}, {}), evidence) == ()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (p_id)", Work.INDEX_BUILD),
        ("VACUUM t", Work.SCAN),
    ],
)
def test_statements_outside_transactions_are_seen_from_another_session(
    server: Server, connection: Connection, statement: str, expected: Work
) -> None:
    with server.connect(connection.info.dbname) as watcher:
        observation = observe(connection, [statement], watcher=watcher)
        assert observation.error is None
        assert seen(observation.on(T)) == (LockMode.SHARE_UPDATE_EXCLUSIVE, expected)
        assert observation.on(P) is None
        assert watcher.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def test_a_failing_concurrent_build_is_seen_with_its_error(
    server: Server, connection: Connection
) -> None:
    connection.execute("UPDATE t SET p_id = 1")
    with server.connect(connection.info.dbname) as watcher:
        observation = observe(
            connection, ["CREATE UNIQUE INDEX CONCURRENTLY i ON t (p_id)"], watcher=watcher
        )
    assert observation.error is not None
    assert observation.error.sqlstate == "23505"
    assert seen(observation.on(T)) == (LockMode.SHARE_UPDATE_EXCLUSIVE, Work.INDEX_BUILD)


def test_an_index_moved_alone_holds_up_every_query_on_its_table(
    server: Server, connection: Connection
) -> None:
    with server.connect() as administrator:
        administrator.execute("SET allow_in_place_tablespaces = on")
        name = f"space_{connection.info.dbname}"[:63]
        administrator.execute(f"CREATE TABLESPACE {name} LOCATION ''".encode())
    observation = observe(connection, [f"ALTER INDEX t_pkey SET TABLESPACE {name}"])
    assert seen(observation.on(T)) == (LockMode.ACCESS_EXCLUSIVE, Work.INDEX_BUILD)
