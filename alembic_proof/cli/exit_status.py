"""Owns the exit statuses: what each means, and which one a result has."""

from __future__ import annotations

import enum

from alembic_proof.findings import GateReport, Report, Severity


class ExitStatus(enum.IntEnum):
    """What the process tells its caller.

    ``CLEAN``: the job was done and nothing at or above the failing level was found. ``FINDINGS``:
    something was. ``CANNOT``: the job, or a part of it, could not be done: usage, configuration,
    unreadable input, nothing to check, an interruption, a bug of ours. ``WAITING``: nothing is
    wrong, but a waiting period is not over.
    """

    CLEAN = 0
    FINDINGS = 1
    CANNOT = 2
    WAITING = 3


def of_report(report: Report, fail_on: Severity) -> ExitStatus:
    """The status of one project's report.

    A report that nothing was read for, or that is incomplete, is no pass whatever it found.
    """
    if report.failures or not report.read:
        return ExitStatus.CANNOT
    return ExitStatus.FINDINGS if any(report.at_least(fail_on)) else ExitStatus.CLEAN


def of_gate(report: GateReport, fail_on: Severity) -> ExitStatus:
    """The status of a gate run; one that ran no revision, or not all of them, is no pass."""
    if not report.observed:
        return ExitStatus.CANNOT
    failing = any(finding.severity.rank >= fail_on.rank for finding in report.findings)
    unfinished = report.observed < len(report.revisions)
    return ExitStatus.FINDINGS if failing or unfinished else ExitStatus.CLEAN


def worst(statuses: list[ExitStatus]) -> ExitStatus:
    """The status of a run with several results; no result at all means that nothing was checked."""
    for status in (ExitStatus.CANNOT, ExitStatus.FINDINGS, ExitStatus.WAITING):
        if status in statuses:
            return status
    return ExitStatus.CLEAN if statuses else ExitStatus.CANNOT
