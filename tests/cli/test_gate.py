"""``gate`` on real projects and real servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from alembic_proof.gate.servers.base import Server
from alembic_proof.reporters.json import GateDocument, json_schema
from tests.cli.command import Command
from tests.projects import AlembicProject, revision_text

ORDERS = revision_text(
    "0001",
    'op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))',
    'op.drop_table("orders")',
)
STATES = revision_text(
    "0002",
    """
    op.execute("CREATE TYPE state AS ENUM ('new', 'paid')")
    op.execute("ALTER TABLE orders ADD COLUMN state state")
    """,
    'op.drop_column("orders", "state")',
    down_revision="0001",
)


@pytest.fixture
def clean(alembic_project: AlembicProject) -> Path:
    return alembic_project({"0001_orders": ORDERS}, name="clean")


@pytest.fixture
def leaving(alembic_project: AlembicProject) -> Path:
    """A project whose second downgrade leaves a type behind."""
    return alembic_project({"0001_orders": ORDERS, "0002_states": STATES}, name="leaving")


@pytest.fixture
def url(postgres15: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://nobody@nowhere.invalid/production")
    return postgres15.parameters("postgres").url("postgresql")


def databases_of_this_process(server: Server) -> set[str]:
    """The gate's databases on a server that the workers of a test run share."""
    with server.connect() as connection:
        names = connection.execute("SELECT datname FROM pg_database").fetchall()
    return {name for (name,) in names if name.startswith(f"alembic_proof_{os.getpid()}_")}


def test_a_release_that_goes_up_and_down_is_a_go(command: Command, clean: Path, url: str) -> None:
    outcome = command("gate", clean, "--server", url)
    assert outcome.status == 0, outcome.stdout + outcome.stderr
    assert "\n0001 " in outcome.stdout
    assert "1 revision run of 1 pending, in " in outcome.stdout
    assert outcome.stdout.endswith("\ngo: every pending revision went up, down and up again\n")
    assert "note: running on PostgreSQL 15." in outcome.stderr
    assert "[1/1] 0001 (" in outcome.stderr


def test_a_difference_is_a_no_go(command: Command, leaving: Path, url: str) -> None:
    outcome = command("gate", leaving, "--server", url)
    assert outcome.status == 1
    assert "incomplete-downgrade\n" in outcome.stdout
    assert "migrations/versions/0002_states.py:" in outcome.stdout
    assert outcome.stdout.splitlines()[-1].startswith("no-go: ")


def test_the_configuration_decides_what_a_finding_weighs(
    command: Command, leaving: Path, url: str
) -> None:
    settings = leaving / "alembic-proof.toml"
    settings.write_text('ignore = ["AP904"]\nseverity = { incomplete-downgrade = "info" }\n')
    outcome = command("gate", leaving, "--server", url)
    assert outcome.status == 0
    assert "\ninfo AP903 incomplete-downgrade\n" in outcome.stdout
    assert "note: ignored, as configured: AP904 unrepeatable-upgrade in " in outcome.stderr
    assert outcome.stdout.endswith("\ngo: 1 finding: 1 info\n")


def test_only_what_is_pending_is_checked(command: Command, leaving: Path, url: str) -> None:
    outcome = command("gate", leaving, "--server", url, "--since", "0001", "--format", "json")
    document = json.loads(outcome.stdout)
    jsonschema.validate(document, json_schema(GateDocument))
    assert [run["revision"] for run in document["revisions"]] == ["0002"]
    assert document["summary"]["applied_before"] == 1
    assert (document["passed"], outcome.status) == (False, 1)


def test_nothing_pending_needs_no_server(command: Command, clean: Path) -> None:
    outcome = command(
        "gate", clean, "--since", "0001", "--server", "postgresql://nowhere.invalid/x"
    )
    assert (outcome.status, outcome.stdout) == (0, "")
    assert outcome.stderr == "note: nothing to run: 0 pending revisions of 1 after 0001\n"


def test_a_server_that_does_not_answer_is_a_message(command: Command, clean: Path) -> None:
    outcome = command("gate", clean, "--server", "postgresql://nowhere.invalid/x")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("error: ")
    assert "Traceback" not in outcome.stderr


def test_a_named_server_of_another_version_is_said(command: Command, clean: Path, url: str) -> None:
    outcome = command("gate", clean, "--server", url, "--postgres", "12")
    assert outcome.status == 0
    assert "note: the server you named is PostgreSQL 15, not 12\n" in outcome.stderr


def test_a_dump_that_is_not_there_is_a_message(command: Command, clean: Path, url: str) -> None:
    outcome = command("gate", clean, "--server", url, "--start", clean / "missing.dump")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "missing.dump" in outcome.stderr
    assert "\nhint: " in outcome.stderr


def test_a_failing_environment_is_a_message(
    command: Command, alembic_project: AlembicProject, url: str
) -> None:
    project = alembic_project({"0001_orders": ORDERS}, environment="raise RuntimeError('no way')")
    outcome = command("gate", project, "--server", url)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "no way" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_one_project_at_a_time(command: Command, clean: Path, leaving: Path) -> None:
    outcome = command("gate", clean.parent)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "holds 2 Alembic projects, and the gate runs one\nhint: name one of " in outcome.stderr
    assert "leaving/alembic.ini" in outcome.stderr


@pytest.mark.parametrize("package", ["psycopg"])
def test_a_missing_extra_names_the_command_that_installs_it(clean: Path, package: str) -> None:
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from alembic_proof.cli import main; main(['gate', {str(clean)!r}])"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith(
        f"error: the gate needs the package {package}, which is not installed\n"
        "hint: pip install 'alembic-proof[gate]'"
    )


def test_nothing_is_left_on_the_server(
    command: Command, leaving: Path, url: str, postgres15: Server
) -> None:
    before = databases_of_this_process(postgres15)
    command("gate", leaving, "--server", url)
    assert databases_of_this_process(postgres15) == before
