"""The gate drives projects on older releases of SQLAlchemy and Alembic, in their own interpreter."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from alembic_proof.gate.run import GateOptions, gate_on
from alembic_proof.gate.servers.base import Server
from tests.corpus.histories import MWDB
from tests.corpus.packages import cache_folder
from tests.gate.gating import Recorder, codes


def interpreter(*requirements: str) -> Path:
    """The interpreter of an environment with these packages and nothing of ours."""
    name = "-".join(requirement.replace("==", "-") for requirement in requirements)
    folder = cache_folder() / f"venv-{sys.version_info.major}.{sys.version_info.minor}-{name}"
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *requirements],
            check=True,
            capture_output=True,
        )
        complete.touch()
    return python


@pytest.mark.parametrize(("alembic", "sqlalchemy"), [("1.13.3", "1.4.54"), ("1.13.3", "2.0.36")])
def test_a_history_on_older_releases(
    alembic: str, sqlalchemy: str, postgres15: Server, tmp_path: Path
) -> None:
    python = interpreter(f"alembic=={alembic}", f"sqlalchemy=={sqlalchemy}", "psycopg2-binary")
    project = MWDB.project(tmp_path)
    env_py = project.env_py
    env_py.write_text(
        env_py.read_text().replace(
            'os.environ["DATABASE_URL"]',
            'os.environ["DATABASE_URL"].replace("+psycopg:", "+psycopg2:")',
        )
    )
    report = gate_on(
        postgres15,
        project,
        options=GateOptions(python=str(python), time_limit=60),
        progress=Recorder(),
    )
    assert report.versions["sqlalchemy"] == sqlalchemy
    assert report.versions["alembic"] == alembic
    if sqlalchemy.startswith("1.4"):
        assert report.observed == 49
        assert sum(code == "AP902" for code, _ in codes(report)) == 13
    else:
        assert ("AP901", "6a7aefae72d3") in codes(report)
