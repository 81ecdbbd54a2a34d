"""Owns which rows the WHERE of an UPDATE or DELETE can match: by key, within bounds, or any."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlglot import exp

from alembic_proof.linter.sql.cursor import Cursor, Unreadable
from alembic_proof.linter.sql.queries import SELECT_ALL, Scope, expression_from, is_limited
from alembic_proof.linter.sql.tokens import HOLE
from alembic_proof.linter.sql.trees import (
    conjuncts,
    folded,
    parse,
    parse_condition,
    unparenthesised,
)
from alembic_proof.objects import Expression, Name


class Condition(msgspec.Struct, frozen=True):
    """A WHERE as the row operations want it; see :class:`~alembic_proof.operations.UpdateRows`."""

    expression: Expression
    by_key: tuple[str, ...] = ()
    limited: bool = False


def condition_of(
    cursor: Cursor, target: Name, alias: str | None, sources: Cursor | None, scope: Scope
) -> Condition:
    """Take all that is left of a cursor as the WHERE of an UPDATE or DELETE of ``target``.

    ``sources`` is the FROM or USING list beside it.
    """
    text = cursor.text
    tokens = cursor.take_all()
    try:
        tree = parse_condition(tokens)
        expression = expression_from(tree, text, tokens, scope)
        beside = _sources(sources, scope)
    except Unreadable:
        return Condition(Expression(text, opaque=True))
    keys = _Keys(alias or target.name, beside, scope)
    for conjunct in conjuncts(tree):
        keys.learn(conjunct)
    return Condition(expression, tuple(keys.equal), keys.limited)


class _Sources(msgspec.Struct, frozen=True):
    """The names in a FROM or USING list.

    ``constant`` are those of VALUES lists, ``limited`` those of queries that bound their rows.
    """

    names: frozenset[str] = frozenset()
    constant: frozenset[str] = frozenset()
    limited: frozenset[str] = frozenset()


def _sources(cursor: Cursor | None, scope: Scope) -> _Sources:
    if cursor is None:
        return _Sources()
    tree = parse([*SELECT_ALL, *cursor.tokens])
    names, constant, limited = set(), set(), set()
    clause = tree.args.get("from_")
    joins: Iterable[exp.Expr] = tree.args.get("joins") or ()
    for source in [clause.this if clause else None, *(join.this for join in joins)]:
        if source is None:
            continue
        name = source.alias_or_name.lower()
        names.add(name)
        if isinstance(source, exp.Values):
            constant.add(name)
        bounded = (
            scope.queries.get(source.name.lower(), False)
            if isinstance(source, exp.Table)
            else is_limited(source, scope)
        )
        if bounded:
            limited.add(name)
    return _Sources(frozenset(names), frozenset(constant), frozenset(limited))


class _Keys:
    """What the conjuncts of a condition say about the rows of one table."""

    def __init__(self, target: str, sources: _Sources, scope: Scope) -> None:
        self.target = target
        self.sources = sources
        self.scope = scope
        self.equal: dict[str, None] = {}
        self.limited = False
        self._above: set[str] = set()
        self._below: set[str] = set()

    def learn(self, conjunct: exp.Expr) -> None:
        """Take one more condition that every row must meet."""
        match conjunct:
            case exp.EQ(this=exp.Expr() as left, expression=exp.Expr() as right):
                self._equal(left, right)
                self._equal(right, left)
            case exp.In(this=exp.Expr() as left):
                self._member(left, conjunct)
            case exp.Between(this=exp.Expr() as left):
                low, high = conjunct.args["low"], conjunct.args["high"]
                if self._column(left) and self._constant(low) and self._constant(high):
                    self.limited = True
            case exp.GT() | exp.GTE():
                self._range(conjunct.this, conjunct.expression)
            case exp.LT() | exp.LTE():
                self._range(conjunct.expression, conjunct.this)

    def _equal(self, left: exp.Expr, right: exp.Expr) -> None:
        left, right = unparenthesised(left), unparenthesised(right)
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            for one, other in zip(left.expressions, right.expressions, strict=False):
                self._equal(one, other)
            return
        column = self._column(left)
        if column is None:
            return
        if isinstance(right, exp.Any):
            right = unparenthesised(right.this)
            query = right.find(exp.Query)
            if query is not None:
                self.limited = self.limited or is_limited(query, self.scope)
                return
        if isinstance(right, exp.Subquery):
            self.limited = self.limited or is_limited(right, self.scope)
        elif self._constant(right):
            self.equal[column] = None
        elif isinstance(right, exp.Column) and right.table.lower() in self.sources.limited:
            self.limited = True

    def _member(self, left: exp.Expr, conjunct: exp.In) -> None:
        query = conjunct.args.get("query")
        if query is not None:
            self.limited = self.limited or is_limited(query, self.scope)
            return
        column = self._column(unparenthesised(left))
        listed = conjunct.expressions
        # A hole alone between the parentheses may be a subquery.
        if (
            column
            and listed
            and all(self._constant(item) and not _is_hole(item) for item in listed)
        ):
            self.equal[column] = None

    def _range(self, greater: exp.Expr, less: exp.Expr) -> None:
        above, below = self._column(greater), self._column(less)
        if above and self._constant(less):
            self._above.add(above)
        if below and self._constant(greater):
            self._below.add(below)
        self.limited = self.limited or bool(self._above & self._below)

    def _column(self, node: exp.Expr) -> str | None:
        """The name of the target's column that a tree is, if it is one."""
        node = unparenthesised(node)
        if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
            return None
        if node.table and node.table.lower() != self.target.lower():
            return None
        return None if self._is_constant_column(node) else folded(node.this)

    def _is_constant_column(self, column: exp.Column) -> bool:
        name, table = column.name.lower(), column.table.lower()
        if HOLE in name or table in self.sources.constant:
            return True
        if table:
            return table != self.target.lower() and table not in self.sources.names
        return name in self.scope.variables

    def _constant(self, node: exp.Expr) -> bool:
        if node.find(exp.Query):
            return False
        return all(self._is_constant_column(column) for column in node.find_all(exp.Column))


def _is_hole(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and HOLE in node.name.lower()
