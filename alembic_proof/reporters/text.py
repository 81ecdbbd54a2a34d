"""Owns the report for people: findings with their source lines, then counts and coverage."""

from __future__ import annotations

import ast
import posixpath
import textwrap
from collections.abc import Callable, Sequence

from alembic_proof.findings import Confidence, Finding, Report, Severity
from alembic_proof.reporters.excerpt import excerpt
from alembic_proof.reporters.style import Style, counted

SourceLines = Callable[[str], Sequence[str]]
"""The lines of a file of the project, by the path in the finding; empty when there is no such file."""

_LOOKS = {
    Severity.ERROR: ("red", "bold"),
    Severity.WARNING: ("yellow", "bold"),
    Severity.INFO: ("cyan",),
}


def render_text(report: Report, source: SourceLines, style: Style) -> str:
    """The findings of one project by file and line, and the summary."""
    blocks = finding_blocks(report.findings, report.project, source, style)
    blocks.append(_summary(report, style))
    return joined(blocks)


def finding_blocks(
    findings: Sequence[Finding], project: str, source: SourceLines, style: Style
) -> list[list[str]]:
    """The lines of each finding by file and line; those for information follow, rule by rule."""
    blocks: list[list[str]] = []
    cures: set[tuple[str, str]] = set()
    for_information: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=lambda item: item.sort_key):
        if finding.severity is Severity.INFO:
            for_information.setdefault(finding.code, []).append(finding)
            continue
        cure = (finding.code, finding.help)
        blocks.append(_full(finding, project, source, style, known_cure=cure in cures))
        cures.add(cure)
    return blocks + [_compact(group, project, style) for group in for_information.values()]


def joined(blocks: Sequence[Sequence[str]]) -> str:
    """Blocks of lines as text, with an empty line between them."""
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def coverage_lines(report: Report) -> list[str]:
    """How much was read and judged, and for which PostgreSQL."""
    operations = report.operations
    read = f"{counted(len(report.revisions), 'revision')} judged of {report.read:,} read"
    understood = f"{counted(operations.seen, 'operation')}, {operations.understood:,} understood"
    return [
        f"{read}; {understood}",
        f"PostgreSQL {report.postgres} ({report.postgres_source})",
    ]


def counts_line(findings: Sequence[Finding], allowed: int) -> str:
    """The number of findings by severity: "3 findings: 2 errors, 1 info; 1 more allowed"."""
    counts = [
        counted(number, *_NOUNS[severity])
        for severity in reversed(Severity)
        if (number := sum(finding.severity is severity for finding in findings))
    ]
    by_severity = f": {', '.join(counts)}" if counts else ""
    more = f"; {allowed:,} allowed" if allowed else ""
    return f"{counted(len(findings), 'finding')}{by_severity}{more}"


_NOUNS = {
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.INFO: ("info", "info"),
}


def _full(
    finding: Finding, project: str, source: SourceLines, style: Style, *, known_cure: bool
) -> list[str]:
    title = style.paint(f"{finding.severity.value} {finding.code}", *_LOOKS[finding.severity])
    lines = [
        f"{title} {style.paint(finding.rule, 'bold')}",
        f"  {style.paint('-->', 'blue')} {_place(finding, project)}{_origin(finding)}",
        *(
            f"  {line}"
            for line in excerpt(source(finding.path), finding.line, finding.column, style)
        ),
        *style.wrap(finding.message, indent="  "),
    ]
    if known_cure:
        lines.append(f"  {style.paint('fix', 'green')}: as for {finding.code} above")
    elif finding.help:
        lines += _cure(finding.help, style)
    if finding.note and not finding.message.endswith(finding.note):
        lines += labelled("note", "cyan", finding.note, style)
    return lines


def _cure(text: str, style: Style) -> list[str]:
    prose, code = prose_and_code(text)
    label = f"  {style.paint('fix', 'green')}:"
    lines = labelled("fix", "green", prose, style) if prose else [label]
    return lines + [f"      {line}".rstrip() for line in code.splitlines()]


def prose_and_code(cure: str) -> tuple[str, str]:
    """A cure's sentence and the Python to copy that follows it; either may be empty."""
    if _is_code(cure):
        return "", cure
    first, _, rest = cure.partition("\n")
    return (first, rest) if rest and _is_code(rest) else (cure, "")


def _is_code(text: str) -> bool:
    """Whether it is Python that does something, or says in comments where to do it."""
    try:
        body = ast.parse(textwrap.dedent(text)).body
    except SyntaxError:
        return False
    return all(not isinstance(item, ast.Expr) or isinstance(item.value, ast.Call) for item in body)


def _compact(findings: Sequence[Finding], project: str, style: Style) -> list[str]:
    """Findings of one rule: their places and messages, and the cure of the first."""
    first = findings[0]
    title = style.paint(f"info {first.code}", *_LOOKS[Severity.INFO])
    lines = [f"{title} {style.paint(first.rule, 'bold')}"]
    for finding in findings:
        lines.append(f"  {style.paint('-->', 'blue')} {_place(finding, project)}")
        lines += style.wrap(finding.message, indent="      ")
    return lines + (_cure(first.help, style) if first.help else [])


def labelled(label: str, look: str, text: str, style: Style) -> list[str]:
    """A text behind a painted label, indented by two columns."""
    first, *rest = style.wrap(text, indent="    ", first=f"  {label}: ")
    return [first.replace(label, style.paint(label, look), 1), *rest]


def _place(finding: Finding, project: str) -> str:
    path = posixpath.normpath(posixpath.join(project, finding.path))
    return f"{path}:{finding.line}:{finding.column}"


def _origin(finding: Finding) -> str:
    remarks = []
    if finding.source == "observed":
        remarks.append("observed")
    if finding.confidence is not Confidence.HIGH:
        remarks.append(f"{finding.confidence.value} confidence")
    return f" ({', '.join(remarks)})" if remarks else ""


def _summary(report: Report, style: Style) -> list[str]:
    lines = [
        line
        for failure in report.failures
        for line in labelled("incomplete", "red", failure, style)
    ]
    lines += [line for note in report.notes for line in labelled("note", "cyan", note, style)]
    verdict, looks = _verdict(report)
    return [
        *(line.removeprefix("  ") for line in lines),
        *(style.paint(line, *looks) for line in style.wrap(verdict)),
        *coverage_lines(report),
    ]


def _verdict(report: Report) -> tuple[str, tuple[str, ...]]:
    allowed = f"; {len(report.allowed):,} allowed" if report.allowed else ""
    missed = report.operations.seen - report.operations.understood
    if report.findings:
        worst = max((finding.severity for finding in report.findings), key=lambda item: item.rank)
        return counts_line(report.findings, len(report.allowed)), _LOOKS[worst]
    if report.failures:
        return f"no findings, but the run is incomplete{allowed}", ("red", "bold")
    if not report.revisions:
        return "nothing to judge", ("yellow",)
    if missed:
        unread = f"{counted(missed, 'operation')} not understood"
        return f"no findings in what was understood; {unread}{allowed}", ("yellow",)
    return f"no findings{allowed}", ("green",)
