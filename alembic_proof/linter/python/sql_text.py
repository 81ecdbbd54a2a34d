"""Owns the way from SQL text to operations and expressions: the SQL reader is loaded only for it.

Defaults that are plain literals are built here, because most histories have thousands of them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from alembic_proof.linter.python.values import HOLE
from alembic_proof.objects import Expression
from alembic_proof.operations import Operation

_LITERAL = re.compile(r"-?\d+(\.\d+)?|true|false|null|'[^']*'", re.IGNORECASE)


@lru_cache(maxsize=4096)
def expression(text: str) -> Expression:
    """A SQL expression from its text."""
    text = text.strip()
    if HOLE not in text:
        if _LITERAL.fullmatch(text):
            return Expression(text)
        if text.lower() in ("now()", "current_timestamp"):
            return Expression(text, functions=("now",))
    from alembic_proof.linter.sql import read_expression

    return read_expression(text)


@lru_cache(maxsize=4096)
def statements(text: str) -> tuple[tuple[Operation, ...], ...]:
    """The operations of each SQL statement in a text."""
    from alembic_proof.linter.sql import read_statements

    return read_statements(text)


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """A text as a SQL string literal."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def unescape_binds(text: str) -> str:
    r"""The SQL that SQLAlchemy's ``text()`` sends: a colon written ``\:`` is plain."""
    return text.replace("\\:", ":")


def unescape_percent(text: str) -> str:
    """The SQL behind a DBAPI statement: ``%s`` and ``%(name)s`` are binds, ``%%`` is a percent."""
    count = 0

    def bind(match: re.Match[str]) -> str:
        nonlocal count
        if match[0] == "%%":
            return "%"
        count += 1
        return f":{match[1] or f'value{count}'}"

    return re.sub(r"%%|%s|%\((\w+)\)s", bind, text)
