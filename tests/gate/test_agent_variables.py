"""What the project finds in its environment in place of its own addresses."""

from __future__ import annotations

import pytest

from alembic_proof.gate.agent.target import Target
from alembic_proof.gate.agent.variables import (
    is_postgresql_url,
    redirected_url,
    redirected_variables,
    scheme_for,
)

TARGET = Target(
    {
        "host": "127.0.0.1",
        "port": 5433,
        "user": "gate",
        "password": "p@ss/word",
        "database": "sandbox",
        "options": {},
    }
)
ADDRESS = "gate:p%40ss%2Fword@127.0.0.1:5433/sandbox"


@pytest.mark.parametrize(
    ("url", "redirected"),
    [
        ("postgres://u:p@db/orders", f"postgres://{ADDRESS}"),
        ("postgresql+asyncpg://u@db/orders?ssl=require", f"postgresql+asyncpg://{ADDRESS}"),
        (
            "postgresql://db/orders?options=-csearch_path%3Dapp&sslmode=require",
            f"postgresql://{ADDRESS}?options=-csearch_path%3Dapp",
        ),
    ],
)
def test_a_url_keeps_its_scheme_and_its_options(url: str, redirected: str) -> None:
    assert redirected_url(url, TARGET) == redirected


def test_every_postgresql_url_is_redirected_and_nothing_else_is_touched() -> None:
    variables = redirected_variables(
        {
            "DATABASE_URL": "postgresql+psycopg://u@db/orders",
            "REPLICA": "postgres://u@replica/orders",
            "REDIS_URL": "redis://cache",
            "PGHOST": "db",
            "PGHOSTADDR": "10.0.0.1",
            "PG_POOL_SIZE": "5",
            "DB_HOST": "db",
        },
        TARGET,
        "postgresql+asyncpg",
    )
    assert variables["DATABASE_URL"] == f"postgresql+psycopg://{ADDRESS}"
    assert variables["REPLICA"] == f"postgres://{ADDRESS}"
    assert variables["REDIS_URL"] == "redis://cache"
    assert variables["PG_POOL_SIZE"] == "5"
    assert (variables["PGHOST"], variables["PGPORT"]) == ("127.0.0.1", "5433")
    assert "PGHOSTADDR" not in variables
    assert (variables["DB_HOST"], variables["DATABASE_HOST"]) == ("db", "127.0.0.1")


def test_missing_variables_are_made_up_with_a_driver_that_is_installed() -> None:
    variables = redirected_variables({}, TARGET, scheme_for("create_engine(url)", ["pg8000"]))
    assert variables["DATABASE_URL"] == f"postgresql+pg8000://{ADDRESS}"
    assert variables["POSTGRES_DB"] == "sandbox"


@pytest.mark.parametrize(
    ("env_py", "installed", "scheme"),
    [
        ("engine_from_config(section)", ["psycopg", "psycopg2"], "postgresql+psycopg2"),
        ("engine_from_config(section)", ["asyncpg", "psycopg"], "postgresql+psycopg"),
        ("async_engine_from_config(section)", ["asyncpg", "psycopg"], "postgresql+asyncpg"),
        ("create_async_engine(url)", ["psycopg"], "postgresql+psycopg"),
    ],
)
def test_the_driver_fits_the_environment(env_py: str, installed: list[str], scheme: str) -> None:
    assert scheme_for(env_py, installed) == scheme


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/d", True),
        ("postgres://h/d", True),
        ("postgresql+asyncpg://h/d", True),
        ("postgresql://%(DB_USER)s@h/d", True),
        ("driver://user:pass@localhost/dbname", False),
        ("sqlite:///app.db", False),
        ("", False),
    ],
)
def test_placeholders_and_other_databases_are_no_postgresql_url(url: str, expected: bool) -> None:
    assert is_postgresql_url(url) is expected


def test_a_socket_folder_is_told_to_each_driver_in_its_own_way() -> None:
    target = Target(
        {
            "host": "/run/pg",
            "port": 5433,
            "user": "gate",
            "password": "",
            "database": "sandbox",
            "options": {"sslmode": "disable"},
        }
    )
    assert target.for_libpq() == {
        "host": "/run/pg",
        "port": 5433,
        "user": "gate",
        "dbname": "sandbox",
        "sslmode": "disable",
    }
    assert target.for_pg8000()["unix_sock"] == "/run/pg/.s.PGSQL.5433"
    assert "host" not in target.for_pg8000()
    assert target.url("postgresql") == (
        "postgresql://gate@/sandbox?sslmode=disable&host=%2Frun%2Fpg&port=5433"
    )
