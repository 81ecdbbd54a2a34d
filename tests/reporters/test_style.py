"""Wrapping, colour, and terminals without Unicode."""

from __future__ import annotations

import pytest

from alembic_proof.reporters.style import Style, counted, plain


def test_code_lines_stay_whole() -> None:
    code = "    " + "x" * 100
    assert Style(80).wrap(f"say this:\n{code}", indent="  ") == ["  say this:", f"  {code}"]


def test_names_are_not_broken() -> None:
    name = "a" * 90
    assert name in Style(80).wrap(f"see {name} there")


def test_a_narrow_terminal_gets_readable_lines() -> None:
    assert len(Style(5).wrap("one two three four five six")) == 1


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "a → b … ✓"), ("ascii", "a -> b ... \\u2713"), ("latin-1", "a -> b ... \\u2713")],
)
def test_a_terminal_gets_characters_it_has(encoding: str, expected: str) -> None:
    assert plain("a → b … ✓", encoding) == expected


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 findings"), (1, "1 finding"), (1234, "1,234 findings")]
)
def test_numbers_have_their_nouns(number: int, text: str) -> None:
    assert counted(number, "finding") == text
