"""Which downgrades count as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_proof.findings import Severity
from tests.projects import write_project
from tests.rules.examples import lint_after, revision_text

ACTS = 'op.create_table("a", sa.Column("id", sa.Integer(), primary_key=True))'


def severities(tmp_path: Path, upgrade: str, downgrade: str | None) -> list[Severity]:
    """The severities of missing-downgrade for one revision with these bodies."""
    text = revision_text(upgrade, "r1", "base", downgrade=downgrade)
    files = {"base": revision_text("pass", "base", None, downgrade="pass"), "r1": text}
    report = lint_after(write_project(tmp_path / "p", files), "base")
    assert report.failures == ()
    return [item.severity for item in report.findings if item.code == "AP401"]


@pytest.mark.parametrize(
    "downgrade",
    [
        pytest.param(None, id="missing"),
        pytest.param("pass", id="pass"),
        pytest.param('"""Nothing to do."""', id="docstring"),
        pytest.param("...", id="ellipsis"),
        pytest.param("return", id="return"),
        pytest.param("conn = op.get_bind()", id="only a connection"),
        pytest.param("op.execute('SELECT 1')", id="only a query"),
    ],
)
def test_downgrade_that_does_nothing(downgrade: str | None, tmp_path: Path) -> None:
    assert severities(tmp_path, ACTS, downgrade) == [Severity.WARNING]


@pytest.mark.parametrize(
    "raised", ["NotImplementedError", "NotImplementedError()", "Exception('')"]
)
def test_downgrade_that_raises_without_a_reason(raised: str, tmp_path: Path) -> None:
    assert severities(tmp_path, ACTS, f"raise {raised}") == [Severity.INFO]


@pytest.mark.parametrize(
    "downgrade",
    [
        pytest.param('op.drop_table("a")', id="drops"),
        pytest.param("op.execute('DROP TABLE a')", id="sql"),
        pytest.param("raise NotImplementedError('restore from backup')", id="reason"),
        pytest.param("op.execute(unknown())", id="something unresolved"),
    ],
)
def test_downgrade_that_counts(downgrade: str, tmp_path: Path) -> None:
    assert severities(tmp_path, ACTS, downgrade) == []


@pytest.mark.parametrize(
    "upgrade",
    [
        "pass",
        "op.execute('SELECT 1')",
        '"""Merge."""',
        "op.execute('UPDATE a SET b = 1 WHERE c = 2')",
    ],
)
def test_nothing_to_take_back(upgrade: str, tmp_path: Path) -> None:
    assert severities(tmp_path, upgrade, "pass") == []
