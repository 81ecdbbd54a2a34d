"""Every function in ``cases/`` is a release; what is reported is exactly what its lines expect.

The lines of a function become revisions on top of ``cases/base.py``; a line ``# next revision``
begins another one. Line numbers are kept.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.projects import write_project
from tests.rules.cases import BASE_FILE
from tests.rules.examples import DEFAULT_CONFIGURE, ENVIRONMENT_FILE, lint_after

FOLDER = Path(__file__).parent / "cases"

_EXPECTATION = re.compile(r"# expect: (?P<codes>AP\d{3}(?:, AP\d{3})*)$")


@dataclass(frozen=True)
class Case:
    """One function of a case file; ``first`` and ``last`` are its lines, from 1."""

    file: Path
    name: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.file.stem}-{self.name}"

    def expected(self) -> list[tuple[int, str]]:
        """(line, code) of every expectation, in order."""
        lines = self.file.read_text("utf-8").splitlines()
        return sorted(
            (number, code)
            for number in range(self.first, self.last + 1)
            if (match := _EXPECTATION.search(lines[number - 1]))
            for code in match["codes"].split(", ")
        )

    def revisions(self) -> dict[str, str]:
        """The revision files by id, each with the case's lines where they are in the case file."""
        lines = self.file.read_text("utf-8").splitlines()
        functions = next(
            number for number, line in enumerate(lines, start=1) if line.startswith("def ")
        )
        starts = [self.first]
        starts += [
            number
            for number in range(self.first, self.last + 1)
            if lines[number - 1].strip() == "# next revision"
        ]
        files = {}
        parent = "base"
        for position, (start, end) in enumerate(
            zip(starts, [*starts[1:], self.last + 1], strict=True), start=1
        ):
            head = lines[: functions - 1]
            gap = [""] * (start - functions)
            body = lines[start : end - 1]
            revision = f"case{position}"
            tail = [
                "",
                "def downgrade():",
                "    raise NotImplementedError('a case goes one way')",
                "",
                f"revision = {revision!r}",
                f"down_revision = {parent!r}",
            ]
            files[revision] = "\n".join([*head, *gap, "def upgrade():", *body, *tail]) + "\n"
            parent = revision
        return files


def _cases() -> list[Case]:
    return [
        Case(file, node.name, node.lineno, node.end_lineno or node.lineno)
        for file in sorted(FOLDER.glob("*.py"))
        if file not in (BASE_FILE, FOLDER / "__init__.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    ]


@pytest.mark.parametrize("case", _cases(), ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    environment = ENVIRONMENT_FILE.replace("{configure}", DEFAULT_CONFIGURE)
    revisions = {"base": BASE_FILE.read_text("utf-8"), **case.revisions()}
    root = write_project(tmp_path / "project", revisions, environment=environment)
    report = lint_after(root, "base")
    assert report.failures == ()
    reported = sorted((finding.line, finding.code) for finding in report.findings)
    assert reported == case.expected(), [finding.message for finding in report.findings]


def test_there_are_enough_cases() -> None:
    expectations = [len(case.expected()) for case in _cases()]
    assert sum(expectations) >= 90
    assert expectations.count(0) >= 70
