"""Allowances cover what their place says, and whatever makes one ineffective is reported."""

from __future__ import annotations

import datetime as dt
import sys
from textwrap import dedent

import pytest

from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.linter.suppressions import (
    Allowance,
    Allowed,
    ProblemKind,
    apply_allowances,
    read_allowances,
)

TODAY = dt.date(2026, 5, 1)
RULES = {
    "AP101": "blocking-index-build",
    "blocking-index-build": "blocking-index-build",
    "AP105": "blocking-check",
    "blocking-check": "blocking-check",
    "AP001": "unresolved-operation",
    "unresolved-operation": "unresolved-operation",
}


def one(source: str) -> Allowance:
    allowances = read_allowances(dedent(source))
    assert len(allowances) == 1
    return allowances[0]


def finding(line: int, rule: str = "blocking-index-build", path: str = "a.py") -> Finding:
    return Finding(
        code="AP101",
        rule=rule,
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        revision="a",
        path=path,
        line=line,
        column=5,
        message="m",
        help="h",
    )


def judge(comment: str, *findings: Finding, active: set[str] | None = None) -> Allowed:
    source = f"x = 1\n{comment}\ny = 2\n"
    return apply_allowances(
        findings,
        {"a.py": read_allowances(source)},
        today=TODAY,
        known_rules=RULES,
        active_rules=active,
        not_allowable={"unresolved-operation"},
    )


def kinds(allowed: Allowed) -> list[ProblemKind]:
    return [problem.kind for problem in allowed.problems]


def test_all_parts_are_read() -> None:
    allowance = one(
        """
        x = 1
        op.f()  # alembic-proof: allow[blocking-index-build, AP105] -- 400 rows (until 2027-03-01)
        """
    )
    assert allowance == Allowance(
        rules=("blocking-index-build", "AP105"),
        reason="400 rows",
        until=dt.date(2027, 3, 1),
        line=3,
        column=9,
        covers=(3, 3),
    )


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        ("# alembic-proof: allow[AP101] -- see #123 -- twice", "see #123 -- twice"),
        ("# alembic-proof: allow[AP101] — a dash", "a dash"),
        ("#alembic-proof:allow[AP101]--terse", "terse"),
        ("# noqa: E501  # alembic-proof: allow[AP101] -- after another", "after another"),
        ("# alembic-proof: allow[AP101] -- before another  # noqa: E501", "before another"),
        ("# alembic-proof: allow[AP101] -- (until 2027-01-01)", ""),
        ("# alembic-proof: allow[AP101] -- until we drop it (soon)", "until we drop it (soon)"),
    ],
)
def test_reasons(comment: str, reason: str) -> None:
    allowance = one(f"x = 1\ny = 2  {comment}\n")
    assert (allowance.reason, allowance.malformed) == (reason, "")


REVISION = """\
\"\"\"Orders.\"\"\"
from alembic import op

revision = "a"


def upgrade():
    op.create_index(
        "ix",
        "orders",
        ["x"],
    )
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("x")
        batch.drop_column("y")
    if big:
        op.a()
    elif small:
        op.b()
    else:
        op.c()
        op.d()
    op.e(); op.f()


def downgrade():
    pass
"""

NOTE = "# alembic-proof: allow[AP101] -- reason"


def at(marked: str, *, above: bool = False, inside: str = "") -> tuple[int, int] | None:
    """What a comment covers that is put behind, or above, the line that begins like this."""
    lines = []
    for line in REVISION.splitlines():
        if line.strip().startswith(marked):
            indent = line[: len(line) - len(line.lstrip())]
            lines += [f"{indent}{NOTE}", line] if above else [f"{line}  {NOTE}"]
        else:
            lines.append(line)
    return one("\n".join(lines)).covers


@pytest.mark.parametrize(
    ("marked", "covers"),
    [
        ("op.create_index", (8, 12)),
        ('"orders",', (8, 12)),
        (")", (8, 12)),
        ("def upgrade", (7, 23)),
        ("with op.batch", (13, 15)),
        ('batch.drop_column("x")', (14, 14)),
        ("if big", (16, 22)),
        ("elif small", (18, 22)),
        ("else:", (20, 22)),
        ("op.b()", (19, 19)),
        ("op.e()", (23, 23)),
        ("revision =", (4, 4)),
    ],
)
def test_comment_at_the_end_of_a_line(marked: str, covers: tuple[int, int]) -> None:
    assert at(marked) == covers


@pytest.mark.parametrize(
    ("marked", "covers"),
    [
        ("op.create_index", (8, 13)),
        ('"orders",', (8, 13)),
        ("def upgrade", (7, 24)),
        ("with op.batch", (13, 16)),
        ('batch.drop_column("y")', (15, 16)),
        ("op.c()", (21, 22)),
        ("revision =", (4, 5)),
        ('"""Orders', (1, 28)),
        ("from alembic", (1, 28)),
    ],
)
def test_comment_alone_on_the_line_above(marked: str, covers: tuple[int, int]) -> None:
    assert at(marked, above=True) == covers


def test_several_lines_of_comments_above() -> None:
    source = f"x = 1\n{NOTE}\n# because of the size\n\ny(\n)\n"
    assert one(source).covers == (2, 6)


def test_decorated_function() -> None:
    assert one(f"x = 1\n{NOTE}\n@decorated\ndef f():\n    pass\n").covers == (2, 5)


def test_nothing_follows_in_the_block() -> None:
    allowance = one(f"def f():\n    x()\n    {NOTE}\n\n\ndef g():\n    pass\n")
    assert allowance.covers is None
    assert "no statement follows" in allowance.malformed


def test_strings_are_not_comments() -> None:
    assert read_allowances(f'x = "{NOTE}"\ny = """\n{NOTE}\n"""\n') == ()


def test_other_mentions_are_not_allowances() -> None:
    assert read_allowances("# checked by alembic-proof\nx = 1\n") == ()


def test_source_that_is_not_python_has_none() -> None:
    assert read_allowances(f"def f(:  {NOTE}\n") == ()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python knows that syntax")
def test_place_in_python_that_is_newer_than_ours() -> None:
    allowance = one(f"type Ids = list[int]\nop.f()  {NOTE}\n")
    assert "not Python of this version" in allowance.malformed


def test_byte_order_mark() -> None:
    assert one(f"\ufeffx = 1\ny = 2  {NOTE}\n").covers == (2, 2)


def test_windows_line_ends() -> None:
    assert one(f"x = 1\r\ny(\r\n  2)  {NOTE}\r\n").covers == (2, 3)


def test_effective_allowance() -> None:
    allowed = judge("# alembic-proof: allow[ap101] -- reason", finding(3), finding(1))
    assert allowed == Allowed((finding(1),), (finding(3),), ())


def test_other_rule_and_other_file_stand() -> None:
    others = (finding(3, rule="blocking-check"), finding(3, path="b.py"))
    allowed = judge("# alembic-proof: allow[AP101] -- reason", finding(3), *others)
    assert allowed.kept == others


@pytest.mark.parametrize(
    ("comment", "kind", "message"),
    [
        ("# alembic-proof: allow[AP101]", "no-reason", "gives no reason"),
        ("# alembic-proof: allow[AP101] -- x (until 2026-04-30)", "expired", "ended on 2026-04-30"),
        ("# alembic-proof: allow[AP101] -- x (until soon)", "malformed", "'soon', which is not"),
        ("# alembic-proof: allow[AP101] -- x (until 2026-13-01)", "malformed", "'2026-13-01'"),
        ("# alembic-proof: allow[] -- x", "malformed", "names no rule"),
        ("# alembic-proof: allow AP101 -- x", "malformed", "is not an allowance"),
        ("# alembic-proof: alow[AP101] -- x", "malformed", "is not an allowance"),
        ("# alembic-proof allow AP101", "malformed", "is not an allowance"),
        ("# alembic_proof: noqa", "malformed", "is not an allowance"),
        ("# alembic-proof: allow[AP101] because", "malformed", "does not follow ' -- '"),
        ("# alembic-proof: allow[no-such] -- x", "unknown-rule", "'no-such'"),
        ("# alembic-proof: allow[AP001] -- x", "not-allowable", "cannot be allowed"),
        ("# alembic-proof: allow[AP105] -- x", "unused", "covers no finding"),
    ],
)
def test_ineffective_allowances(comment: str, kind: ProblemKind, message: str) -> None:
    allowed = judge(comment, finding(3))
    assert kinds(allowed) == [kind]
    problem = allowed.problems[0]
    assert message in problem.message
    assert problem.help
    assert (problem.path, problem.allowance.line) == ("a.py", 2)
    assert allowed.kept == (finding(3),)


def test_the_last_day_counts() -> None:
    assert judge("# alembic-proof: allow[AP101] -- x (until 2026-05-01)", finding(3)).kept == ()


def test_one_bad_rule_leaves_the_others_effective() -> None:
    allowed = judge("# alembic-proof: allow[blocking-idex-build, AP101] -- x", finding(3))
    assert allowed.kept == ()
    assert kinds(allowed) == ["unknown-rule"]
    assert "blocking-index-build" in allowed.problems[0].help


def test_half_used() -> None:
    allowed = judge("# alembic-proof: allow[AP101, AP105] -- x", finding(3))
    assert [problem.message for problem in allowed.problems] == [
        "the allowance for AP105 covers no finding"
    ]


def test_a_rule_that_did_not_run_is_not_unused() -> None:
    comment = "# alembic-proof: allow[AP101] -- x"
    assert judge(comment, active={"blocking-check"}).problems == ()
    assert kinds(judge(comment, active={"blocking-index-build"})) == ["unused"]
