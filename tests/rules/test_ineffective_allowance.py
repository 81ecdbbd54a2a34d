"""Allowances without effect are findings of their own, and cannot be allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_proof.findings import Report
from tests.projects import write_project
from tests.rules.cases import BASE_FILE
from tests.rules.examples import DEFAULT_CONFIGURE, ENVIRONMENT_FILE, lint_after, revision_text

INDEX = 'op.create_index("i", "orders", ["total"])'


def report_of(tmp_path: Path, upgrade: str) -> Report:
    files = {
        "base": BASE_FILE.read_text("utf-8"),
        "r1": revision_text(upgrade, "r1", "base"),
    }
    environment = ENVIRONMENT_FILE.replace("{configure}", DEFAULT_CONFIGURE)
    report = lint_after(write_project(tmp_path / "p", files, environment=environment), "base")
    assert report.failures == ()
    return report


@pytest.mark.parametrize("rule", ["AP101", "blocking-index-build", "ap101"])
def test_allowance_with_a_reason(rule: str, tmp_path: Path) -> None:
    report = report_of(tmp_path, f"{INDEX}  # alembic-proof: allow[{rule}] -- 400 rows")
    assert report.findings == ()
    assert [finding.code for finding in report.allowed] == ["AP101"]


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        pytest.param("allow[AP101]", {"AP003", "AP101"}, id="no reason"),
        pytest.param("allow[AP999] -- because", {"AP003", "AP101"}, id="unknown rule"),
        pytest.param("allow[AP104] -- because", {"AP003", "AP101"}, id="unused"),
        pytest.param("allow[AP101] -- x (until 2001-01-01)", {"AP003", "AP101"}, id="expired"),
        pytest.param("allow AP101", {"AP003", "AP101"}, id="malformed"),
        pytest.param("allow[AP101, AP003] -- because", {"AP003"}, id="not allowable"),
    ],
)
def test_allowance_without_effect(comment: str, codes: set[str], tmp_path: Path) -> None:
    report = report_of(tmp_path, f"{INDEX}  # alembic-proof: {comment}")
    assert {finding.code for finding in report.findings} == codes
    about = next(finding for finding in report.findings if finding.code == "AP003")
    assert (about.revision, about.path) == ("r1", "migrations/versions/r1.py")
    assert about.help
