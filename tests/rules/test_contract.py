"""The contract of every rule: its examples are judged as it says, and its claims hold on servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_proof.gate.servers.base import Server
from alembic_proof.objects import Name
from alembic_proof.recipes import LATER_REVISION
from alembic_proof.rules import all_rules
from alembic_proof.rules.base import (
    NEXT_REVISION,
    Breaks,
    Claim,
    Fails,
    Holds,
    Loses,
    Rule,
    Unobservable,
)
from tests.rules.examples import GIVEN, lint_after, write_example
from tests.rules.witness import ROWS, Witness, rows_of, seed, upgrade
from tests.servers import MAJORS, FreshDatabase

every_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)


@every_rule
@pytest.mark.parametrize("major", MAJORS)
def test_bad_example_is_reported(rule: Rule, major: int, tmp_path: Path) -> None:
    report = lint_after(write_example(tmp_path / "bad", rule, rule.bad), GIVEN, postgres=major)
    assert report.failures == ()
    assert rule.code in {finding.code for finding in report.findings}


@every_rule
@pytest.mark.parametrize("major", MAJORS)
def test_good_example_is_reported_by_no_rule(rule: Rule, major: int, tmp_path: Path) -> None:
    report = lint_after(write_example(tmp_path / "good", rule, rule.good), GIVEN, postgres=major)
    assert report.failures == ()
    assert report.operations.seen == report.operations.understood > 0
    assert [(item.code, item.message) for item in report.findings] == []
    assert report.allowed == ()


@every_rule
def test_findings_are_worded_alike(rule: Rule, tmp_path: Path) -> None:
    report = lint_after(write_example(tmp_path / "bad", rule, rule.bad), GIVEN)
    for finding in report.findings:
        assert finding.message
        assert not finding.message.endswith(".")
        assert not finding.message[0].isupper() or finding.message.split()[0].isupper()
        assert finding.help


@every_rule
def test_claims_hold_on_a_server(
    rule: Rule, server: Server, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    bad = write_example(tmp_path / "bad", rule, rule.bad)
    good = write_example(tmp_path / "good", rule, rule.good)
    database = fresh_database(server)
    assert upgrade(server, database, bad, GIVEN).error == ""
    seed(server, database)
    other = fresh_database(server, template=database)
    before = _answers(rule, server, database)
    seen_bad, seen_good = upgrade(server, database, bad), upgrade(server, other, good)
    assert seen_good.error == ""
    assert seen_bad.error == "" or any(isinstance(claim, Fails) for claim in rule.claims)
    assert seen_bad.statements > 0
    assert seen_good.statements > 0
    after_bad, after_good = _answers(rule, server, database), _answers(rule, server, other)
    for claim in rule.claims:
        assert _holds(claim, seen_bad, before, after_bad), f"{claim} is not so: {seen_bad}"
        if not isinstance(claim, Unobservable):
            assert not _holds(claim, seen_good, before, after_good), f"{claim} of the good example"


RECIPES = ("AP101", "AP102", "AP103", "AP104", "AP105", "AP106", "AP501")


@pytest.mark.parametrize(
    "rule", [rule for rule in all_rules() if rule.code in RECIPES], ids=lambda rule: rule.name
)
def test_recipe_is_a_migration_that_runs_and_is_not_reported(
    rule: Rule, server: Server, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    bad = write_example(tmp_path / "bad", rule, rule.bad)
    recipe = next(item.help for item in lint_after(bad, GIVEN).findings if item.code == rule.code)
    text = recipe.replace(LATER_REVISION, NEXT_REVISION)
    good = write_example(tmp_path / "recipe", rule, text)
    assert [item.message for item in lint_after(good, GIVEN).findings] == []
    database = fresh_database(server)
    assert upgrade(server, database, good, GIVEN).error == ""
    seed(server, database)
    seen = upgrade(server, database, good)
    assert seen.error == ""
    assert not any(_holds(claim, seen, {}, {}) for claim in rule.claims)


Answers = dict[str, int | None]


def _answers(rule: Rule, server: Server, database: str) -> Answers:
    """How many rows each statement of the claims gives, None where it fails."""
    answers: Answers = {}
    for claim in rule.claims:
        match claim:
            case Breaks(statement=text) | Loses(query=text):
                rows = rows_of(server, database, text)
                answers[text] = None if rows is None else len(rows)
            case _:
                pass
    return answers


def _holds(claim: Claim, seen: Witness, before: Answers, after: Answers) -> bool:
    match claim:
        case Holds(table=table, lock=lock, work=work):
            return any(
                effect.table == Name.of(table) and effect.lock is lock and effect.work is work
                for effect in seen.effects
            )
        case Fails(sqlstate=sqlstate):
            return seen.sqlstate == sqlstate
        case Breaks(statement=statement):
            assert before[statement] is not None, f"{statement} fails before the example"
            return after[statement] is None
        case Loses(query=query):
            assert before[query] == ROWS, f"{query} gives {before[query]} rows before the example"
            return not after[query]
        case Unobservable(why=why):
            return bool(why)
