"""Every command that the documentation shows is run, and does what the documentation shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from alembic_proof.config import Config, describe
from alembic_proof.gate.checks.catalogue import GATE_FINDINGS
from alembic_proof.reporters.json import GateDocument, ReportDocument, json_schema
from tests.cli.command import Command

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
ANYTHING = "…"
DURATION = re.compile(r"\b\d+\.\d+ s\b")


def shown(page: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The arguments of each ``alembic-proof`` command in a page's console blocks, and its output."""
    for block in re.findall(r"^```console\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.M):
        for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *output = session.rstrip("\n").split("\n")
            program, *args = shlex.split(line)
            if program == "alembic-proof":
                yield args, output


def normal(lines: Sequence[str]) -> list[str]:
    """Lines without what differs from run to run: durations, and the spaces that align them."""
    return [" ".join(DURATION.sub("0.00 s", line).split()) for line in lines]


def matches(actual: Sequence[str], expected: Sequence[str]) -> bool:
    """Whether the lines are the expected ones; a line ``…`` stands for any lines."""
    if not expected:
        return not actual
    first, *rest = expected
    if first == ANYTHING:
        return any(matches(actual[start:], rest) for start in range(len(actual) + 1))
    return bool(actual) and actual[0] == first and matches(actual[1:], rest)


COMMANDS = [
    pytest.param(args, output, id=f"{page.stem}: {shlex.join(args)}")
    for page in PAGES
    for args, output in shown(page)
]


@pytest.mark.parametrize(("args", "output"), COMMANDS)
def test_a_command_does_what_is_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch, args: list[str], output: list[str]
) -> None:
    monkeypatch.chdir(ROOT)
    outcome = command(*args)
    assert outcome.status in (0, 1), outcome.stderr
    actual = normal(outcome.stdout.splitlines())
    assert not output or matches(actual, normal(output)), outcome.stdout


def test_the_readme_shows_both_witnesses() -> None:
    commands = [args[0] for args, output in shown(ROOT / "README.md") if output]
    assert {"lint", "gate"} <= set(commands)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+?) \|", text, flags=re.MULTILINE))
    assert {key: default.strip("`") for key, default in rows.items()} == {
        key: value for key, value, _ in describe(Config())
    }


@pytest.mark.parametrize("document", [ReportDocument, GateDocument])
def test_every_field_of_json_is_documented(document: type[ReportDocument | GateDocument]) -> None:
    text = (ROOT / "docs" / "json.md").read_text("utf-8")
    definitions = json_schema(document)["$defs"].values()
    fields = {name for definition in definitions for name in definition.get("properties", ())}
    assert {name for name in fields if f"`{name}`" not in text} == set()


def test_every_finding_of_the_gate_is_documented() -> None:
    text = (ROOT / "docs" / "gate.md").read_text("utf-8")
    assert [
        item.code for item in GATE_FINDINGS if f"| {item.code} `{item.name}` |" not in text
    ] == []


def test_the_architecture_names_what_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    package = ROOT / "alembic_proof"
    modules = {path.name for path in package.glob("[a-z]*.py")}
    rooms = {f"{path.parent.name}/" for path in package.glob("[a-z]*/__init__.py")}
    assert {name for name in modules | rooms if f"\n  {name} " not in text} == set()
    named = set(re.findall(r"\b([a-z_]+\.py)\b", text)) - {"env.py"}
    there = {path.name for folder in (package, ROOT / "tests") for path in folder.rglob("*.py")}
    assert named - there == set()
