"""JSON version 1 is a contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from alembic_proof.findings import Report, Severity
from alembic_proof.reporters.json import json_schema, render_json
from tests.reporters.reports import finding, report

DOCS = Path(__file__).parent.parent.parent / "docs"
PROMISED_FINDING = {
    "code", "rule", "severity", "confidence", "revision", "path", "line", "column", "table",
    "message", "help", "source",
}  # fmt: skip
PROMISED_REVISION = {"revision", "path", "phase", "new_tables", "operations", "effects"}


def rendered(*reports: Report, failures: tuple[str, ...] = ()) -> dict[str, Any]:
    document = json.loads(render_json(reports, failures))
    jsonschema.validate(document, json_schema())
    assert isinstance(document, dict)
    return document


def test_a_document_has_what_was_promised() -> None:
    document = rendered(report(finding()))
    assert (document["version"], document["postgres"]) == (1, "16")
    assert {"findings", "revisions", "summary"} <= document.keys()
    (found,) = document["findings"]
    assert found.keys() >= PROMISED_FINDING
    assert (found["severity"], found["source"], found["table"]) == ("error", "predicted", "orders")
    (judged,) = document["revisions"]
    assert judged.keys() >= PROMISED_REVISION
    assert judged["operations"] == {"seen": 3, "understood": 3}
    assert judged["effects"][0] == {
        "table": "orders",
        "lock": "SHARE",
        "work": "index build",
        "new_table": False,
        "why": "ix_orders_email is built",
    }


def test_several_projects_are_one_document() -> None:
    document = rendered(
        report(finding(), project="a"), report(finding(), finding(line=3), project="b", postgres=14)
    )
    assert document["postgres"] == "14"
    assert [item["project"] for item in document["findings"]] == ["a", "b", "b"]
    assert [item["project"] for item in document["revisions"]] == ["a", "b"]
    summary = document["summary"]
    assert (summary["findings"], summary["revisions_read"]) == (3, 240)
    assert [item["postgres"] for item in summary["projects"]] == ["16", "14"]


def test_the_summary_counts_by_severity_and_what_is_allowed() -> None:
    document = rendered(
        report(finding(), finding(severity=Severity.INFO), allowed=(finding(line=3),))
    )
    summary = document["summary"]
    counts = [summary[key] for key in ("findings", "errors", "warnings", "infos", "allowed")]
    assert counts == [2, 1, 0, 1, 1]
    assert [item["line"] for item in document["allowed"]] == [3]


def test_an_incomplete_run_says_so() -> None:
    summary = rendered(report(failures=("a rule crashed",)), failures=("b has a cycle",))["summary"]
    assert summary["complete"] is False
    assert summary["failures"] == ["b has a cycle", "a rule crashed"]


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published = json.loads((DOCS / "report.schema.json").read_text("utf-8"))
    assert published == json_schema()
