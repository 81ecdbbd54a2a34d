"""The gate's report for people and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from alembic_proof.findings import GateReport, Severity
from alembic_proof.reporters.gate import render_gate
from alembic_proof.reporters.json import GateDocument, json_schema, render_gate_json
from alembic_proof.reporters.style import Style
from tests.reporters.reports import CLEAN, DOWNGRADE_FAILS, NOT_RUN, finding, gate_report, source

INCOMPLETE = finding(
    code="AP903",
    rule="incomplete-downgrade",
    message="downgrade does not bring the schema back: table orders: left over (and 1 more)",
    help="let downgrade() undo everything that upgrade() does",
    note="table orders: left over after downgrade\ntype state: left over after downgrade",
    source="observed",
)


def render(of: GateReport, *, passed: bool) -> str:
    return render_gate(of, source, Style(), passed=passed)


def test_a_clean_release_is_a_go() -> None:
    assert render(gate_report(), passed=True) == (
        """\
revision        upgrade      downgrade second upgrade  outcome
0001             0.50 s         0.25 s         0.12 s  ok

1 revision run of 1 pending, in 1.2 s, on PostgreSQL 16.3 (Docker) (python
3.13.1, alembic 1.20.1)
go: every pending revision went up, down and up again
"""
    )


def test_a_difference_is_shown_line_by_line_and_is_a_no_go() -> None:
    text = render(
        gate_report(INCOMPLETE, revisions=(CLEAN, DOWNGRADE_FAILS), applied_before=7), passed=False
    )
    assert "\n2c5e1f0a3b4d        12.00 s              -              -  AP903\n" in text
    assert "\nerror AP903 incomplete-downgrade\n" in text
    assert "(observed)\n" in text
    assert (
        "\n  note: table orders: left over after downgrade\n"
        "    type state: left over after downgrade\n"
    ) in text
    assert "\n2 revisions run of 2 pending after 7 earlier ones, in 1.2 s, on " in text
    assert text.endswith("\nno-go: 1 finding: 1 error\n")


def test_a_note_that_repeats_the_message_is_left_out() -> None:
    single = finding(message="downgrade fails: orders: left over", note="orders: left over")
    assert "note:" not in render(gate_report(single), passed=False)


def test_what_was_not_run_is_said() -> None:
    text = render(gate_report(INCOMPLETE, revisions=(DOWNGRADE_FAILS, NOT_RUN)), passed=False)
    assert "\n0003                      -              -              -  not run\n" in text
    assert text.endswith("\nno-go: 1 finding: 1 error; 1 revision not run\n")


def test_warnings_below_the_level_are_a_go_that_says_so() -> None:
    warning = finding(severity=Severity.WARNING)
    assert render(gate_report(warning), passed=True).endswith("\ngo: 1 finding: 1 warning\n")


def test_json_has_the_findings_as_lint_writes_them() -> None:
    report = gate_report(INCOMPLETE, revisions=(CLEAN, DOWNGRADE_FAILS, NOT_RUN))
    document = json.loads(render_gate_json(report, passed=False))
    jsonschema.validate(document, json_schema(GateDocument))
    assert (document["version"], document["postgres"], document["passed"]) == (1, "16", False)
    assert document["findings"][0]["source"] == "observed"
    assert [run["outcome"] for run in document["revisions"]] == ["clean", "findings", "not run"]
    assert document["revisions"][0]["seconds"]["second upgrade"] == 0.125
    summary = document["summary"]
    assert (summary["errors"], summary["revisions_run"], summary["revisions_not_run"]) == (1, 2, 1)


def test_the_published_schema_is_the_one_of_the_code() -> None:
    file = Path(__file__).parent.parent.parent / "docs" / "gate.schema.json"
    assert json.loads(file.read_text("utf-8")) == json_schema(GateDocument)
