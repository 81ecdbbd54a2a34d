"""The project's conventions: who may import whom, how rules are laid out, how long files are."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from alembic_proof.rules import all_rules, find_rule
from alembic_proof.rules.base import HEADINGS, Rule

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "alembic_proof"
MOST_LINES = 1000

ROOMS = frozenset({"cli", "gate", "linter", "postgres", "releases", "reporters", "rules"})
VOCABULARY = frozenset(
    path.stem for path in PACKAGE.glob("*.py") if path.stem not in ("__init__", "__main__")
)
MIGRATION_RUNNERS = frozenset({"alembic", "sqlalchemy", "psycopg", "psycopg2", "asyncpg", "pg8000"})
SLOW_TO_IMPORT = ("libcst", "sqlglot", "alembic", "sqlalchemy", "psycopg")


@dataclass(frozen=True)
class Import:
    """One import statement: which file imports which module."""

    file: Path
    line: int
    module: str

    @property
    def importer(self) -> str:
        """The importing module, without the package: ``rules.base``."""
        relative = self.file.relative_to(PACKAGE).with_suffix("")
        return ".".join(part for part in relative.parts if part != "__init__")

    @property
    def room(self) -> str:
        """The room the importing file is in; empty for the vocabulary and the package itself."""
        first = self.file.relative_to(PACKAGE).parts[0]
        return first if first in ROOMS else ""

    @property
    def own(self) -> str:
        """The imported module within this package: ``rules.base``; empty for other packages."""
        prefix, _, rest = self.module.partition(".")
        return rest if prefix == "alembic_proof" else ""

    @property
    def package(self) -> str:
        """The top-level package that is imported."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def _python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _imports() -> Iterator[Import]:
    for file in _python_files():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(file, node.lineno, alias.name)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                for alias in node.names:
                    yield Import(file, node.lineno, _imported_module(node.module, alias.name))


def _imported_module(module: str, name: str) -> str:
    """The module that ``from module import name`` imports: ``name`` may be one itself."""
    inner = ROOT.joinpath(*module.split("."), name)
    return f"{module}.{name}" if inner.is_dir() or inner.with_suffix(".py").is_file() else module


def _first(own: str) -> str:
    return own.partition(".")[0]


def _vocabulary_looks_up(item: Import) -> bool:
    return not item.room and _first(item.own) in ROOMS and item.importer != "__main__"


def _rules_look_around(item: Import) -> bool:
    allowed = item.own in ("rules", "rules.base") or _first(item.own) in VOCABULARY
    return item.room == "rules" and bool(item.own) and not allowed


def _postgres_looks_up(item: Import) -> bool:
    allowed = _first(item.own) == "postgres" or _first(item.own) in VOCABULARY
    return item.room == "postgres" and bool(item.own) and not allowed


def _linter_runs_things(item: Import) -> bool:
    runs = _first(item.own) in ("gate", "cli") or item.package in MIGRATION_RUNNERS
    return item.room == "linter" and runs


def _reporters_compute(item: Import) -> bool:
    seen = ("reporters", "findings", "effects", "locks", "errors")
    return item.room == "reporters" and bool(item.own) and _first(item.own) not in seen


def _gate_only_runs_things(item: Import) -> bool:
    return item.package in MIGRATION_RUNNERS | {"testcontainers"} and item.room != "gate"


def _sqlglot_elsewhere(item: Import) -> bool:
    return item.package == "sqlglot" and not item.importer.startswith("linter.sql")


def _libcst_elsewhere(item: Import) -> bool:
    knows = item.importer.startswith("linter.python") or item.importer == "linter.environment"
    return item.package == "libcst" and not knows


def _rooms_know_the_door(item: Import) -> bool:
    return _first(item.own) == "cli" and item.room not in ("cli", "") and bool(item.own)


def _agent_depends_on_us(item: Import) -> bool:
    return item.importer.startswith("gate.agent.") and bool(item.own)


@pytest.mark.parametrize(
    "forbidden",
    [
        _vocabulary_looks_up,
        _rules_look_around,
        _postgres_looks_up,
        _linter_runs_things,
        _reporters_compute,
        _gate_only_runs_things,
        _sqlglot_elsewhere,
        _libcst_elsewhere,
        _rooms_know_the_door,
        _agent_depends_on_us,
    ],
    ids=lambda check: check.__name__.strip("_"),
)
def test_imports_go_one_way(forbidden: Callable[[Import], bool]) -> None:
    assert [str(item) for item in _imports() if forbidden(item)] == []


def test_the_imports_are_seen() -> None:
    found = {(item.importer, item.module) for item in _imports()}
    assert ("rules.base", "alembic_proof.findings") in found
    assert len(found) > 100


def test_no_file_is_too_long() -> None:
    long = {
        str(file.relative_to(ROOT)): count
        for folder in ("alembic_proof", "tests", "scripts", "benchmarks")
        for file in (ROOT / folder).rglob("*.py")
        if (count := len(file.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_the_command_line_starts_fast() -> None:
    code = (
        f"import sys, alembic_proof.cli; print([m for m in {SLOW_TO_IMPORT} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_every_module_has_a_docstring() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in _python_files()
        if not ast.get_docstring(ast.parse(file.read_text("utf-8")))
    ]
    assert silent == []


def test_one_module_is_one_rule() -> None:
    modules = {file.stem for file in (PACKAGE / "rules").glob("*.py")} - {"__init__", "base"}
    assert {rule.name.replace("-", "_") for rule in all_rules()} == modules
    assert len({rule.code for rule in all_rules()}) == len(modules)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_rule_documentation_is_complete(rule: Rule) -> None:
    lines = rule.documentation.splitlines()
    headings = [line.removeprefix("## ") for line in lines if line.startswith("#")]
    assert headings == list(HEADINGS)
    assert rule.summary.endswith(".")
    assert len(rule.summary) <= 100
    for section in rule.documentation.split("## ")[1:]:
        assert section.partition("\n")[2].strip(), f"{section.splitlines()[0]!r} is empty"


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_rule_has_what_a_rule_needs(rule: Rule) -> None:
    assert rule.code.startswith("AP")
    assert len(rule.code) == len("AP101")
    assert rule.given.strip()
    assert rule.bad.strip() != rule.good.strip()
    assert "allow[" not in rule.good
    assert rule.claims
    assert find_rule(rule.name) is rule
    assert find_rule(rule.code.lower()) is rule
