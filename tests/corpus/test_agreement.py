"""What PostgreSQL is seen to block in real histories is what the linter says of them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alembic_proof.config import Config
from alembic_proof.effects import Work
from alembic_proof.findings import TableSummary
from alembic_proof.gate.servers.base import Server
from alembic_proof.linter.pending import Selection
from alembic_proof.linter.run import LintOptions, lint
from alembic_proof.locks import LockMode
from alembic_proof.project import Project
from tests.corpus.histories import ARGILLA, MWDB, PHOENIX, PackagedHistory
from tests.servers import FreshDatabase

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("watching_run.py")
NEEDS_OLD_SQLALCHEMY = "6a7aefae72d3"

Seen = dict[str, dict[str, tuple[LockMode, Work]]]


def watch(project: Project, url: str, revisions: list[str]) -> Seen:
    """Revision → table that was there before → strongest lock, heaviest work under it."""
    run = subprocess.run(
        [sys.executable, str(PROGRAM), str(project.config_file), *revisions],
        env={**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return {
        revision: {
            table: (LockMode(lock), Work(work))
            for table, (lock, work) in tables.items()
            if table != "alembic_version"
        }
        for revision, tables in json.loads(run.stdout.splitlines()[-1]).items()
    }


def covers(told: TableSummary | None, lock: LockMode, work: Work) -> bool:
    return told is not None and told.lock.rank >= lock.rank and told.work.rank >= work.rank


@pytest.mark.parametrize(
    ("history", "least"),
    [
        (ARGILLA, 8),
        (MWDB, 20),
        (dataclasses.replace(PHOENIX, environment="sync"), 20),
    ],
    ids=lambda value: value.package if isinstance(value, PackagedHistory) else "",
)
def test_nothing_that_blocks_goes_unsaid(
    history: PackagedHistory,
    least: int,
    postgres15: Server,
    fresh_database: FreshDatabase,
    tmp_path: Path,
) -> None:
    project = history.project(tmp_path)
    options = LintOptions(selection=Selection(all=True), use_cache=False)
    report = lint(project, Config(), options)
    revisions = [item.revision for item in report.revisions]
    if NEEDS_OLD_SQLALCHEMY in revisions:
        revisions = revisions[: revisions.index(NEEDS_OLD_SQLALCHEMY)]
    url = postgres15.parameters(fresh_database(postgres15)).url("postgresql+psycopg")
    seen = watch(project, url, revisions)
    told = {
        (item.revision, summary.table): summary
        for item in report.revisions
        for summary in item.effects
    }
    harmful = {
        (revision, table): (lock, work)
        for revision, tables in seen.items()
        for table, (lock, work) in tables.items()
        if lock.blocks_writes and work.grows_with_table
    }
    assert len(harmful) >= least
    unsaid = {
        key: (lock, work)
        for key, (lock, work) in harmful.items()
        if not covers(told.get(key), lock, work)
    }
    assert unsaid == {}
