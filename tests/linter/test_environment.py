"""env.py is read as it would run, and what its text does not say is named."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from alembic_proof.errors import SourceError
from alembic_proof.linter.environment import read_environment
from alembic_proof.project import Environment, Project


def read(tmp_path: Path, source: str, ini: str = "") -> Environment:
    (tmp_path / "env.py").write_text(dedent(source))
    config = tmp_path / "alembic.ini"
    config.write_text(ini or "[alembic]\n")
    return read_environment(
        Project(
            root=tmp_path,
            script_location=tmp_path,
            version_locations=(tmp_path / "versions",),
            config_file=config,
        )
    )


def configured(tmp_path: Path, arguments: str, before: str = "", ini: str = "") -> Environment:
    lines = [
        "from alembic import context",
        "from sqlalchemy import create_engine",
        dedent(before),
        "engine = create_engine('postgresql://')",
        f"context.configure(connection=engine.connect(), {arguments})",
    ]
    return read(tmp_path, "\n".join(lines), ini)


def test_literal_arguments(tmp_path: Path) -> None:
    environment = configured(
        tmp_path,
        "transaction_per_migration=True, transactional_ddl=False, version_table='v',"
        " version_table_schema='ops', include_schemas=True",
    )
    assert environment == Environment(
        transaction_per_migration=True,
        transactional_ddl=False,
        version_table="v",
        version_table_schema="ops",
        include_schemas=True,
    )


def test_nothing_given_is_nothing_known(tmp_path: Path) -> None:
    assert configured(tmp_path, "") == Environment()


@pytest.mark.parametrize(
    ("arguments", "before"),
    [
        ("transaction_per_migration=EACH", "EACH = True"),
        ("**OPTIONS", "OPTIONS = {'transaction_per_migration': True}"),
        ("**OPTIONS", "OPTIONS = dict(transaction_per_migration=True)"),
        ("**OPTIONS", "OPTIONS = {}\nOPTIONS['transaction_per_migration'] = True"),
        ("**OPTIONS", "OPTIONS = {}\nOPTIONS.update({'transaction_per_migration': True})"),
        ("**OPTIONS", "BASE = {'transaction_per_migration': True}\nOPTIONS = {**BASE, 'x': 1}"),
        ("**OPTIONS", "OPTIONS = {'x': 1} | {'transaction_per_migration': True}"),
        ("**OPTIONS", "OPTIONS: dict = {'transaction_per_migration': True}"),
        ("**{'transaction_per_migration': True}", ""),
    ],
)
def test_arguments_are_followed(arguments: str, before: str, tmp_path: Path) -> None:
    environment = configured(tmp_path, arguments, before)
    assert environment.transaction_per_migration is True
    assert environment.unresolved == ()


def test_names_belong_to_their_function(tmp_path: Path) -> None:
    environment = read(
        tmp_path,
        """
        from alembic import context
        from sqlalchemy import engine_from_config

        def offline():
            options = {"url": "x", "transaction_per_migration": False}
            context.configure(**options)

        def online():
            options = {"transaction_per_migration": True}
            with engine_from_config({}).connect() as connection:
                context.configure(connection=connection, **options)
        """,
    )
    assert environment.transaction_per_migration is True
    assert environment.unresolved == ()


def test_a_parameter_hides_a_constant(tmp_path: Path) -> None:
    environment = read(
        tmp_path,
        """
        from sqlalchemy import create_engine
        each = True
        def run(connection, each):
            context.configure(connection=connection, transaction_per_migration=each)
        """,
    )
    assert environment.transaction_per_migration is None
    assert (
        "env.py sets transaction_per_migration to each, which its text does not decide"
        in environment.unresolved
    )


def test_what_is_not_literal_is_named(tmp_path: Path) -> None:
    environment = configured(
        tmp_path,
        "transaction_per_migration=settings.each, **extra",
        "from app import settings\nextra = settings.extra",
    )
    assert environment.transaction_per_migration is None
    assert set(environment.unresolved) == {
        "env.py sets transaction_per_migration to settings.each, which its text does not decide",
        "env.py passes extra to context.configure, which its text does not decide",
    }


def test_calls_that_differ_are_undecided(tmp_path: Path) -> None:
    environment = configured(
        tmp_path,
        "transaction_per_migration=True",
        "context.configure(connection=other, transaction_per_migration=False)",
    )
    assert environment.transaction_per_migration is None
    assert "different transaction_per_migration" in environment.unresolved[0]


def test_options_of_the_ini_file(tmp_path: Path) -> None:
    environment = configured(
        tmp_path,
        "version_table=config.get_main_option('table', 'x'),"
        " version_table_schema=config.get_section_option(config.config_ini_section, 'none', 'ops')",
        ini="[alembic]\ntable = v_%(here)s\nhere = 1\n",
    )
    assert (environment.version_table, environment.version_table_schema) == ("v_1", "ops")


@pytest.mark.parametrize(
    "line",
    [
        "connection.execute(text('SET lock_timeout = \\'5s\\''))",
        'connection.execute(text("SET LOCAL lock_timeout TO 5s"))',
        'connection.exec_driver_sql("set lock_timeout=5s")',
        "connection.execute(text(\"SELECT set_config('lock_timeout', '5s', false)\"))",
        'connection.execute(select(func.set_config("lock_timeout", "5s", False)))',
        'create_engine(url, connect_args={"options": "-c lock_timeout=5s"})',
        'create_engine(url, connect_args={"options": "-clock_timeout=5s -cx=1"})',
        'create_engine(url, connect_args={"options": "--lock-timeout=5s"})',
        'create_engine(url, connect_args={"server_settings": {"lock_timeout": "5s"}})',
        'create_engine(url, connect_args=dict(server_settings=dict(lock_timeout="5s")))',
        'create_engine("postgresql:///x?options=-c%20lock_timeout%3D5s")',
        'create_engine(URL + "?options=-c%20lock_timeout%3D5s")',
        'os.environ["PGOPTIONS"] = "-c lock_timeout=5s"',
        'LIMIT = "5s"\nconnection.execute(text(f"SET lock_timeout = \'{LIMIT}\'"))',
        'ARGS = {}\nARGS["lock_timeout"] = "5s"',
        (
            '@event.listens_for(engine, "connect")\n'
            "def limit(dbapi, record):\n"
            "    dbapi.cursor().execute(\"SET lock_timeout TO '5s'\")"
        ),
        "connection.execute(text(\"SET lock_timeout = '5s'; SET statement_timeout = 0\"))",
        (
            "connection.execute(text(\"SET lock_timeout = '5s'\"))\n"
            'connection.execute(text("SET lock_timeout = 0"))'
        ),
    ],
)
def test_lock_timeout_is_found(line: str, tmp_path: Path) -> None:
    environment = configured(tmp_path, "", line)
    assert environment.lock_timeout == "5s"
    assert environment.unresolved == ()


@pytest.mark.parametrize(
    "line",
    [
        '"""Remember to SET lock_timeout = 5s."""',
        "# SET lock_timeout = 5s",
        'logger.info("lock_timeout = 5s")',
        'connection.execute(text("SET deadlock_timeout = 5s"))',
        'connection.execute(text("SHOW lock_timeout"))',
    ],
)
def test_lock_timeout_that_is_not_set(line: str, tmp_path: Path) -> None:
    assert configured(tmp_path, "", line).lock_timeout == ""


def test_lock_timeout_of_zero_is_as_written(tmp_path: Path) -> None:
    assert configured(tmp_path, "", 'execute("SET lock_timeout = 0")').lock_timeout == "0"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("execute(f\"SET lock_timeout = '{settings.limit}'\")", "{settings.limit}"),
        ('execute("SET lock_timeout = %s" % limit)', "%s"),
        ('execute(text("SET lock_timeout = :limit"))', ":limit"),
        ('options = {"lock_timeout": settings.limit}', "{settings.limit}"),
    ],
)
def test_lock_timeout_from_elsewhere(line: str, written: str, tmp_path: Path) -> None:
    environment = configured(tmp_path, "", line)
    assert environment.lock_timeout == written
    assert environment.unresolved == (
        f"env.py sets lock_timeout to {written.strip('{}')}, which its text does not decide",
    )


def test_settings_in_the_url_of_the_ini_file(tmp_path: Path) -> None:
    url = "postgresql://%(user)s@h/x?options=-c%%20lock_timeout%%3D5s%%20-c%%20statement_timeout%%3D1h"
    environment = configured(tmp_path, "", ini=f"[alembic]\nsqlalchemy.url = {url}\n")
    assert (environment.lock_timeout, environment.statement_timeout) == ("5s", "1h")


@pytest.mark.parametrize(
    "line",
    [
        'connection.execute(text("SELECT pg_advisory_lock(42)"))',
        'connection.execute(text("SELECT pg_try_advisory_xact_lock(42)"))',
        "connection.execute(select(func.pg_advisory_lock(42)))",
    ],
)
def test_advisory_lock(line: str, tmp_path: Path) -> None:
    assert configured(tmp_path, "", line).advisory_lock
    assert not configured(tmp_path, "", f"# {line}").advisory_lock


@pytest.mark.parametrize(
    "line",
    [
        'connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")',
        'options = {"isolation_level": "AUTOCOMMIT"}',
    ],
)
def test_autocommit(line: str, tmp_path: Path) -> None:
    assert configured(tmp_path, "", line).autocommit


def test_engine_from_elsewhere_is_named(tmp_path: Path) -> None:
    environment = read(tmp_path, "from app import engine\ncontext.configure(connection=engine)")
    assert environment.unresolved == ("env.py gets its connection from elsewhere",)


def test_no_env_py_is_not_an_error(tmp_path: Path) -> None:
    project = Project(root=tmp_path, script_location=tmp_path, version_locations=())
    assert read_environment(project).unresolved == ("there is no env.py",)


@pytest.mark.parametrize("source", ["def f(:\n", "x = '\0'\n"])
def test_invalid_env_py(source: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"env\.py:1: not valid Python"):
        read(tmp_path, source)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python knows that syntax")
def test_python_that_is_newer_than_ours(tmp_path: Path) -> None:
    assert "is not Python 3.11" in read(tmp_path, "type Ids = list[int]\n").unresolved[0]


def test_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "env.py").write_bytes(
        b"# -*- coding: latin-1 -*-\n# \xe9\ncontext.configure(connection=c, include_schemas=True)"
    )
    project = Project(root=tmp_path, script_location=tmp_path, version_locations=())
    assert read_environment(project).include_schemas
