"""Runs a project with real Alembic on a real server and says what each statement did there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.pool import NullPool

from alembic_proof.effects import TableEffect
from alembic_proof.gate.observe import effects_between, observe, take_evidence
from alembic_proof.gate.servers.base import Server

ROWS = 1000

_OUTSIDE_TRANSACTION = re.compile(r"\bCONCURRENTLY\b|^\s*VACUUM\b", re.IGNORECASE)


@dataclass
class Witness:
    """Everything that was seen; ``sqlstate`` is that of the error which ended the run, if any."""

    effects: list[TableEffect] = field(default_factory=list)
    statements: int = 0
    sqlstate: str | None = None
    error: str = ""


def upgrade(server: Server, database: str, root: Path, target: str = "heads") -> Witness:
    """Run ``alembic upgrade`` of a project written by ``examples`` and watch every statement."""
    witness = Witness()
    engine = sa.create_engine(server.parameters(database).url(), poolclass=NullPool)
    config = Config(str(root / "alembic.ini"))
    with (
        _watching(engine, witness, server, database),
        engine.connect() as connection,
    ):
        connection.execute(sa.text("SET max_parallel_workers_per_gather = 0"))
        connection.execute(sa.text("SET max_parallel_maintenance_workers = 0"))
        connection.commit()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, target)
            connection.commit()
        except sa.exc.DBAPIError as error:
            witness.sqlstate = getattr(error.orig, "sqlstate", "")
            witness.error = str(error.orig)
    engine.dispose()
    return witness


def seed(server: Server, database: str) -> None:
    """Fill every table with :data:`ROWS` rows, parents first, and refresh materialized views."""
    with server.connect(database) as connection:
        connection.autocommit = True
        for table in _tables(connection):
            if table != "alembic_version":
                _fill(connection, table)
        views = connection.execute("SELECT matviewname FROM pg_matviews").fetchall()
        for (view,) in views:
            connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(view)))
        connection.execute("VACUUM ANALYZE")


def rows_of(server: Server, database: str, query: str) -> Sequence[tuple[Any, ...]] | None:
    """The rows that a statement gives, None when it fails."""
    with server.connect(database) as connection:
        try:
            return connection.execute(query.encode()).fetchall()
        except psycopg.Error:
            return None


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    """The tables in the order of their making, so that parents come first."""
    query = (
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return [name for (name,) in connection.execute(f"{query} ORDER BY oid".encode())]


def _fill(connection: psycopg.Connection[Any], table: str) -> None:
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s "
        "AND column_default IS NULL AND is_generated = 'NEVER' AND is_identity = 'NO'",
        [table],
    ).fetchall()
    names = sql.SQL(", ").join([sql.Identifier(name) for name, _ in columns])
    values = sql.SQL(", ").join(
        [sql.SQL("g::text" if kind == "text" else "g") for _, kind in columns]
    )
    target = sql.SQL("{} ({})").format(sql.Identifier(table), names)
    for_each = sql.SQL("SELECT {} FROM generate_series(1, {}) g").format(values, sql.Literal(ROWS))
    if not columns:
        target = sql.SQL("{} (id)").format(sql.Identifier(table))
        for_each = sql.SQL("SELECT g FROM generate_series(1, {}) g").format(sql.Literal(ROWS))
    connection.execute(sql.SQL("INSERT INTO {} {}").format(target, for_each))


@contextmanager
def _watching(engine: sa.Engine, witness: Witness, server: Server, database: str) -> Iterator[None]:
    """Take evidence around every statement of the engine.

    A statement in autocommit mode is given a transaction of its own, so that its locks can be seen;
    one that PostgreSQL refuses there is watched from a second session.
    """

    def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        connection: psycopg.Connection[Any] = cursor.connection
        witness.statements += 1
        if connection.autocommit and _OUTSIDE_TRANSACTION.search(statement):
            with server.connect(database) as watcher:
                watcher.autocommit = True
                seen = observe(connection, [statement], watcher=watcher)
            witness.effects += seen.effects
            assert seen.error is None, seen.error
            return True
        if connection.autocommit:
            connection.execute("BEGIN")
        before = take_evidence(connection)
        cursor.execute(statement, parameters or None)
        witness.effects += effects_between(before, take_evidence(connection))
        if connection.autocommit:
            connection.execute("COMMIT")
        return True

    event.listen(engine, "do_execute", execute)
    event.listen(engine, "do_execute_no_params", lambda c, s, x: execute(c, s, None, x))
    yield
