"""Owns the list of what each revision will do, table by table, for people."""

from __future__ import annotations

import posixpath

from alembic_proof.findings import Report, RevisionSummary, TableSummary
from alembic_proof.locks import LockMode
from alembic_proof.reporters.style import Style, counted
from alembic_proof.reporters.text import coverage_lines, joined


def render_effects(report: Report, style: Style) -> str:
    """Every judged revision with its tables: lock, who waits, kind of work, cause."""
    blocks = [_revision(revision, report, style) for revision in report.revisions]
    notes = [
        line
        for label, texts in (("incomplete", report.failures), ("note", report.notes))
        for text in texts
        for line in style.wrap(text, indent="  ", first=f"{label}: ")
    ]
    blocks.append([*notes, *coverage_lines(report)])
    return joined(blocks)


def _revision(revision: RevisionSummary, report: Report, style: Style) -> list[str]:
    path = posixpath.normpath(posixpath.join(report.project, revision.path))
    lines = [f"{style.paint(revision.revision, 'bold')} ({revision.phase}) {path}"]
    for effect in revision.effects:
        lines += _table(effect, style)
    missed = revision.operations.seen - revision.operations.understood
    if not revision.effects and not missed:
        lines.append("  no table is locked")
    if missed:
        lines.append(
            style.paint(f"  {counted(missed, 'operation')} not understood: more may happen", "red")
        )
    return lines


def _table(effect: TableSummary, style: Style) -> list[str]:
    new = " (new)" if effect.new_table else ""
    harm = "" if effect.new_table else f"; {effect.lock.who_waits} wait"
    lines = style.wrap(f"{effect.lock.value}, {effect.work.value}{harm}", indent="      ")
    lines = [style.paint(line, *_looks(effect)) for line in lines]
    if effect.why:
        lines += style.wrap(effect.why, indent="      ")
    return [f"  {style.paint(effect.table, 'bold')}{new}", *lines]


def _looks(effect: TableSummary) -> tuple[str, ...]:
    if effect.new_table or effect.lock is LockMode.ACCESS_SHARE:
        return ("dim",)
    if not effect.lock.blocks_writes:
        return ("green",)
    return ("red",) if effect.work.grows_with_table else ("yellow",)
