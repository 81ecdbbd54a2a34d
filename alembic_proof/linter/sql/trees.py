"""Owns parsing with sqlglot, and what a parsed tree names: columns, functions, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from sqlglot import TokenType, exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError
from sqlglot.parsers.postgres import PostgresParser

from alembic_proof.linter.sql.cursor import COMPUTED, Unreadable
from alembic_proof.linter.sql.spelling import spelt
from alembic_proof.linter.sql.tokens import HOLE, Token
from alembic_proof.objects import Name

_SPECIAL_GRAMMAR: Final = (
    "CAST",
    "EXTRACT",
    "JSON_OBJECT",
    "JSON_OBJECTAGG",
    "JSON_TABLE",
    "JSON_VALUE",
    "NORMALIZE",
    "OVERLAY",
    "POSITION",
    "SUBSTRING",
    "TRIM",
    "XMLELEMENT",
    "XMLTABLE",
)


class _Dialect(Postgres):
    """sqlglot's PostgreSQL without its table of known functions: a function keeps its own name."""

    class Parser(PostgresParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser
            for name, parser in PostgresParser.FUNCTION_PARSERS.items()
            if name in _SPECIAL_GRAMMAR
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser
            for name, parser in PostgresParser.NO_PAREN_FUNCTION_PARSERS.items()
            if name in ("ANY", "CASE", "VARIADIC")
        }
        # ``->`` is the JSON operator in PostgreSQL, never a lambda.
        LAMBDAS: ClassVar[dict[Any, Any]] = {
            token: parser
            for token, parser in PostgresParser.LAMBDAS.items()
            if token is TokenType.FARROW
        }


_DIALECT: Final = _Dialect()
_OPAQUE_ABOVE: Final = 50_000
"""Tokens above which an expression or query is not parsed: sqlglot's time and depth have a price."""


def parse(tokens: Sequence[Token], into: type[exp.Expr] | None = None) -> exp.Expr:
    """The tree of one statement, or of what ``into`` names.

    Raises ``Unreadable`` when sqlglot cannot parse it, or when it has a hole where a name or a
    keyword must be.
    """
    if not tokens:
        raise Unreadable("it ends too early")
    if len(tokens) > _OPAQUE_ABOVE:
        raise Unreadable("it is too long to be parsed")
    sql = spelt(tokens)
    try:
        trees = _DIALECT.parse_into(into, sql) if into else _DIALECT.parse(sql)
    except (SqlglotError, RecursionError) as error:
        computed = has_hole(tokens)
        raise Unreadable(COMPUTED if computed else _parse_problem(error)) from None
    if len(trees) != 1 or trees[0] is None:
        raise Unreadable("it cannot be parsed")
    tree = trees[0]
    for identifier in tree.find_all(exp.Identifier):
        if HOLE in identifier.name.lower() and not _may_be_hole(identifier):
            raise Unreadable(COMPUTED)
    return tree


def has_hole(tokens: Sequence[Token]) -> bool:
    """Whether some name or keyword among the tokens is not known."""
    return any(token.has_hole for token in tokens)


def _parse_problem(error: Exception) -> str:
    first = re.sub(r"\x1b\[\d+m", "", str(error)).strip().partition("\n")[0]
    return f"it cannot be parsed ({first.rstrip('.')[:80]})" if first else "it cannot be parsed"


def _may_be_hole(identifier: exp.Identifier) -> bool:
    """Whether a name that is not known stands for a value, or for a schema."""
    parent = identifier.parent
    if isinstance(parent, exp.Column | exp.Placeholder | exp.Star):
        return True
    return isinstance(parent, exp.Table) and parent.args.get("db") is identifier


def parse_condition(tokens: Sequence[Token]) -> exp.Expr:
    """The tree of an expression. Raises ``Unreadable`` as :func:`parse` does, or if it is a hole."""
    tree = parse(tokens, exp.Condition)
    if isinstance(tree, exp.Column) and HOLE in tree.name.lower():
        raise Unreadable(COMPUTED)
    return tree


class Facts:
    """Everything that a tree names.

    ``hidden`` are the names of common table expressions around it, which are not tables.
    """

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden
        self.columns: dict[str, None] = {}
        self.functions: dict[str, None] = {}
        self.calls: dict[Name, None] = {}
        self.reads: dict[Name, None] = {}

    def gather(self, tree: exp.Expr) -> None:
        """Add what a tree names. Raises ``Unreadable`` for a function computed at run time."""
        self._gather(tree, self.hidden)

    def _gather(self, node: exp.Expr, hidden: frozenset[str]) -> None:
        match node:
            case exp.Query() if node.args.get("with_"):
                hidden = self._common_tables(node.args["with_"], hidden)
            case exp.With():
                return
            case exp.Into() | exp.Insert() | exp.Update() | exp.Delete():
                raise Unreadable("it changes rows in a place where only a query may stand")
            case exp.Table():
                self._table(node, hidden)
            case exp.Column():
                self._column(node)
            case exp.Func():
                self._function(node)
        for child in node.iter_expressions():
            self._gather(child, hidden)

    def _common_tables(self, clause: exp.With, hidden: frozenset[str]) -> frozenset[str]:
        names = [folded(table.args["alias"].this) for table in clause.expressions]
        if clause.args.get("recursive"):
            hidden |= set(names)
        for name, table in zip(names, clause.expressions, strict=True):
            self._gather(table.this, hidden)
            hidden |= {name}
        return hidden

    def _table(self, node: exp.Table, hidden: frozenset[str]) -> None:
        if not isinstance(node.this, exp.Identifier):
            return
        schema = node.args.get("db")
        name = folded(node.this)
        if schema is None and name in hidden:
            return
        relation = Name.of(name, None if schema is None else _schema(schema))
        if not is_system(relation):
            self.reads[relation] = None

    def _column(self, node: exp.Column) -> None:
        if not isinstance(node.this, exp.Identifier):
            return
        name = folded(node.this)
        if HOLE not in name:
            self.columns[name] = None

    def _function(self, node: exp.Func) -> None:
        if isinstance(node, exp.Anonymous):
            this = node.this
            name = folded(this) if isinstance(this, exp.Identifier) else str(this).lower()
            if HOLE in name:
                raise Unreadable(COMPUTED)
            parent = node.parent
            schema = (
                parent.this if isinstance(parent, exp.Dot) and parent.this is not node else None
            )
            if name == "array":
                return
            self.functions[_RENAMED.get(name, name.lower())] = None
            self.calls[Name.of(name, schema.name if schema is not None else None)] = None
        elif type(node) in _SYNTAX_FUNCTIONS:
            self.functions[_SYNTAX_FUNCTIONS[type(node)]] = None


_RENAMED: Final = {"current_timestamp": "now"}
_SYNTAX_FUNCTIONS: Final[dict[type[exp.Expr], str]] = {
    exp.CurrentTimestamp: "now",
    exp.CurrentDate: "current_date",
    exp.CurrentTime: "current_time",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
    exp.CurrentUser: "current_user",
    exp.CurrentRole: "current_role",
    exp.SessionUser: "session_user",
    exp.CurrentCatalog: "current_catalog",
    exp.CurrentSchema: "current_schema",
    exp.Extract: "extract",
    exp.Trim: "trim",
    exp.Substring: "substring",
    exp.StrPosition: "position",
    exp.Overlay: "overlay",
    exp.Normalize: "normalize",
    exp.XMLElement: "xmlelement",
    exp.JSONObject: "json_object",
    exp.JSONObjectAgg: "json_objectagg",
    exp.JSONValue: "json_value",
}


def folded(identifier: exp.Expr) -> str:
    """A name as PostgreSQL stores it."""
    name = identifier.name
    return name if identifier.args.get("quoted") else name.lower()


def _schema(identifier: exp.Expr) -> str:
    schema = folded(identifier)
    return "?" if HOLE in schema else schema


def is_system(relation: Name) -> bool:
    """Whether it belongs to PostgreSQL's own catalogues, which no rule is about."""
    if relation.schema is None:
        return relation.name.startswith("pg_")
    return relation.schema in ("pg_catalog", "information_schema", "pg_toast")


def conjuncts(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that all hold where a condition does: what its top-level ANDs join."""
    pending = [tree]
    while pending:
        node = unparenthesised(pending.pop())
        if isinstance(node, exp.And):
            pending += [node.expression, node.this]
        else:
            yield node


def unparenthesised(node: exp.Expr) -> exp.Expr:
    """The expression inside any parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node
