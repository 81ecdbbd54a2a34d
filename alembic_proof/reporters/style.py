"""Owns how text looks on a terminal: colour, wrapping, and what a terminal without Unicode gets."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

MINIMUM_WIDTH = 60
"""Columns below which wrapping would leave a word a line; such a terminal wraps by itself."""

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36}
_PLAIN = str.maketrans(
    {
        "→": "->",
        "←": "<-",
        "…": "...",
        "—": "-",
        "–": "-",
        "·": "-",
        "│": "|",
        "─": "-",
        "█": "#",
        "░": ".",
        "×": "x",
        "≥": ">=",
        "≤": "<=",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "\N{NO-BREAK SPACE}": " ",
    }
)


@dataclass(frozen=True, slots=True)
class Style:
    """How wide the lines are, in columns, and whether escape sequences for colour are written."""

    width: int = 80
    color: bool = False

    def paint(self, text: str, *looks: str) -> str:
        """The text in the given looks: ``bold``, ``dim`` or the name of a colour."""
        if not self.color or not text:
            return text
        codes = ";".join(str(_CODES[look]) for look in looks)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def wrap(self, text: str, *, indent: str = "", first: str | None = None) -> list[str]:
        """Lines that fit: prose is wrapped, indented lines are code and stay whole.

        ``first`` replaces the indent of the first line. Words longer than a line are not broken, so
        that names and paths can be copied.
        """
        lines: list[str] = []
        for part in text.splitlines():
            if not part.strip():
                lines.append("")
                continue
            if part[0].isspace():
                lines.append(indent + part)
                continue
            lines += textwrap.wrap(
                part,
                max(self.width, MINIMUM_WIDTH),
                initial_indent=indent if lines or first is None else first,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
        return lines


def plain(text: str, encoding: str) -> str:
    """The text in characters that the encoding has; typographic ones become ASCII lookalikes."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


def counted(number: int, noun: str, plural: str = "") -> str:
    """The number with its noun: ``1 finding``, ``3 findings``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
