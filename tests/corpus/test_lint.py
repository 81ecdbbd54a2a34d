"""Real histories are read whole: every revision judged, most operations understood, nothing crashes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from alembic_proof.config import Config
from alembic_proof.findings import Finding, OperationCount
from alembic_proof.linter.discover import discover_projects
from alembic_proof.linter.pending import Selection
from alembic_proof.linter.run import LintOptions, lint
from tests.corpus.packages import fetch


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """How many revisions a package has, and the least part of their operations to understand."""

    package: str
    version: str
    revisions: int
    understood: float


PACKAGES = (
    Expected("apache-superset", "6.1.0", 344, 0.94),
    Expected("zenml", "0.98.0", 285, 0.95),
    Expected("langflow-base", "1.13.0", 162, 0.92),
    Expected("faradaysec", "5.25.2", 155, 0.99),
    Expected("apache-airflow-core", "3.3.2", 124, 0.99),
    Expected("aiida-core", "2.9.4", 110, 0.90),
    Expected("privacyidea", "3.14", 110, 0.98),
    Expected("flexmeasures", "1.0.1", 108, 0.96),
    Expected("dagster", "1.13.29", 88, 0.96),
    Expected("galaxy-data", "26.1.2", 82, 0.92),
    Expected("mlflow", "3.18.0", 77, 0.95),
    Expected("open-webui", "0.12.4", 66, 0.95),
    Expected("qcfractal", "0.71", 62, 0.99),
    Expected("skypilot", "0.14.1", 58, 0.95),
    Expected("mwdb-core", "2.20.0", 49, 0.99),
    Expected("mage-ai", "0.9.80", 40, 0.97),
    Expected("arize-phoenix", "20.26.1", 35, 0.99),
    Expected("argilla-server", "2.8.0", 24, 1.0),
)


@pytest.mark.parametrize("expected", PACKAGES, ids=lambda item: item.package)
def test_a_real_history_is_read(expected: Expected) -> None:
    folder: Path = fetch(expected.package, expected.version)
    revisions = 0
    operations = OperationCount()
    findings: list[Finding] = []
    for project in discover_projects(folder):
        options = LintOptions(selection=Selection(all=True), use_cache=False)
        report = lint(project, Config(), options)
        assert report.failures == ()
        revisions += len(report.revisions)
        operations += report.operations
        findings += report.findings
    assert revisions == expected.revisions
    assert operations.understood >= expected.understood * operations.seen
    unresolved = sum(finding.code == "AP001" for finding in findings)
    assert (unresolved == 0) == (operations.understood == operations.seen)
