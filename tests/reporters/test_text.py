"""The report for people."""

from __future__ import annotations

import re

import pytest

from alembic_proof.findings import Confidence, OperationCount, Report, Severity
from alembic_proof.reporters.style import Style
from alembic_proof.reporters.text import prose_and_code, render_text
from tests.reporters.reports import PATH, finding, report, revision, source


def render(of: Report, style: Style | None = None) -> str:
    return render_text(of, source, style or Style())


def test_a_finding_shows_place_source_line_harm_and_recipe() -> None:
    assert render(report(finding())) == (
        """\
error AP101 blocking-index-build
  --> migrations/versions/2c5e1f0a3b4d_add_email_index.py:2:5
  2 │     op.create_index("ix_orders_email", "orders", ["email"])
    │     ^^^^^^^^^^^^^^^
  holds SHARE on orders while an index is built from every row: writes wait
  fix:
      with op.get_context().autocommit_block():
          op.create_index("ix_orders_email", "orders", ["email"], postgresql_concurrently=True)

1 finding: 1 error
1 revision judged of 120 read; 3 operations, 3 understood
PostgreSQL 16 (configured)
"""
    )


def test_a_call_over_several_lines_is_shown_whole() -> None:
    text = render(report(finding(line=3)))
    assert "  3 │     op.add_column(\n    │     ^^^^^^^^^^^^^\n  4 │" in text
    assert '  5 │         sa.Column("state", sa.Text(), nullable=False),\n  6 │     )\n' in text


def test_findings_are_in_the_order_of_the_file() -> None:
    text = render(report(finding(line=7), finding(line=3), finding(line=2)))
    assert re.findall(rf"--> {PATH}:(\d):5", text) == ["2", "3", "7"]


def test_the_same_recipe_is_written_once() -> None:
    text = render(report(finding(line=2), finding(line=3)))
    assert text.count("autocommit_block") == 1
    assert "  fix: as for AP101 above\n" in text


def test_advice_in_prose_is_wrapped_and_a_note_follows_it() -> None:
    advice = "let the application stop using the column first, and drop it a release later, when no old code runs"
    text = render(report(finding(help=advice, note="only if the table exists")))
    assert (
        "\n  fix: let the application stop using the column first, and drop it a release\n" in text
    )
    assert "\n    later, when no old code runs\n  note: only if the table exists\n" in text


def test_info_is_last_and_compact_by_rule() -> None:
    info = {"severity": Severity.INFO, "code": "AP502", "rule": "missing-lock-timeout"}
    short = {"message": "waits without a limit", "help": "set lock_timeout in env.py"}
    findings = (finding(line=2, **info, **short), finding(line=7, **info, **short), finding(line=3))
    assert render(report(*findings)).split("\n\n")[1] == (
        f"""\
info AP502 missing-lock-timeout
  --> {PATH}:2:5
      waits without a limit
  --> {PATH}:7:5
      waits without a limit
  fix: set lock_timeout in env.py"""
    )


def test_a_project_elsewhere_is_part_of_the_place() -> None:
    assert f"--> services/shop/{PATH}:2:5" in render(report(finding(), project="services/shop"))


def test_doubt_and_observation_are_said() -> None:
    text = render(report(finding(confidence=Confidence.MEDIUM, source="observed")))
    assert ":2:5 (observed, medium confidence)\n" in text


def test_a_file_that_cannot_be_read_again_only_loses_its_excerpt() -> None:
    text = render(report(finding(path="gone.py")))
    assert "--> gone.py:2:5\n  holds SHARE" in text


def test_nothing_found_is_said_with_its_coverage() -> None:
    assert render(report()).startswith("no findings\n1 revision judged of 120 read; ")


@pytest.mark.parametrize(
    ("incomplete", "verdict"),
    [
        (
            {"revisions": (revision(operations=OperationCount(312, 309)),)},
            "no findings in what was understood; 3 operations not understood\n",
        ),
        ({"failures": ("rule x crashed",)}, "no findings, but the run is incomplete\n"),
        ({"revisions": ()}, "nothing to judge\n"),
    ],
)
def test_what_was_not_read_is_never_called_clean(
    incomplete: dict[str, object], verdict: str
) -> None:
    text = render(report(**incomplete))
    assert verdict in text
    assert "no findings\n" not in text


def test_allowed_findings_are_counted() -> None:
    assert render(report(allowed=(finding(),))).startswith("no findings; 1 allowed\n")


@pytest.mark.parametrize("color", [True, False])
def test_colour_only_adds_escape_sequences(color: bool) -> None:
    findings = (finding(), finding(line=3, severity=Severity.WARNING, note="n", help="do it"))
    text = render(report(*findings), Style(color=color))
    assert ("\x1b[" in text) is color
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == render(report(*findings))


def test_prose_fits_the_width() -> None:
    long = "every word of this message is short but the message is rather long " * 4
    text = render(report(finding(message=long, help=long, note=long)), Style(80))
    assert max(len(line) for line in text.splitlines()) <= 80


CALL = 'op.execute("SELECT 1")'


@pytest.mark.parametrize(
    ("cure", "prose", "code"),
    [
        (CALL, "", CALL),
        (f"# in a later revision\n{CALL}", "", f"# in a later revision\n{CALL}"),
        ("# first this\n# then that", "", "# first this\n# then that"),
        (f"with x():\n    {CALL}", "", f"with x():\n    {CALL}"),
        (f"say why:\n{CALL}", "say why:", CALL),
        (f"say why:\n    {CALL}", "say why:", f"    {CALL}"),
        ("set lock_timeout in env.py", "set lock_timeout in env.py", ""),
        ("ignore", "ignore", ""),
        ("two lines\nof prose", "two lines\nof prose", ""),
    ],
)
def test_sentences_and_code_are_told_apart(cure: str, prose: str, code: str) -> None:
    assert prose_and_code(cure) == (prose, code)
