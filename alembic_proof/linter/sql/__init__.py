"""Owns reading SQL: text to operations, expressions and types.

The statements of PostgreSQL's data definition language are read by small parsers over a token
cursor (``tables``, ``definitions``, ``alterations``, ``commands``), statements about rows by
``rows``, the inside of DO blocks by ``plpgsql``. Expressions and queries go through sqlglot, in
``queries`` alone. What the text does not say is a hole: see :data:`HOLE`.
"""

from __future__ import annotations

from alembic_proof.linter.sql.cursor import Cursor, Unreadable, read_type_at
from alembic_proof.linter.sql.queries import expression_of
from alembic_proof.linter.sql.statements import read_statements
from alembic_proof.linter.sql.tokens import HOLE, tokenise
from alembic_proof.objects import Expression, SqlType

__all__ = ["HOLE", "read_expression", "read_statements", "read_type"]


def read_expression(text: str) -> Expression:
    """An expression as it stands in a default, a CHECK or a WHERE; opaque if it cannot be parsed."""
    try:
        return expression_of(Cursor(tokenise(text), text))
    except RecursionError:
        return Expression(text.strip(), opaque=True)


def read_type(text: str) -> SqlType | None:
    """A type such as ``varchar(20)[]`` or ``myschema.my_enum``; None if it is not one."""
    cursor = Cursor(tokenise(text), text)
    try:
        found = read_type_at(cursor)
        cursor.finish()
    except Unreadable:
        return None
    return found
