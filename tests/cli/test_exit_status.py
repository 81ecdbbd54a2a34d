"""Which exit status a result has."""

from __future__ import annotations

import pytest

from alembic_proof.cli.exit_status import ExitStatus, of_gate, of_report, worst
from alembic_proof.findings import GateReport, Report, Severity
from tests.reporters.reports import CLEAN, NOT_RUN, finding, gate_report, report

WARNING = finding(severity=Severity.WARNING)


@pytest.mark.parametrize(
    ("of", "fail_on", "status"),
    [
        (report(), Severity.INFO, ExitStatus.CLEAN),
        (report(WARNING), Severity.ERROR, ExitStatus.CLEAN),
        (report(WARNING), Severity.WARNING, ExitStatus.FINDINGS),
        (report(WARNING), Severity.INFO, ExitStatus.FINDINGS),
        (report(allowed=(WARNING,)), Severity.INFO, ExitStatus.CLEAN),
        (report(revisions=()), Severity.WARNING, ExitStatus.CLEAN),
        (report(read=0, revisions=()), Severity.WARNING, ExitStatus.CANNOT),
        (report(failures=("a rule crashed",)), Severity.ERROR, ExitStatus.CANNOT),
        (report(WARNING, failures=("a rule crashed",)), Severity.INFO, ExitStatus.CANNOT),
    ],
)
def test_a_report(of: Report, fail_on: Severity, status: ExitStatus) -> None:
    assert of_report(of, fail_on) is status


@pytest.mark.parametrize(
    ("of", "fail_on", "status"),
    [
        (gate_report(), Severity.INFO, ExitStatus.CLEAN),
        (gate_report(WARNING), Severity.ERROR, ExitStatus.CLEAN),
        (gate_report(WARNING), Severity.WARNING, ExitStatus.FINDINGS),
        (gate_report(WARNING, revisions=(CLEAN, NOT_RUN)), Severity.ERROR, ExitStatus.FINDINGS),
        (gate_report(revisions=(NOT_RUN,)), Severity.ERROR, ExitStatus.CANNOT),
        (gate_report(revisions=()), Severity.ERROR, ExitStatus.CANNOT),
    ],
)
def test_a_gate_run(of: GateReport, fail_on: Severity, status: ExitStatus) -> None:
    assert of_gate(of, fail_on) is status


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([], ExitStatus.CANNOT),
        ([0, 0], ExitStatus.CLEAN),
        ([0, 3], ExitStatus.WAITING),
        ([3, 1, 0], ExitStatus.FINDINGS),
        ([1, 2, 3], ExitStatus.CANNOT),
    ],
)
def test_several_results(statuses: list[int], status: ExitStatus) -> None:
    assert worst([ExitStatus(item) for item in statuses]) is status
