"""Owns the gate's report for people: every revision with its times, the findings, go or no-go."""

from __future__ import annotations

from alembic_proof.findings import GateReport, RevisionRun
from alembic_proof.reporters.style import Style, counted
from alembic_proof.reporters.text import (
    SourceLines,
    counts_line,
    finding_blocks,
    joined,
    labelled,
)

STEPS = ("upgrade", "downgrade", "second upgrade")
_TIME_WIDTH = 15
_MOST_ID_WIDTH = 20


def render_gate(report: GateReport, source: SourceLines, style: Style, *, passed: bool) -> str:
    """The gate's report; ``passed`` is the verdict on it."""
    blocks = [
        _table(report, style),
        *finding_blocks(report.findings, report.project, source, style),
        _summary(report, style, passed=passed),
    ]
    return joined(blocks)


def _table(report: GateReport, style: Style) -> list[str]:
    longest = max((len(run.revision) for run in report.revisions), default=0)
    width = min(max(longest, len("revision")), _MOST_ID_WIDTH)
    headings = "".join(f"{step:>{_TIME_WIDTH}}" for step in STEPS)
    lines = [style.paint(f"{'revision':<{width}}{headings}  outcome", "bold")]
    lines += [_row(run, report, width, style) for run in report.revisions]
    return lines


def _row(run: RevisionRun, report: GateReport, width: int, style: Style) -> str:
    times = "".join(f"{_time(run.seconds.get(step)):>{_TIME_WIDTH}}" for step in STEPS)
    return f"{run.revision:<{width}}{times}  {_outcome(run, report, style)}"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _outcome(run: RevisionRun, report: GateReport, style: Style) -> str:
    if run.outcome == "not run":
        return style.paint("not run", "yellow")
    codes = [finding.code for finding in report.findings if finding.revision == run.revision]
    return style.paint(" ".join(codes), "red", "bold") if codes else style.paint("ok", "green")


def _summary(report: GateReport, style: Style, *, passed: bool) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    before = (
        f" after {counted(report.applied_before, 'earlier one')}" if report.applied_before else ""
    )
    ran = (
        f"{counted(report.observed, 'revision')} run of {len(report.revisions):,} pending{before}, "
        f"in {report.seconds:.1f} s, on {report.server}"
    )
    notes = [
        line.removeprefix("  ")
        for note in report.notes
        for line in labelled("note", "cyan", note, style)
    ]
    verdict = style.paint("go", "green", "bold") if passed else style.paint("no-go", "red", "bold")
    return [
        *notes,
        *style.wrap(f"{ran} ({versions})" if versions else ran),
        f"{verdict}: {_reason(report, passed=passed)}",
    ]


def _reason(report: GateReport, *, passed: bool) -> str:
    unrun = len(report.revisions) - report.observed
    reasons = []
    if report.findings:
        reasons.append(counts_line(report.findings, 0))
    if unrun:
        reasons.append(f"{counted(unrun, 'revision')} not run")
    if passed and not reasons:
        return "every pending revision went up, down and up again"
    return "; ".join(reasons) or "nothing was run"
