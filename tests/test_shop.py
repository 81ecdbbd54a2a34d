"""The shop fixture: what is reported is exactly what stands on the lines."""

from __future__ import annotations

import re
from pathlib import Path

from alembic_proof.config import load_config
from alembic_proof.linter.discover import discover_projects
from alembic_proof.linter.pending import Selection
from alembic_proof.linter.run import LintOptions, lint

SHOP = Path(__file__).parent.parent / "fixtures" / "shop"


def expectations(project: Path) -> set[tuple[str, int, str]]:
    """(path, line, code) of every ``# expect: AP101, AP105`` below a folder."""
    found = set()
    for file in project.rglob("*.py"):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            marker = re.search(r"# expect: ([A-Z0-9, ]+)$", line)
            for code in marker.group(1).split(",") if marker else ():
                found.add((file.relative_to(project).as_posix(), number, code.strip()))
    return found


def test_the_shop_reports_what_its_lines_expect() -> None:
    (project,) = discover_projects(SHOP)
    options = LintOptions(selection=Selection(all=True), use_cache=False)
    report = lint(project, load_config(project.root), options)
    reported = {(item.path, item.line, item.code) for item in report.findings}
    assert reported == expectations(SHOP)
    assert len(reported) >= 8
    assert report.operations.seen == report.operations.understood > 20
    assert [item.rule for item in report.allowed] == ["blocking-index-build"]
