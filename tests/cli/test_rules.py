"""``rules`` and ``explain``."""

from __future__ import annotations

import json

import pytest

from alembic_proof.gate.checks.catalogue import GATE_FINDINGS, GateFinding
from alembic_proof.gate.checks.round_trip import RULES as REPORTED
from alembic_proof.rules import all_rules
from alembic_proof.rules.base import HEADINGS, Rule
from tests.cli.command import Command

RULES: tuple[Rule | GateFinding, ...] = (*all_rules(), *GATE_FINDINGS)


def test_every_rule_is_listed(command: Command) -> None:
    outcome = command("rules")
    assert outcome.status == 0
    for rule in RULES:
        assert f"{rule.code}  {rule.name} ({rule.severity.value})\n" in outcome.stdout
    assert max(map(len, outcome.stdout.splitlines())) <= 80


def test_rules_as_json(command: Command) -> None:
    document = json.loads(command("rules", "--format", "json").stdout)
    assert document["version"] == 1
    assert [item["code"] for item in document["rules"]] == [rule.code for rule in RULES]
    assert document["rules"][0].keys() == {"code", "rule", "severity", "confidence", "summary"}


@pytest.mark.parametrize("name", ["AP101", "ap101", "blocking-index-build"])
def test_a_rule_is_explained_by_code_or_name(command: Command, name: str) -> None:
    outcome = command("explain", name)
    assert outcome.status == 0
    lines = outcome.stdout.splitlines()
    assert lines[0] == "AP101 blocking-index-build (error, high confidence)"
    assert [line for line in lines if line in HEADINGS] == list(HEADINGS)
    bad, good = lines.index("Bad"), lines.index("Good")
    assert lines[bad + 1].startswith("    op.create_index(")
    assert lines[good + 1] == "    with op.get_context().autocommit_block():"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_can_be_explained(command: Command, rule: Rule | GateFinding) -> None:
    lines = command("explain", rule.name).stdout.splitlines()
    assert [line for line in lines if line in HEADINGS] == list(HEADINGS)
    assert not any(line.startswith("## ") for line in lines)


def test_a_misspelt_rule_gets_the_nearest(command: Command) -> None:
    outcome = command("explain", "blocking-index-bild")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr == (
        "error: there is no rule 'blocking-index-bild'\n"
        "hint: did you mean 'blocking-index-build'?\n"
    )


def test_nonsense_gets_the_list(command: Command) -> None:
    assert "hint: `alembic-proof rules` lists them" in command("explain", "qqqq").stderr


def test_what_the_gate_reports_is_what_is_documented() -> None:
    assert {item.code: item.name for item in GATE_FINDINGS} == REPORTED
