"""Owns what SQLAlchemy expressions and statements say in SQL, and the operations they become.

An expression is rendered as text for the SQL reader, the way SQLAlchemy's compiler would: names
quoted, Python values as binds. What cannot be rendered is a hole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_proof.linter.python.sql_text import expression, literal, quoted, statements
from alembic_proof.linter.python.sqlalchemy_types import argument, sql_type
from alembic_proof.linter.python.values import (
    Attribute,
    Call,
    Choice,
    Class,
    Function,
    Instance,
    Item,
    Items,
    Mapping,
    Method,
    Operator,
    Ref,
    Session,
    Value,
    has_hole,
    known_text,
)
from alembic_proof.objects import Expression, Name
from alembic_proof.operations import (
    InsertRows,
    Operation,
    SelectRows,
    Unresolved,
)

if TYPE_CHECKING:
    from alembic_proof.linter.python.attributes import Resolver

_TABLES = ("Table", "table", "TableClause")
_SELECTABLE = ("alias", "subquery", "cte", "lateral", "tablesample", "with_only_columns")
VERBS = ("insert", "update", "delete", "select")


def table_name(value: Value, reader: Resolver) -> Name | None:
    """The table that a ``sa.table``, a mapped class or an alias of one stands for."""
    match value:
        case Class():
            return mapped_table(value, reader)
        case Call(callee=Ref() as callee) if callee.name in _TABLES:
            name = text_of(argument(value, 0, "name"))
            schema = value.kwargs.get("schema")
            if name is None or not (schema is None or isinstance(schema, str)):
                return None
            return Name.of(name, schema)
        case Call(callee=Ref(path=path), args=(target, *_)) if path.endswith(".aliased"):
            return table_name(target, reader)
        case Call(callee=Attribute(target=target, name=name)) if name in _SELECTABLE:
            return table_name(target, reader)
        case Attribute(target=target, name="__table__"):
            return table_name(target, reader)
        case Item(target=Attribute(name="tables"), key=str() as key) if not has_hole(key):
            schema, _, name = key.rpartition(".")
            return Name.of(name, schema)
        case Attribute(target=Attribute(name="classes"), name=name):
            return Name.of(name)
        case Item(target=Attribute(name="classes"), key=str() as key):
            return Name.of(key)
    return None


def mapped_table(cls: Class, reader: Resolver) -> Name | None:
    """The table of a declarative class, None for a class that is not mapped."""
    name = known_text(reader.find_member(cls, "__tablename__"))
    if name is None:
        table = reader.find_member(cls, "__table__")
        return None if isinstance(table, Class) else table_name(table, reader)
    arguments = reader.find_member(cls, "__table_args__")
    if isinstance(arguments, tuple) and arguments and isinstance(arguments[-1], Mapping):
        arguments = arguments[-1]
    schema = arguments.get("schema") if isinstance(arguments, Mapping) else None
    return Name.of(name, schema if isinstance(schema, str) else None)


def text_of(value: Value) -> str | None:
    """A name given as text or as ``quoted_name``."""
    named = isinstance(value, Call) and isinstance(value.callee, Ref)
    if named and value.callee.name in ("quoted_name", "conv", "f") and value.args:
        return text_of(value.args[0])
    return known_text(value)


def column_name(value: Value, reader: Resolver) -> str | None:
    """The column that a value names: text, ``t.c.x``, ``Model.x``, ``sa.column("x")``."""
    match value:
        case str():
            return known_text(value)
        case Call(callee=Ref() as callee) if callee.name in ("column", "Column", "literal_column"):
            return text_of(argument(value, 0, "name"))
        case Call(callee=Ref(path=path)) if path.endswith("mapped_column"):
            return text_of(value.args[0]) if value.args else None
        case Call(
            callee=Attribute(
                target=target,
                name=(
                    "desc"
                    | "asc"
                    | "label"
                    | "nullslast"
                    | "nullsfirst"
                    | "nulls_last"
                    | "nulls_first"
                ),
            )
        ):
            return column_name(target, reader)
        case Call(callee=Ref() as callee, args=(target, *_)) if callee.name in ("desc", "asc"):
            return column_name(target, reader)
        case Attribute(target=Class() as cls, name=name):
            return _mapped_column(cls, name, reader)
        case Attribute(target=Attribute(name=("c" | "columns" | "exported_columns")), name=name):
            return name
        case Item(target=Attribute(name=("c" | "columns")), key=str() as name):
            return name
        case Attribute(target=target, name="name" | "key"):
            return column_name(target, reader)
    return None


def _mapped_column(cls: Class, name: str, reader: Resolver) -> str:
    member = reader.find_member(cls, name)
    if isinstance(member, Call) and member.args and isinstance(member.args[0], str):
        return member.args[0]
    return name


def primary_key_of(cls: Class, reader: Resolver) -> tuple[str, ...]:
    """The primary key columns of a declarative class."""
    return tuple(
        _mapped_column(cls, name, reader)
        for name, member in reader.members(cls).items()
        if isinstance(member, Call) and member.kwargs.get("primary_key") is True
    )


def clause(value: Value, reader: Resolver) -> Expression:
    """The expression that text or a SQLAlchemy clause stands for in DDL."""
    if isinstance(value, str):
        return expression(value)
    return expression(Renderer(reader, qualify=False).render(value))


class Renderer:
    """Writes SQLAlchemy clauses as SQL, and collects the tables that they read.

    With ``qualify`` columns carry their table's name. ``target`` is the table of an UPDATE or
    DELETE: a subquery then stands in the text and leaves that table to the statement around it, as
    SQLAlchemy correlates it. Otherwise the tables of subqueries are collected too.
    """

    def __init__(
        self, reader: Resolver, *, qualify: bool = True, target: Name | None = None
    ) -> None:
        self._reader = reader
        self._qualify = qualify
        self._target = target
        self._binds = 0
        self.tables: list[Name] = []
        self.calls_functions = False

    def render(self, value: Value) -> str:
        """The SQL of a clause."""
        match value:
            case None:
                return "NULL"
            case bool():
                return "true" if value else "false"
            case int() | float():
                return str(value)
            case str():
                return self._bind() if has_hole(value) else literal(value)
            case Items() | tuple():
                inner = ", ".join(self.render(item) for item in value)
                return f"({inner or 'NULL'})"
            case Class() | Attribute() | Item():
                return self._named(value)
            case Instance():
                return self.render(value.attributes.get("value"))
            case Operator():
                return self._operator(value)
            case Call():
                return self._call(value)
            case Choice() | Function() | Method():
                return self._bind()
        return self._bind()

    def _bind(self) -> str:
        self._binds += 1
        return f":value{self._binds}"

    def table(self, value: Value) -> bool:
        """Note the table that a selectable reads; false if it is none that we know."""
        name = table_name(value, self._reader)
        if name is None:
            return self._join(value) or self._subquery(value) is not None
        if name not in self.tables:
            self.tables.append(name)
        return True

    def _join(self, value: Value) -> bool:
        if not isinstance(value, Call) or name_of(value) not in ("join", "outerjoin"):
            return False
        first = (value.callee.target,) if isinstance(value.callee, Attribute) else ()
        sides = (*first, *value.args)
        for side in sides:
            if not self.table(side):
                self.render(side)
        return True

    def _subquery(self, value: Value) -> str | None:
        """The SQL of a subquery, None for other values."""
        if not isinstance(value, Call):
            return None
        parts = Statement.of(value, self._reader)
        if parts is None or parts.verb != "select":
            return None
        if self._target is None:
            parts.collect(self)
            return "(SELECT 1)"
        inner = Renderer(self._reader, target=self._target)
        parts.collect(inner)
        tables = ", ".join(qualified(name) for name in inner.tables if name != self._target)
        return f"(SELECT 1 FROM {tables})" if tables else "(SELECT 1)"  # noqa: S608

    def _named(self, value: Value) -> str:
        if isinstance(value, Attribute) and value.name == "astext":
            return self._as_text(value.target)
        name = column_name(value, self._reader)
        if name is None:
            if self.table(value):
                return "*"
            return (
                self._reader.hole(repr(value)) if not isinstance(value, Item) else self._item(value)
            )
        holder = value.target if isinstance(value, Attribute | Item) else None
        if isinstance(holder, Attribute):
            holder = holder.target
        self.table(holder)
        table = table_name(holder, self._reader)
        if table is None or not self._qualify:
            return quoted(name)
        return f"{quoted(table.name)}.{quoted(name)}"

    def _item(self, value: Item, suffix: str = "") -> str:
        if isinstance(value.key, Items | tuple) and all(isinstance(key, str) for key in value.key):
            path = literal("{" + ",".join(value.key) + "}")
            return f"({self.render(value.target)} #>{suffix} {path})"
        return f"({self.render(value.target)} ->{suffix} {self.render(value.key)})"

    def _as_text(self, value: Value) -> str:
        return self._item(value, ">") if isinstance(value, Item) else self.render(value)

    def _operator(self, value: Operator) -> str:
        sql = _OPERATORS.get(value.operator)
        if sql is None:
            return self._reader.hole(repr(value))
        if len(value.operands) == 1:
            return f"({sql if value.operator != '~' else 'NOT'} {self.render(value.operands[0])})"
        left, right = value.operands
        if value.operator in ("==", "!=") and (left is None or right is None):
            other = right if left is None else left
            return f"({self.render(other)} IS {'NOT ' if value.operator == '!=' else ''}NULL)"
        return f"({self.render(left)} {sql} {self.render(right)})"

    def _call(self, value: Call) -> str:
        if isinstance(value.callee, Ref):
            return self._construct(value, value.callee)
        if isinstance(value.callee, Attribute):
            return self._method(value, value.callee)
        if isinstance(value.callee, Call):
            return self._custom_operator(value, value.callee)
        return self._subquery(value) or self._bind()

    def _construct(self, value: Call, callee: Ref) -> str:
        name, args = callee.name, value.args
        if ".func." in callee.path:
            return self._function(callee.path.rpartition(".func.")[2], args)
        if name in ("text", "literal_column", "DDL", "TextClause"):
            text = argument(value, 0, "text")
            return text if isinstance(text, str) else self._reader.hole(repr(value))
        if name in ("column", "Column"):
            column = text_of(argument(value, 0, "name"))
            return self._reader.hole(repr(value)) if column is None else quoted(column)
        if name in ("and_", "or_"):
            joiner = " AND " if name == "and_" else " OR "
            return f"({joiner.join(self.render(arg) for arg in args) or 'true'})"
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name == "bindparam":
            key = known_text(argument(value, 0, "key"))
            return self._bind() if key is None else f":{key}"
        if name == "literal" or name == "inline_literal":
            return self.render(argument(value, 0, "value"))
        if name in _WRAPPERS and args:
            return _WRAPPERS[name].format(*(self.render(arg) for arg in args))
        if name in ("cast", "Cast", "try_cast") and len(args) == 2:
            return self._cast(args[0], args[1])
        if name == "case":
            return self._case(value)
        if name == "extract" and len(args) == 2:
            return f"EXTRACT({known_text(args[0]) or 'epoch'} FROM {self.render(args[1])})"
        if name == "Sequence" and args:
            return self._bind()
        if name in _TABLES and self.table(value):
            return "*"
        subquery = self._subquery(value)
        if subquery is not None:
            return subquery
        if callee.package != "sqlalchemy":
            return self._bind()
        return self._reader.hole(repr(value))

    def _function(self, name: str, args: tuple[Value, ...]) -> str:
        self.calls_functions = self.calls_functions or name.lower() not in _HARMLESS_FUNCTIONS
        if name.lower() in ("current_timestamp", "current_date", "localtimestamp"):
            return name.upper()
        return f"{name}({', '.join(self.render(arg) for arg in args)})"

    def _cast(self, operand: Value, target: Value) -> str:
        kind = sql_type(target, self._reader)
        shown = self._reader.hole(repr(target)) if kind is None else str(kind)
        return f"CAST({self.render(operand)} AS {shown})"

    def _case(self, value: Call) -> str:
        whens = (
            value.args[0]
            if len(value.args) == 1 and isinstance(value.args[0], Items)
            else value.args
        )
        arms = [
            f"WHEN {self.render(when[0])} THEN {self.render(when[1])}"
            for when in whens
            if isinstance(when, tuple) and len(when) == 2
        ]
        if not arms:
            return self._bind()
        last = f" ELSE {self.render(value.kwargs['else_'])}" if "else_" in value.kwargs else ""
        return f"CASE {' '.join(arms)}{last} END"

    def _method(self, value: Call, callee: Attribute) -> str:
        target, args = callee.target, value.args
        match callee.name:
            case "next_value" if isinstance(target, Call) and target.args:
                sequence = text_of(target.args[0]) or self._reader.hole(repr(target))
                return f"nextval({literal(quoted(sequence) if sequence != sequence.lower() else sequence)})"
            case "cast" if args:
                return self._cast(target, args[0])
            case "in_" | "not_in" | "notin_":
                word = "IN" if callee.name == "in_" else "NOT IN"
                return f"({self.render(target)} {word} {self._members(args[0] if args else None)})"
            case "exists":
                return f"EXISTS {self._subquery(target) or '(SELECT 1)'}"
            case "any" | "has":
                for arg in args:
                    self.render(arg)
                return self._reader.hole(repr(value))
            case "is_" | "is_not" | "isnot" if args:
                word = "IS" if callee.name == "is_" else "IS NOT"
                return f"({self.render(target)} {word} {self.render(args[0])})"
            case "between" if len(args) == 2:
                return f"({self.render(target)} BETWEEN {self.render(args[0])} AND {self.render(args[1])})"
            case "startswith" | "endswith" | "contains" | "icontains" if args:
                return f"({self.render(target)} LIKE {self.render(args[0])})"
            case "as_string":
                return f"CAST({self._as_text(target)} AS varchar)"
            case name if name in _BINARY_METHODS and args:
                return f"({self.render(target)} {_BINARY_METHODS[name]} {self.render(args[0])})"
            case name if name in _SUFFIXES:
                return f"{self.render(target)}{_SUFFIXES[name]}"
        return self._subquery(value) or self._reader.hole(repr(value))

    def _members(self, value: Value) -> str:
        if isinstance(value, Items | tuple | set | frozenset):
            return self.render(tuple(value))
        return self._subquery(value) or f"({self._bind()})"

    def _custom_operator(self, value: Call, callee: Call) -> str:
        if isinstance(callee.callee, Attribute) and callee.callee.name in ("op", "bool_op"):
            sign = known_text(callee.args[0]) if callee.args else None
            if sign is not None and value.args:
                return f"({self.render(callee.callee.target)} {sign} {self.render(value.args[0])})"
        return self._reader.hole(repr(value))


class Statement:
    """A Core or ORM statement taken apart: its verb, what it works on, and the methods chained on it."""

    def __init__(
        self, verb: str, targets: tuple[Value, ...], chain: list[tuple[str, Call]], first: Call
    ) -> None:
        self.verb = verb
        self.targets = targets
        self.chain = chain
        self.first = first

    @classmethod
    def of(cls, value: Value, reader: Resolver) -> Statement | None:
        """The statement behind a chain of calls, None if it is none."""
        chain: list[tuple[str, Call]] = []
        while isinstance(value, Call) and isinstance(value.callee, Attribute):
            chain.append((value.callee.name, value))
            value = value.callee.target
        chain.reverse()
        if isinstance(value, Call) and isinstance(value.callee, Ref):
            name = value.callee.name.lower()
            if name in VERBS and value.callee.package in ("sqlalchemy", "sqlmodel"):
                return cls(name, value.args, chain, value)
            if name in ("union", "union_all", "intersect", "except_"):
                return cls("select", value.args, chain, value)
            if name == "exists":
                return cls("select", value.args, chain, value)
        method = value.callee if isinstance(value, Call) else None
        of_session = isinstance(method, Method) and isinstance(method.receiver, Session)
        if of_session and method is not None and method.name == "query":
            verb = chain[-1][0] if chain and chain[-1][0] in ("update", "delete") else "select"
            return cls(verb, value.args, chain, value)
        if chain and chain[0][0] in VERBS and table_name(value, reader) is not None:
            return cls(chain[0][0], (value,), chain[1:], chain[0][1])
        return None

    def collect(self, renderer: Renderer) -> None:
        """Note every table that the statement reads."""
        for target in self.targets:
            for item in target if isinstance(target, Items) else (target,):
                if not renderer.table(item):
                    renderer.render(item)
        for name, call in self.chain:
            if name in ("params", "values", "execution_options", "options", "limit", "offset"):
                continue
            for value in (*call.args, *call.kwargs.values()):
                if not renderer.table(value):
                    renderer.render(value)

    def calls(self, *names: str) -> list[Call]:
        """The chained calls of these methods."""
        return [call for name, call in self.chain if name in names]

    def where(self, renderer: Renderer) -> str:
        """The conditions of ``where``, ``filter`` and ``filter_by``, joined."""
        parts: list[str] = []
        for name, call in self.chain:
            if name in ("where", "filter"):
                parts += [renderer.render(arg) for arg in call.args]
            elif name == "filter_by":
                parts += [
                    f"{quoted(key)} = {renderer.render(item)}" for key, item in call.kwargs.items()
                ]
            elif name == "get":
                parts.append("id = :key")
        whereclause = argument(self.first, 1, "whereclause") if self.verb != "select" else None
        if whereclause is not None and name_of(self.first) in ("update", "delete"):
            parts.append(renderer.render(whereclause))
        return " AND ".join(parts)


def name_of(call: Call) -> str:
    """The function name of a call of a symbol."""
    callee = call.callee
    return callee.name if isinstance(callee, Ref | Attribute | Method) else ""


def read_statement(
    value: Value, reader: Resolver, parameters: Value = None, source: str = ""
) -> list[tuple[Operation, ...]] | None:
    """The operations of a Core or ORM statement, one tuple for each SQL statement; None if it is none."""
    statement = Statement.of(value, reader)
    if statement is None:
        return None
    if statement.verb == "select":
        return [_select(statement, reader, source)]
    table = _target(statement, reader)
    if table is None:
        reason = f"the table of this {statement.verb} is not known"
        return [(Unresolved(reason=reason, source=source),)]
    if statement.verb == "insert":
        return [(_insert(statement, table, reader, parameters),)]
    return list(statements(_change(statement, table, reader, parameters)))


def _target(statement: Statement, reader: Resolver) -> Name | None:
    target = statement.targets[0] if statement.targets else statement.first.kwargs.get("table")
    name = table_name(target, reader)
    if name is None and isinstance(target, Attribute):
        name = table_name(target.target, reader)
    return name


def _select(statement: Statement, reader: Resolver, source: str) -> tuple[Operation, ...]:
    renderer = Renderer(reader)
    statement.collect(renderer)
    if not renderer.tables:
        if renderer.calls_functions:
            inner = ", ".join(renderer.render(target) for target in statement.targets)
            found = statements(f"SELECT {inner}")
            return found[0] if found else ()
        reason = "the tables of this query are not known"
        return (Unresolved(reason=reason, source=source),)
    return (
        SelectRows(
            reads=tuple(renderer.tables),
            locks_rows=bool(statement.calls("with_for_update")),
            limited=bool(statement.calls("limit", "first", "get")),
        ),
    )


def _insert(statement: Statement, table: Name, reader: Resolver, parameters: Value) -> InsertRows:
    renderer = Renderer(reader)
    columns: list[str] = []
    for call in statement.calls("values"):
        columns += list(call.kwargs)
        for arg in call.args:
            columns += _keys(arg, reader)
    for call in statement.calls("from_select"):
        names, query = argument(call, 0, "names"), argument(call, 1, "select")
        items = reader.iterate(names)[0] if names is not None else []
        columns += [name for item in items if (name := column_name(item, reader)) is not None]
        renderer.table(query)
    if not columns:
        columns = _keys(parameters, reader)
    return InsertRows(
        table=table,
        columns=tuple(dict.fromkeys(columns)),
        reads=tuple(renderer.tables),
        on_conflict=bool(statement.calls("on_conflict_do_nothing", "on_conflict_do_update")),
    )


def _keys(value: Value, reader: Resolver) -> list[str]:
    """The column names in a dictionary of values, or in the first of a list of them."""
    if isinstance(value, Items | tuple) and value:
        value = value[0]
    if not isinstance(value, Mapping):
        return []
    return [name for key in value if (name := column_name(key, reader)) is not None]


def _change(statement: Statement, table: Name, reader: Resolver, parameters: Value) -> str:
    """The UPDATE or DELETE as SQL."""
    renderer = Renderer(reader, target=table)
    where = statement.where(renderer)
    target = qualified(table)
    extra = ", ".join(qualified(name) for name in renderer.tables if name != table)
    if statement.verb == "delete":
        using = f" USING {extra}" if extra else ""
        # S608: this text is read by our own SQL reader and never sent anywhere.
        return f"DELETE FROM {target}{using}" + (f" WHERE {where}" if where else "")  # noqa: S608
    assignments = _assignments(statement, renderer, reader)
    if not assignments:
        assignments = [f"{quoted(key)} = :value" for key in _keys(parameters, reader)]
    extra = ", ".join(qualified(name) for name in renderer.tables if name != table)
    source = f" FROM {extra}" if extra else ""
    shown = ", ".join(assignments) or f"{reader.hole('the values')} = :value"
    return f"UPDATE {target} SET {shown}{source}" + (f" WHERE {where}" if where else "")  # noqa: S608


def _assignments(statement: Statement, renderer: Renderer, reader: Resolver) -> list[str]:
    result: list[str] = []
    calls = statement.calls("values", "update", "ordered_values")
    given = [statement.first.kwargs["values"]] if "values" in statement.first.kwargs else []
    for call in calls:
        given += call.args
        given += [
            Mapping({key: item})
            for key, item in call.kwargs.items()
            if key != "synchronize_session"
        ]
    for values in given:
        pairs = (
            values.items()
            if isinstance(values, Mapping)
            else [
                pair
                for pair in (values if isinstance(values, Items | tuple) else ())
                if isinstance(pair, tuple) and len(pair) == 2
            ]
        )
        for key, item in pairs:
            name = _assigned(key, statement.targets, reader)
            shown = quoted(name) if name is not None else reader.hole(repr(key))
            result.append(f"{shown} = {renderer.render(item)}")
    return result


def _assigned(key: Value, targets: tuple[Value, ...], reader: Resolver) -> str | None:
    """The column that a key of ``values`` means: attributes of a mapped class have other names."""
    if isinstance(key, str) and targets and isinstance(targets[0], Class):
        return column_name(Attribute(targets[0], key), reader)
    return column_name(key, reader)


def qualified(table: Name) -> str:
    """A table's name as SQL."""
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)


_OPERATORS = {
    "==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    "&": "AND", "|": "OR", "~": "NOT", "+": "+", "-": "-", "*": "*", "/": "/", "%": "%",
    "//": "/", "<<": "<<", ">>": ">>",
}  # fmt: skip
_CONSTANTS = {"null": "NULL", "true": "true", "false": "false", "Null": "NULL"}
_WRAPPERS = {
    "not_": "(NOT {0})",
    "desc": "{0} DESC",
    "asc": "{0} ASC",
    "distinct": "DISTINCT {0}",
    "type_coerce": "{0}",
    "nullslast": "{0} NULLS LAST",
    "nullsfirst": "{0} NULLS FIRST",
    "nulls_last": "{0} NULLS LAST",
    "nulls_first": "{0} NULLS FIRST",
    "any_": "ANY ({0})",
    "all_": "ALL ({0})",
    "collate": "{0}",
    "between": "({0} BETWEEN {1} AND {2})",
    "array": "ARRAY{0}",
    "label": "{0}",
    "tuple_": "({0})",
    "between_": "{0}",
}
_BINARY_METHODS = {
    "like": "LIKE",
    "ilike": "ILIKE",
    "not_like": "NOT LIKE",
    "notlike": "NOT LIKE",
    "not_ilike": "NOT ILIKE",
    "notilike": "NOT ILIKE",
    "concat": "||",
    "regexp_match": "~",
    "is_distinct_from": "IS DISTINCT FROM",
    "isnot_distinct_from": "IS NOT DISTINCT FROM",
    "has_key": "?",
    "contained_by": "<@",
    "overlap": "&&",
}
_SUFFIXES = {
    "label": "",
    "asc": " ASC",
    "desc": " DESC",
    "nullslast": " NULLS LAST",
    "nullsfirst": " NULLS FIRST",
    "nulls_last": " NULLS LAST",
    "nulls_first": " NULLS FIRST",
    "isnull": " IS NULL",
    "self_group": "",
    "as_integer": "",
    "as_float": "",
    "as_json": "",
    "as_boolean": "",
    "bindparams": "",
    "columns": "",
    "collate": "",
    "distinct": "",
    "over": "",
    "filter": "",
}
_HARMLESS_FUNCTIONS = frozenset({
    "count", "max", "min", "sum", "avg", "lower", "upper", "coalesce", "now", "length", "concat",
    "row_number", "array_agg", "json_agg", "jsonb_agg", "string_agg", "date_trunc", "cast", "random",
})  # fmt: skip
