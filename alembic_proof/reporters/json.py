"""Owns JSON version 1: what other programs may rely on. Fields are added, never changed or removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from alembic_proof.effects import Work
from alembic_proof.findings import (
    Confidence,
    Finding,
    GateReport,
    Report,
    RevisionSummary,
    Severity,
)
from alembic_proof.locks import LockMode

VERSION: Literal[1] = 1

Project = Annotated[
    str, Meta(description="folder of the project, as the command line leads to it; `.` is here")
]
Path = Annotated[str, Meta(description="file, relative to the project, with forward slashes")]
Count = Annotated[int, Meta(ge=0)]


class OperationsDocument(msgspec.Struct, frozen=True):
    """Coverage: operations seen in upgrade(), and how many of them were understood."""

    seen: Count
    understood: Count


class FindingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One finding."""

    code: Annotated[str, Meta(description="code of the rule, `AP101`")]
    rule: Annotated[str, Meta(description="name of the rule, `blocking-index-build`")]
    severity: Severity
    confidence: Confidence
    project: Project
    revision: Annotated[str, Meta(description="revision id; empty for the history as a whole")]
    path: Path
    line: Annotated[int, Meta(ge=1, description="counted from 1")]
    column: Annotated[int, Meta(ge=1, description="counted from 1")]
    table: Annotated[str | None, Meta(description="table concerned, null where there is none")]
    message: Annotated[str, Meta(description="what will happen")]
    help: Annotated[str, Meta(description="how to avoid it; indented lines are code")]
    note: Annotated[str, Meta(description="context; empty where there is none")]
    source: Annotated[
        Literal["predicted", "observed"],
        Meta(description="read in the source, or seen on a server by the gate"),
    ]


class EffectDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What the transactions of one revision do to one table."""

    table: str
    lock: Annotated[LockMode, Meta(description="strongest lock held on the table")]
    work: Annotated[Work, Meta(description="heaviest work done while that lock was held")]
    new_table: Annotated[bool, Meta(description="whether the pending release creates the table")]
    why: Annotated[str, Meta(description="the cause of that work, as a clause")]


class RevisionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One judged revision."""

    revision: Annotated[str, Meta(description="revision id")]
    project: Project
    path: Path
    phase: Annotated[
        str, Meta(description="`expand`, `backfill`, `contract`, `neutral` or `mixed`")
    ]
    new_tables: tuple[str, ...]
    operations: OperationsDocument
    effects: tuple[EffectDocument, ...]


class ProjectDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of one project, and for which PostgreSQL it was judged."""

    project: Project
    postgres: Annotated[str, Meta(description="major version judged for")]
    postgres_source: Annotated[str, Meta(description="how that version was known")]
    revisions_read: Count
    revisions_judged: Count
    notes: tuple[str, ...]


class SummaryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over all projects."""

    findings: Count
    errors: Count
    warnings: Count
    infos: Count
    allowed: Annotated[int, Meta(ge=0, description="findings that an allowance covers")]
    revisions_read: Count
    revisions_judged: Count
    operations: OperationsDocument
    complete: Annotated[
        bool, Meta(description="false when part of the job could not be done; see `failures`")
    ]
    failures: Annotated[tuple[str, ...], Meta(description="what could not be done, and why")]
    projects: tuple[ProjectDocument, ...]


class ReportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `alembic-proof lint --format json` and `alembic-proof effects --format json`."""

    version: Annotated[Literal[1], Meta(description="version of this format")]
    postgres: Annotated[
        str,
        Meta(
            description="major version judged for; the oldest where projects differ "
            "(`summary.projects` has each)"
        ),
    ]
    findings: tuple[FindingDocument, ...]
    allowed: Annotated[
        tuple[FindingDocument, ...], Meta(description="findings that an allowance covers")
    ]
    revisions: Annotated[tuple[RevisionDocument, ...], Meta(description="judged, in order")]
    summary: SummaryDocument


class RunDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate did with one pending revision."""

    revision: Annotated[str, Meta(description="revision id")]
    project: Project
    path: Path
    outcome: Annotated[
        Literal["clean", "findings", "not run"],
        Meta(description="`not run`: an earlier revision cannot be applied"),
    ]
    seconds: Annotated[
        dict[str, float],
        Meta(description="of each step that ended well: upgrade, downgrade, second upgrade"),
    ]


class GateSummaryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a gate run."""

    findings: Count
    errors: Count
    warnings: Count
    infos: Count
    revisions_run: Count
    revisions_not_run: Count
    applied_before: Annotated[
        int, Meta(ge=0, description="revisions applied first, in one go and unchecked")
    ]
    seconds: float
    notes: tuple[str, ...]


class GateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `alembic-proof gate --format json`."""

    version: Annotated[Literal[1], Meta(description="version of this format")]
    postgres: Annotated[str, Meta(description="major version of the server")]
    server: Annotated[str, Meta(description="the server, for people")]
    versions: Annotated[
        dict[str, str], Meta(description="of the project's Python, Alembic, SQLAlchemy, drivers")
    ]
    passed: Annotated[bool, Meta(description="go, or no-go")]
    findings: tuple[FindingDocument, ...]
    revisions: Annotated[tuple[RunDocument, ...], Meta(description="pending, in order")]
    summary: GateSummaryDocument


def render_json(reports: Sequence[Report], failures: Sequence[str] = ()) -> str:
    """One document for all projects of a run, indented, with a line feed at the end.

    ``failures`` says why there is no report for other projects.
    """
    encoded = msgspec.json.encode(document(reports, failures))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def render_gate_json(report: GateReport, *, passed: bool) -> str:
    """The gate's document, indented, with a line feed at the end."""
    encoded = msgspec.json.encode(_gate_document(report, passed=passed))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def json_schema(of: type[ReportDocument | GateDocument] = ReportDocument) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document of version 1."""
    schema = msgspec.json.schema(of)
    for definition in schema["$defs"].values():
        definition["description"] = definition["description"].partition("\n")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def document(reports: Sequence[Report], failures: Sequence[str] = ()) -> ReportDocument:
    """The reports as one document; ``failures`` as in :func:`render_json`.

    Raises:
        ValueError: there is no report.

    """
    return ReportDocument(
        version=VERSION,
        postgres=str(min(report.postgres for report in reports)),
        findings=tuple(
            _finding(finding, report.project)
            for report in reports
            for finding in _in_order(report.findings)
        ),
        allowed=tuple(
            _finding(finding, report.project)
            for report in reports
            for finding in _in_order(report.allowed)
        ),
        revisions=tuple(
            _revision(revision, report) for report in reports for revision in report.revisions
        ),
        summary=_summary(reports, failures),
    )


def _in_order(findings: Iterable[Finding]) -> Iterator[Finding]:
    return iter(sorted(findings, key=lambda finding: finding.sort_key))


def _finding(finding: Finding, project: str) -> FindingDocument:
    return FindingDocument(
        code=finding.code,
        rule=finding.rule,
        severity=finding.severity,
        confidence=finding.confidence,
        project=project,
        revision=finding.revision,
        path=finding.path,
        line=finding.line,
        column=finding.column,
        table=finding.table,
        message=finding.message,
        help=finding.help,
        note=finding.note,
        source=finding.source,
    )


def _revision(revision: RevisionSummary, report: Report) -> RevisionDocument:
    return RevisionDocument(
        revision=revision.revision,
        project=report.project,
        path=revision.path,
        phase=revision.phase,
        new_tables=revision.new_tables,
        operations=OperationsDocument(revision.operations.seen, revision.operations.understood),
        effects=tuple(
            EffectDocument(
                table=effect.table,
                lock=effect.lock,
                work=effect.work,
                new_table=effect.new_table,
                why=effect.why,
            )
            for effect in revision.effects
        ),
    )


def _summary(reports: Sequence[Report], others: Sequence[str]) -> SummaryDocument:
    failures = (*others, *(failure for report in reports for failure in report.failures))
    counts = {severity: sum(report.count(severity) for report in reports) for severity in Severity}
    return SummaryDocument(
        findings=sum(counts.values()),
        errors=counts[Severity.ERROR],
        warnings=counts[Severity.WARNING],
        infos=counts[Severity.INFO],
        allowed=sum(len(report.allowed) for report in reports),
        revisions_read=sum(report.read for report in reports),
        revisions_judged=sum(len(report.revisions) for report in reports),
        operations=OperationsDocument(
            sum(report.operations.seen for report in reports),
            sum(report.operations.understood for report in reports),
        ),
        complete=not failures,
        failures=failures,
        projects=tuple(
            ProjectDocument(
                project=report.project,
                postgres=str(report.postgres),
                postgres_source=report.postgres_source,
                revisions_read=report.read,
                revisions_judged=len(report.revisions),
                notes=report.notes,
            )
            for report in reports
        ),
    )


def _gate_document(report: GateReport, *, passed: bool) -> GateDocument:
    counts = {
        severity: sum(finding.severity is severity for finding in report.findings)
        for severity in Severity
    }
    return GateDocument(
        version=VERSION,
        postgres=str(report.postgres),
        server=report.server,
        versions=report.versions,
        passed=passed,
        findings=tuple(_finding(finding, report.project) for finding in _in_order(report.findings)),
        revisions=tuple(
            RunDocument(
                revision=run.revision,
                project=report.project,
                path=run.path,
                outcome=run.outcome,
                seconds=run.seconds,
            )
            for run in report.revisions
        ),
        summary=GateSummaryDocument(
            findings=len(report.findings),
            errors=counts[Severity.ERROR],
            warnings=counts[Severity.WARNING],
            infos=counts[Severity.INFO],
            revisions_run=report.observed,
            revisions_not_run=len(report.revisions) - report.observed,
            applied_before=report.applied_before,
            seconds=report.seconds,
            notes=report.notes,
        ),
    )
