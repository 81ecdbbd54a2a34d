"""Owns the few source lines that are shown under a finding, with a caret."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alembic_proof.reporters.style import Style

MOST_LINES = 5
"""Lines shown of a call that goes over several; the arguments that matter come first."""

_FIRST_WORD = re.compile(r"(?:def |class )?[\w.]+")
_OPENING = "([{"
_CLOSING = ")]}"


def excerpt(lines: Sequence[str], line: int, column: int, style: Style) -> list[str]:
    """The statement that begins at this line, numbered, with its first word underlined.

    ``line`` and ``column`` count from 1. Nothing is shown when the file has no such line.
    """
    if not 1 <= line <= len(lines):
        return []
    last = _last_line(lines, line)
    shown = min(last, line + MOST_LINES - 1)
    gutter = len(str(shown))
    result = []
    for number in range(line, shown + 1):
        text = lines[number - 1].rstrip().expandtabs(4)
        result.append(f"{style.paint(f'{number:>{gutter}} │', 'blue')} {text}".rstrip())
        if number == line:
            blank = style.paint(f"{'':>{gutter}} │", "blue")
            result.append(f"{blank} {_caret(lines[line - 1], column, style)}")
    if last > shown:
        result.append(style.paint(f"{'':>{gutter}} │ …", "blue"))
    return result


def _caret(text: str, column: int, style: Style) -> str:
    indent = len(text) - len(text.lstrip())
    start = max(min(max(column, 1), len(text) + 1) - 1, indent)
    word = _FIRST_WORD.match(text, start)
    before = len(text[:start].expandtabs(4))
    return " " * before + style.paint("^" * (len(word[0]) if word else 1), "red", "bold")


def _last_line(lines: Sequence[str], line: int) -> int:
    # Brackets inside strings are counted too: a wrong guess shows a line more or less, no harm.
    depth = 0
    for number in range(line, len(lines) + 1):
        text = lines[number - 1]
        depth += sum(text.count(bracket) for bracket in _OPENING)
        depth -= sum(text.count(bracket) for bracket in _CLOSING)
        if depth <= 0:
            return number
    return line
