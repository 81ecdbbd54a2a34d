"""Whatever address the project names, and however it connects, it reaches the sandbox."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from alembic_proof.errors import SandboxError
from alembic_proof.gate.failures import Step
from alembic_proof.gate.servers.base import Server
from tests.gate.gating import agent, chain
from tests.projects import AlembicProject
from tests.servers import FreshDatabase

PRODUCTION = "app:secret@production.invalid:6543/orders"

MIGRATE = """
def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

SYNC = """
from alembic import context
from sqlalchemy import create_engine
{migrate}
with {engine}.connect() as connection:
    migrate(connection)
"""

ASYNC = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine
{migrate}
async def run():
    async with {engine}.connect() as connection:
        await connection.run_sync(migrate)
asyncio.run(run())
"""

SYNC_ENGINES = {
    "psycopg": f'create_engine("postgresql+psycopg://{PRODUCTION}")',
    "psycopg2": f'create_engine("postgresql+psycopg2://{PRODUCTION}?sslmode=verify-full")',
    "pg8000": f'create_engine("postgresql+pg8000://{PRODUCTION}")',
    "many hosts": 'create_engine("postgresql+psycopg://u:p@/d?host=a.invalid:1&host=b.invalid:2")',
    "connect_args": (
        'create_engine("postgresql+psycopg2://", connect_args={"host": "production.invalid", '
        '"port": 6543, "user": "app", "passfile": "/nowhere", "sslrootcert": "/nowhere"})'
    ),
    "creator": (
        'create_engine("postgresql+psycopg2://", creator=lambda: __import__("psycopg2").connect('
        '"host=production.invalid dbname=orders user=app"))'
    ),
    "creator with a class": (
        'create_engine("postgresql+psycopg://", creator=lambda: __import__("psycopg").Connection'
        '.connect("postgresql://production.invalid/orders", autocommit=False))'
    ),
    "creator of pg8000": (
        'create_engine("postgresql+pg8000://", creator=lambda: __import__("pg8000.dbapi").dbapi'
        '.connect("app", "production.invalid", "orders", ssl_context=True))'
    ),
}

ASYNC_ENGINES = {
    "asyncpg": f'create_async_engine("postgresql+asyncpg://{PRODUCTION}")',
    "asyncpg with ssl": (
        f'create_async_engine("postgresql+asyncpg://{PRODUCTION}", connect_args={{"ssl": True}})'
    ),
    "psycopg": f'create_async_engine("postgresql+psycopg://{PRODUCTION}")',
}

ENVIRONMENTS = {
    **{
        f"sync {name}": SYNC.format(engine=engine, migrate=MIGRATE)
        for name, engine in SYNC_ENGINES.items()
    },
    **{
        f"async {name}": ASYNC.format(engine=engine, migrate=MIGRATE)
        for name, engine in ASYNC_ENGINES.items()
    },
}


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))
def test_sqlalchemy_reaches_only_the_sandbox(
    environment: str,
    postgres15: Server,
    alembic_project: AlembicProject,
    fresh_database: FreshDatabase,
) -> None:
    root = alembic_project(
        chain(("op.execute('CREATE TABLE reached AS SELECT current_database() AS name')", "pass")),
        environment=environment,
    )
    database = fresh_database(postgres15)
    with agent(postgres15, root, database) as process:
        process.run([Step("r1", "upgrade")])
    with postgres15.connect(database) as connection:
        assert connection.execute("SELECT name FROM reached").fetchall() == [(database,)]


RAW = {
    "psycopg": """
        import psycopg
        with psycopg.connect("host=production.invalid") as raw:
            raw.execute("CREATE TABLE raw (id int)")
    """,
    "psycopg2": """
        import psycopg2
        raw = psycopg2.connect(host="production.invalid", dbname="orders", user="app")
        raw.cursor().execute("CREATE TABLE raw (id int)")
        raw.commit()
        raw.close()
    """,
    "pg8000": """
        import pg8000.native
        raw = pg8000.native.Connection("app", host="production.invalid", database="orders")
        raw.run("CREATE TABLE raw (id int)")
        raw.close()
    """,
    "asyncpg": """
        import asyncio, asyncpg
        async def main():
            raw = await asyncpg.connect("postgresql://app@production.invalid/orders")
            await raw.execute("CREATE TABLE raw (id int)")
            await raw.close()
        asyncio.run(main())
    """,
    "asyncpg pool": """
        import asyncio, asyncpg
        async def main():
            async with asyncpg.create_pool(host="production.invalid", user="app") as pool:
                await pool.execute("CREATE TABLE raw (id int)")
        asyncio.run(main())
    """,
    "psycopg async": """
        import asyncio, psycopg
        async def main():
            async with await psycopg.AsyncConnection.connect("host=production.invalid") as raw:
                await raw.execute("CREATE TABLE raw (id int)")
        asyncio.run(main())
    """,
}


@pytest.mark.parametrize("code", RAW.values(), ids=list(RAW))
def test_drivers_used_directly_reach_only_the_sandbox(
    code: str,
    postgres15: Server,
    alembic_project: AlembicProject,
    fresh_database: FreshDatabase,
) -> None:
    root = alembic_project(chain((dedent(code), "pass")))
    database = fresh_database(postgres15)
    with agent(postgres15, root, database) as process:
        process.run([Step("r1", "upgrade")])
    with postgres15.connect(database) as connection:
        assert connection.execute("SELECT to_regclass('raw') IS NOT NULL").fetchone() == (True,)


KEPT = {
    "psycopg": "postgresql+psycopg://{}?options=-c%20lock_timeout%3D1234ms",
    "psycopg2": "postgresql+psycopg2://{}?options=-c%20lock_timeout%3D1234ms",
}


@pytest.mark.parametrize("url", KEPT.values(), ids=list(KEPT))
def test_options_of_the_project_are_kept(
    url: str,
    postgres15: Server,
    alembic_project: AlembicProject,
    fresh_database: FreshDatabase,
) -> None:
    environment = SYNC.format(engine=f'create_engine("{url.format(PRODUCTION)}")', migrate=MIGRATE)
    read = "op.execute(\"CREATE TABLE kept AS SELECT current_setting('lock_timeout') AS value\")"
    root = alembic_project(chain((read, "pass")), environment=environment)
    database = fresh_database(postgres15)
    with agent(postgres15, root, database) as process:
        process.run([Step("r1", "upgrade")])
    with postgres15.connect(database) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == ("1234ms",)


def test_another_database_is_refused(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    environment = SYNC.format(engine='create_engine("sqlite://")', migrate=MIGRATE)
    root = alembic_project(chain(("pass", "pass")), environment=environment)
    database = fresh_database(postgres15)
    with (
        agent(postgres15, root, database) as process,
        pytest.raises(SandboxError, match="connects to sqlite, but the gate") as caught,
    ):
        process.run([Step("r1", "upgrade")])
    assert "DATABASE_URL" in caught.value.hint
    assert caught.value.message.startswith("migrations/env.py:")


def test_a_placeholder_url_is_replaced(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    engine = "create_engine(context.config.get_main_option('sqlalchemy.url'))"
    environment = SYNC.format(engine=engine, migrate=MIGRATE)
    root = alembic_project(
        chain(("op.execute('CREATE TABLE t (id int)')", "pass")), environment=environment
    )
    ini = root / "alembic.ini"
    ini.write_text(ini.read_text() + "sqlalchemy.url = driver://user:pass@localhost/dbname\n")
    database = fresh_database(postgres15)
    with agent(postgres15, root, database) as process:
        process.run([Step("r1", "upgrade")])
        assert process.current().heads == ("r1",)


def test_variables_that_hold_an_address_name_the_sandbox(
    postgres15: Server,
    alembic_project: AlembicProject,
    fresh_database: FreshDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPORTING_DSN", f"postgresql+asyncpg://{PRODUCTION}?ssl=require")
    monkeypatch.setenv("PGHOST", "production.invalid")
    monkeypatch.setenv("PGSERVICEFILE", "/nowhere")
    monkeypatch.setenv("BROKER_URL", "amqp://broker.invalid")
    shown = ("REPORTING_DSN", "PGHOST", "PGSERVICEFILE", "PGDATABASE", "BROKER_URL")
    report = "\n".join(
        (
            "import os",
            f"values = [os.environ.get(name, '-') for name in {shown}]",
            "raise RuntimeError(' '.join(values))",
        )
    )
    root = alembic_project(chain(("pass", "pass")), environment=indent(report, ""))
    database = fresh_database(postgres15)
    address = postgres15.parameters(database)
    with (
        agent(postgres15, root, database) as process,
        pytest.raises(SandboxError) as caught,
    ):
        process.current()
    expected = (
        f"{address.url('postgresql+asyncpg')} {address.host} - {database} amqp://broker.invalid"
    )
    assert expected in caught.value.message
