"""Small migrations and the steps they are read as: see the files in ``reader_cases``.

A case is a heading, the migration, a line of dashes, and one line for each step. A migration
without ``def upgrade`` is the body of one.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from alembic_proof.linter.python.reader import read_revision
from tests.linter.reading_steps import describe_steps

FOLDER = Path(__file__).parent / "reader_cases"
HEADER = """\
\"\"\"A case\"\"\"
import sqlalchemy as sa
from alembic import context, op
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql
revision = "a1"
down_revision = None
"""


def _cases() -> list[ParameterSet]:
    cases = []
    for file in sorted(FOLDER.glob("*.txt")):
        for block in file.read_text(encoding="utf-8").split("\n### ")[1:]:
            heading, _, rest = block.partition("\n")
            migration, _, expected = rest.partition("\n---\n")
            cases.append(
                pytest.param(migration, expected.strip(), id=f"{file.stem}: {heading.strip()}")
            )
    return cases


def _source(migration: str) -> str:
    if "def upgrade" in migration:
        return HEADER + migration
    return f"{HEADER}\n\ndef upgrade():\n{textwrap.indent(migration, '    ')}\n"


@pytest.mark.parametrize(("migration", "expected"), _cases())
def test_migration_is_read_as(tmp_path: Path, migration: str, expected: str) -> None:
    file = tmp_path / "versions" / "a1_case.py"
    file.parent.mkdir()
    file.write_text(_source(migration), encoding="utf-8")
    revision = read_revision(file, root=tmp_path)
    assert revision is not None
    assert revision.upgrade is not None
    assert "\n".join(describe_steps(revision.upgrade.steps)) == expected
