"""Owns expressions and queries: what they read, call and prove."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlglot import exp

from alembic_proof.linter.sql.cursor import COMPUTED, Cursor, Unreadable, read_type_at
from alembic_proof.linter.sql.tokens import HOLE, Kind, Token, words
from alembic_proof.linter.sql.trees import (
    Facts,
    conjuncts,
    folded,
    has_hole,
    parse,
    parse_condition,
    unparenthesised,
)
from alembic_proof.objects import Expression, Name, SqlType


class Scope(msgspec.Struct, frozen=True):
    """What surrounds a query or a condition.

    ``queries`` are the names of common table expressions, with whether each bounds its rows;
    ``variables`` are those of a PL/pgSQL block, constants for the length of a statement.
    """

    queries: dict[str, bool] = {}
    variables: frozenset[str] = frozenset()

    def with_query(self, name: str, *, limited: bool) -> Scope:
        """The scope after ``WITH name AS (…)``."""
        return Scope({**self.queries, name: limited}, self.variables)


class Query(msgspec.Struct, frozen=True):
    """What a query reads and calls. ``limited`` is true for LIMIT or FETCH FIRST at its top."""

    reads: tuple[Name, ...] = ()
    calls: tuple[Name, ...] = ()
    locks_rows: bool = False
    limited: bool = False


_NOTHING_AROUND: Final = Scope()


def expression_of(cursor: Cursor, scope: Scope = _NOTHING_AROUND) -> Expression:
    """Take all that is left of a cursor as an expression; opaque where it cannot be parsed."""
    text = cursor.text
    tokens = cursor.take_all()
    try:
        return expression_from(parse_condition(tokens), text, tokens, scope)
    except Unreadable:
        return Expression(text, opaque=True)


def known_expression_of(cursor: Cursor, scope: Scope = _NOTHING_AROUND) -> Expression:
    """Like :func:`expression_of`, for places where a half-read expression could hide an effect.

    Raises ``Unreadable`` when it cannot be parsed and is not simply a value computed at run time.
    """
    tokens = cursor.tokens[cursor.index :]
    expression = expression_of(cursor, scope)
    if expression.opaque and not (len(tokens) == 1 and tokens[0].has_hole):
        raise Unreadable(f"the expression {expression.text[:60]} cannot be parsed")
    return expression


def query_of(cursor: Cursor, scope: Scope = _NOTHING_AROUND) -> Query:
    """Take all that is left of a cursor as a query (SELECT, VALUES, TABLE, or one in parentheses).

    Raises ``Unreadable`` when it cannot be parsed or the name of a table is computed at run time.
    """
    tokens = cursor.take_all()
    if tokens and tokens[0].word == "TABLE":
        tokens = [*SELECT_ALL, *tokens[1:]]
    tree = parse(tokens)
    if not isinstance(tree, exp.Query | exp.Values):
        raise Unreadable(COMPUTED if has_hole(tokens) else "it is not a query")
    if _is_computed_list(tree):
        raise Unreadable(COMPUTED)
    facts = Facts(frozenset(scope.queries))
    facts.gather(tree)
    return Query(
        reads=tuple(facts.reads),
        calls=tuple(facts.calls),
        locks_rows=tree.find(exp.Lock) is not None,
        limited=is_limited(tree, scope),
    )


SELECT_ALL: Final = [
    Token(Kind.WORD, "SELECT", "select", 0, 0),
    Token(Kind.SYMBOL, "*", "*", 0, 0),
    Token(Kind.WORD, "FROM", "from", 0, 0),
]
"""The tokens before a FROM list that make it a query."""


def _is_computed_list(tree: exp.Expr) -> bool:
    """Whether all of ``SELECT …`` is computed: the hole may be anything, a FROM included."""
    if not isinstance(tree, exp.Select) or tree.args.get("from_"):
        return False
    return any(isinstance(item, exp.Column) and HOLE in item.name.lower() for item in tree.selects)


def _unnested(tree: exp.Expr) -> exp.Expr:
    while isinstance(tree, exp.Subquery | exp.Paren) and tree.this is not None:
        if tree.args.get("limit"):
            return tree
        tree = tree.this
    return tree


def is_limited(tree: exp.Expr, scope: Scope) -> bool:
    """Whether a query bounds its rows: by LIMIT, or because it reads one that does."""
    top = _unnested(tree)
    if top.args.get("limit"):
        return True
    source = top.args.get("from_")
    if source is None or top.args.get("joins"):
        return False
    match source.this:
        case exp.Table(this=exp.Identifier() as name):
            return scope.queries.get(folded(name), False)
        case exp.Subquery():
            return is_limited(source.this, scope)
        case _:
            return False


def expression_from(tree: exp.Expr, text: str, tokens: list[Token], scope: Scope) -> Expression:
    """The expression that was parsed from a text and its tokens.

    Raises ``Unreadable`` when a function that it calls is computed at run time.
    """
    facts = Facts(frozenset(scope.queries))
    facts.gather(tree)
    cast_of, cast_to = _cast(tokens)
    return Expression(
        text=text,
        columns=tuple(facts.columns),
        functions=tuple(facts.functions),
        proves_not_null=tuple(dict.fromkeys(_never_null(tree))),
        cast_of=cast_of,
        cast_to=cast_to,
        reads=tuple(facts.reads),
    )


def _never_null(tree: exp.Expr) -> Iterator[str]:
    """Columns that ``IS NOT NULL`` holds for whenever the condition is true or NULL.

    A comparison proves nothing: a CHECK lets NULL pass. PostgreSQL turns ``NOT (a IS NULL)`` into
    ``a IS NOT NULL`` before it looks for a proof.
    """
    for conjunct in conjuncts(tree):
        match conjunct:
            case exp.Is(this=exp.Expr() as left, expression=exp.Null()):
                negated = bool(conjunct.args.get("negate"))
            case exp.Not(this=exp.Expr() as inner):
                inner = unparenthesised(inner)
                if not isinstance(inner, exp.Is) or not isinstance(inner.expression, exp.Null):
                    continue
                left, negated = inner.this, not inner.args.get("negate")
            case _:
                continue
        column = unparenthesised(left)
        if negated and isinstance(column, exp.Column) and HOLE not in column.name.lower():
            yield folded(column.this)


def _cast(tokens: list[Token]) -> tuple[str | None, SqlType | None]:
    """The column of which the whole expression is a cast, and the type it is cast to."""
    try:
        return _cast_at(Cursor(tokens, ""))
    except Unreadable:
        return None, None


def _cast_at(cursor: Cursor) -> tuple[str | None, SqlType | None]:
    if cursor.accept("CAST"):
        inside = cursor.group()
        cursor.finish()
        column = inside.name().name
        inside.expect("AS")
        cursor = inside
    elif cursor.at("("):
        inside = cursor.group()
        if cursor.done:
            return _cast_at(inside)
        column = inside.name().name
        inside.finish()
        cursor.expect("::")
    else:
        if cursor.peek().word in _VALUE_WORDS:
            return None, None
        column = cursor.name().name
        if cursor.done:
            return column, None
        cursor.expect("::")
    cast_to = read_type_at(cursor)
    cursor.finish()
    return column, cast_to


_VALUE_WORDS: Final = words(
    "NULL TRUE FALSE DEFAULT CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME CURRENT_USER CURRENT_ROLE "
    "CURRENT_CATALOG CURRENT_SCHEMA SESSION_USER USER LOCALTIME LOCALTIMESTAMP"
)
