"""A disposable server makes and drops databases, and the test run shares one of each major."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from alembic_proof.errors import ServerError
from alembic_proof.gate.servers.base import ConnectionParameters, Server
from tests.projects import AlembicProject, revision_text
from tests.servers import FreshDatabase, TemplateDatabase


def test_server_knows_its_version_and_never_shows_its_password(server: Server) -> None:
    assert server.major in {15, 18}
    assert server.version.startswith(f"{server.major}.")
    assert server.description.startswith(f"PostgreSQL {server.version} (")
    password = server.parameters("postgres").password
    assert password
    assert password not in repr(server) + repr(server.parameters("postgres"))


def test_settings_suit_a_server_whose_data_nobody_misses(server: Server) -> None:
    names = ["fsync", "synchronous_commit", "full_page_writes", "TimeZone", "log_lock_waits"]
    with server.connect() as connection:
        values = [connection.execute(f"SHOW {name}").fetchone() for name in names]
        connections = connection.execute("SHOW max_connections").fetchone()
    assert values == [("off",), ("off",), ("off",), ("UTC",), ("on",)]
    assert connections is not None
    assert int(connections[0]) >= 200


def test_databases_are_unique_and_dropped_although_somebody_is_connected(server: Server) -> None:
    first, second = server.create_database(), server.create_database()
    assert first != second
    try:
        with server.connect(first) as connection:
            server.drop_database(first)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
    finally:
        server.drop_database(second)
    assert not {first, second} & _databases(server)


def test_database_clones_its_template(
    server: Server, fresh_database: FreshDatabase, template_database: TemplateDatabase
) -> None:
    template = template_database(server, _build_orders)
    assert template_database(server, _build_orders) == template
    clone = fresh_database(server, template=template)
    with server.connect(clone) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (3,)


def test_database_that_exists_is_not_made_again(
    server: Server, fresh_database: FreshDatabase
) -> None:
    name = fresh_database(server)
    with pytest.raises(ServerError, match="already exists"):
        server.create_database(name)


def test_extensions_are_those_the_server_could_create(postgres15: Server) -> None:
    assert {"plpgsql", "pgcrypto", "uuid-ossp"} <= postgres15.available_extensions()


def test_embedded_wheel_has_contrib_but_not_pgcrypto(postgres18: Server) -> None:
    extensions = postgres18.available_extensions()
    assert {"citext", "pg_trgm", "btree_gist"} <= extensions
    assert not {"pgcrypto", "uuid-ossp"} & extensions


def test_url_escapes_what_a_url_cannot_hold() -> None:
    parameters = ConnectionParameters("db.example", 5433, "a b", "p@ss/w:rd", "x?y")
    assert parameters.url() == "postgresql+psycopg://a%20b:p%40ss%2Fw%3Ard@db.example:5433/x%3Fy"
    socket = ConnectionParameters("/run/postgres", 5432, "me", "", "shop")
    assert socket.url("postgresql") == "postgresql://me@/shop?host=%2Frun%2Fpostgres&port=5432"


@pytest.mark.parametrize(
    ("environment", "driver"),
    [
        ("sync", "postgresql+psycopg"),
        ("sync", "postgresql+psycopg2"),
        ("async", "postgresql+asyncpg"),
        ("async", "postgresql+psycopg"),
    ],
)
def test_alembic_projects_of_the_tests_really_run(
    environment: str,
    driver: str,
    postgres15: Server,
    fresh_database: FreshDatabase,
    alembic_project: AlembicProject,
) -> None:
    revisions = {
        "a1_orders": revision_text("a1", "op.create_table('orders', sa.Column('id', sa.Integer))")
    }
    project = alembic_project(revisions, environment=environment, transaction_per_migration=True)
    database = fresh_database(postgres15)
    url = postgres15.parameters(database).url(driver)
    _run_alembic(project, url, "upgrade", "head")
    with postgres15.connect(database) as connection:
        version = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert version == [("a1",)]


def _run_alembic(project: Path, url: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=project,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def _build_orders(connection: psycopg.Connection[TupleRow]) -> None:
    connection.execute("CREATE TABLE orders AS SELECT generate_series(1, 3) AS id")


def _databases(server: Server) -> set[str]:
    with server.connect() as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
