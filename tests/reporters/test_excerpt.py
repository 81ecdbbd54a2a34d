"""The source lines under a finding."""

from __future__ import annotations

import pytest

from alembic_proof.reporters.excerpt import MOST_LINES, excerpt
from alembic_proof.reporters.style import Style


def test_tabs_keep_the_caret_under_its_word() -> None:
    assert excerpt(["\top.f()"], 1, 2, Style()) == ["1 │     op.f()", "  │     ^^^^"]


def test_a_place_in_the_indent_means_the_first_word() -> None:
    assert excerpt(["    op.f()"], 1, 1, Style())[1] == "  │     ^^^^"


def test_a_function_is_underlined_with_its_name() -> None:
    assert excerpt(["def downgrade():"], 1, 1, Style())[1] == "  │ ^^^^^^^^^^^^^"


def test_a_long_call_is_cut() -> None:
    lines = ["op.f(", *["    1,"] * 30, ")"]
    shown = excerpt(lines, 1, 1, Style())
    assert len(shown) == MOST_LINES + 2
    assert shown[-1] == "  │ …"


@pytest.mark.parametrize(("line", "column"), [(0, 1), (3, 1)])
def test_a_line_that_does_not_exist_shows_nothing(line: int, column: int) -> None:
    assert excerpt(["a", "b"], line, column, Style()) == []


@pytest.mark.parametrize("column", [0, 1, 2, 99])
def test_any_column_gives_a_caret(column: int) -> None:
    (_, caret) = excerpt(["ab"], 1, column, Style())
    assert "^" in caret


def test_an_unbalanced_file_is_no_reason_to_fail() -> None:
    assert excerpt(["f((((", "x"], 1, 1, Style())[0] == "1 │ f(((("
