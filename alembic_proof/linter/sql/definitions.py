"""Owns CREATE of everything but tables: indexes, types, views, functions, triggers and the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from alembic_proof.linter.sql.columns import default_value, table_constraint
from alembic_proof.linter.sql.cursor import Cursor, read_type_at
from alembic_proof.linter.sql.queries import Scope, expression_of, known_expression_of, query_of
from alembic_proof.linter.sql.tables import (
    create_table,
    query_before_with_data,
)
from alembic_proof.linter.sql.tokens import Kind, Token, without_holes, words
from alembic_proof.objects import Constraint, Expression, IndexKey, Name, NotNull
from alembic_proof.operations import (
    ChangeObject,
    ChangePolicy,
    CreateExtension,
    CreateFunction,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateStatistics,
    CreateTable,
    CreateTrigger,
    CreateType,
    CreateView,
    Operation,
)

Parser = Callable[[Cursor], list[Operation]]


def create(cursor: Cursor) -> list[Operation]:
    """Take CREATE … from after the word CREATE."""
    or_replace = cursor.accept("OR", "REPLACE")
    if cursor.at_any("FUNCTION", "PROCEDURE"):
        return _function(cursor, or_replace=or_replace)
    if cursor.at("TRIGGER") or cursor.at("CONSTRAINT", "TRIGGER"):
        return _trigger(cursor, or_replace=or_replace)
    if cursor.at("UNIQUE") or cursor.at("INDEX"):
        return _index(cursor)
    if cursor.accept("MATERIALIZED", "VIEW"):
        return _materialized_view(cursor)
    if _is_table_like(cursor):
        return _table_like(cursor, or_replace=or_replace)
    for word, parser in _PARSERS.items():
        if cursor.accept(word):
            return parser(cursor)
    return _other_object(cursor)


_PERSISTENCE: Final = ("GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED")


def _is_table_like(cursor: Cursor) -> bool:
    return cursor.at_any(*_PERSISTENCE, "TABLE", "VIEW", "RECURSIVE", "SEQUENCE")


def _table_like(cursor: Cursor, *, or_replace: bool) -> list[Operation]:
    """Take what may be temporary or unlogged: tables, views and sequences."""
    words = []
    while cursor.at_any(*_PERSISTENCE):
        words.append(cursor.next().word)
    temporary = "TEMP" in words or "TEMPORARY" in words
    if cursor.accept("TABLE"):
        return create_table(cursor, temporary=temporary, unlogged="UNLOGGED" in words)
    if cursor.at_any("RECURSIVE", "VIEW"):
        return _view(cursor, or_replace=or_replace, temporary=temporary)
    if cursor.accept("SEQUENCE"):
        return _sequence(cursor, temporary=temporary)
    raise cursor.unexpected()


# Indexes


def _index(cursor: Cursor) -> list[Operation]:
    unique = cursor.accept("UNIQUE")
    cursor.expect("INDEX")
    concurrently = cursor.accept("CONCURRENTLY")
    if_not_exists = cursor.if_not_exists()
    name = None if cursor.at("ON") else cursor.identifier()
    cursor.expect("ON")
    only = cursor.accept("ONLY")
    table = cursor.name()
    cursor.accept("*")
    method = cursor.identifier() if cursor.accept("USING") else "btree"
    keys = tuple(_index_key(part) for part in cursor.group().split())
    include = cursor.identifiers() if cursor.accept("INCLUDE") else ()
    if not cursor.accept("NULLS", "NOT", "DISTINCT"):
        cursor.accept("NULLS", "DISTINCT")
    if cursor.accept("WITH"):
        cursor.group()
    if cursor.accept("TABLESPACE"):
        cursor.identifier()
    where = expression_of(cursor.rest()) if cursor.accept("WHERE") else None
    cursor.finish()
    return [
        CreateIndex(
            table=table,
            name=name,
            keys=keys,
            unique=unique,
            concurrently=concurrently,
            if_not_exists=if_not_exists,
            only=only,
            method=method,
            where=where,
            include=include,
        )
    ]


def _index_key(cursor: Cursor) -> IndexKey:
    expression: Expression | None = None
    column: str | None = None
    if cursor.at("("):
        expression = expression_of(cursor.group())
    elif _is_function_call(cursor):
        start = cursor.index
        cursor.name()
        cursor.group()
        call = Cursor(cursor.tokens[start : cursor.index], cursor.source)
        expression = expression_of(call)
    else:
        column = cursor.identifier()
    _index_key_options(cursor)
    cursor.finish()
    return IndexKey(column=column, expression=expression)


def _is_function_call(cursor: Cursor) -> bool:
    ahead = 1
    while cursor.peek(ahead).word == ".":
        ahead += 2
    return cursor.peek(ahead).word == "(" and cursor.peek().kind in (Kind.WORD, Kind.QUOTED)


def _index_key_options(cursor: Cursor) -> None:
    """Take COLLATE, an operator class with its parameters, the direction and NULLS FIRST or LAST."""
    if cursor.accept("COLLATE"):
        cursor.name()
    if not cursor.done and not cursor.at_any("ASC", "DESC", "NULLS"):
        cursor.name()
        if cursor.at("("):
            cursor.group()
    cursor.accept_any("ASC", "DESC")
    if cursor.accept("NULLS"):
        cursor.accept_any("FIRST", "LAST")


# Views


def _view(cursor: Cursor, *, or_replace: bool, temporary: bool) -> list[Operation]:
    recursive = cursor.accept("RECURSIVE")
    cursor.expect("VIEW")
    view = cursor.name()
    _view_options(cursor)
    cursor.expect("AS")
    scope = Scope().with_query(view.name, limited=False) if recursive else Scope()

    def check_option(at: Cursor) -> bool:
        return at.at("WITH") and at.peek(1).word in ("CHECK", "LOCAL", "CASCADED")

    query = query_of(cursor.until(check_option), scope)
    if cursor.accept("WITH"):
        cursor.accept_any("LOCAL", "CASCADED")
        cursor.expect("CHECK", "OPTION")
    cursor.finish()
    return [CreateView(view=view, reads=query.reads, or_replace=or_replace, temporary=temporary)]


def _materialized_view(cursor: Cursor) -> list[Operation]:
    if_not_exists = cursor.if_not_exists()
    view = cursor.name()
    _view_options(cursor)
    cursor.expect("AS")
    query, with_data = query_before_with_data(cursor)
    reads = query_of(query).reads
    cursor.finish()
    return [
        CreateView(
            view=view,
            reads=reads,
            materialized=True,
            if_not_exists=if_not_exists,
            with_data=with_data,
        )
    ]


def _view_options(cursor: Cursor) -> None:
    if cursor.at("("):
        cursor.identifiers()
    while True:
        if cursor.accept("WITH"):
            cursor.group()
        elif cursor.accept("USING") or cursor.accept("TABLESPACE"):
            cursor.identifier()
        else:
            return


# Types


def _type(cursor: Cursor) -> list[Operation]:
    type_ = cursor.name()
    if cursor.done:
        return [CreateType(type=type_, kind="base")]
    if cursor.at("("):
        cursor.group()
        cursor.finish()
        return [CreateType(type=type_, kind="base")]
    cursor.expect("AS")
    if cursor.accept("ENUM"):
        inside = cursor.group()
        values = () if inside.done else inside.list_of(Cursor.string)
        inside.finish()
        cursor.finish()
        return [CreateType(type=type_, kind="enum", values=values)]
    is_range = cursor.accept("RANGE")
    cursor.group()
    cursor.finish()
    return [CreateType(type=type_, kind="range" if is_range else "composite")]


def _domain(cursor: Cursor) -> list[Operation]:
    domain = cursor.name()
    cursor.accept("AS")
    base = read_type_at(cursor)
    constraints: list[Constraint] = []
    default: Expression | None = None
    while not cursor.done:
        name = cursor.identifier() if cursor.accept("CONSTRAINT") else None
        if cursor.accept("COLLATE"):
            cursor.name()
        elif cursor.accept("DEFAULT"):
            default = default_value(cursor)
        elif cursor.accept("NOT", "NULL"):
            constraints.append(NotNull(name=name, column="value"))
        elif not cursor.accept("NULL"):
            check = table_constraint(cursor)
            constraints.append(msgspec.structs.replace(check, name=name))
    return [
        CreateType(
            type=domain,
            kind="domain",
            base=base,
            constraints=tuple(constraints),
            default=default,
        )
    ]


# Sequences, functions, triggers


def _sequence(cursor: Cursor, *, temporary: bool) -> list[Operation]:
    if_not_exists = cursor.if_not_exists()
    sequence = cursor.name()
    owned_by = sequence_options(cursor)
    return [
        CreateSequence(
            sequence=sequence,
            if_not_exists=if_not_exists,
            temporary=temporary,
            owned_by=owned_by,
        )
    ]


_SEQUENCE_WORDS: Final = words(
    "AS INCREMENT BY MINVALUE MAXVALUE START RESTART WITH CACHE CYCLE NO SEQUENCE NAME LOGGED "
    "UNLOGGED SET"
)


def sequence_options(cursor: Cursor) -> tuple[Name, str] | None:
    """Take the options of a sequence; the (table, column) that it is OWNED BY."""
    owned_by: tuple[Name, str] | None = None
    while not cursor.done:
        if cursor.accept("OWNED", "BY"):
            owned_by = None if cursor.accept("NONE") else owning_column(cursor)
        elif cursor.accept("AS"):
            read_type_at(cursor)
        elif cursor.at_any(*_SEQUENCE_WORDS) or _is_value(cursor.peek()):
            cursor.next()
        else:
            raise cursor.unexpected()
    return owned_by


def _is_value(token: Token) -> bool:
    return token.kind in (Kind.NUMBER, Kind.PARAMETER) or token.word in ("-", "+") or token.has_hole


def owning_column(cursor: Cursor) -> tuple[Name, str]:
    """Take ``table.column`` or ``schema.table.column``."""
    parts = [cursor.identifier()]
    while cursor.accept("."):
        parts.append(cursor.identifier())
    if len(parts) < 2:
        raise cursor.unexpected()
    schema = parts[-3] if len(parts) > 2 else None
    return Name.of(parts[-2], schema), parts[-1]


def _function(cursor: Cursor, *, or_replace: bool) -> list[Operation]:
    cursor.next()
    function = cursor.name()
    cursor.group()
    language, body = "", ""
    while not cursor.done:
        if cursor.at("BEGIN", "ATOMIC") or cursor.at("RETURN"):
            body = cursor.text
            cursor.rest()
        elif cursor.accept("LANGUAGE"):
            language = cursor.next().value.lower()
        elif cursor.accept("AS"):
            body = without_holes(cursor.string())
            if cursor.accept(","):
                cursor.string()
        elif cursor.at("("):
            cursor.group()
        elif cursor.peek().has_hole:
            raise cursor.unexpected()
        else:
            cursor.next()
    return [
        CreateFunction(
            function=function, language=language or "sql", or_replace=or_replace, body=body
        )
    ]


def _trigger(cursor: Cursor, *, or_replace: bool) -> list[Operation]:
    constraint = cursor.accept("CONSTRAINT")
    cursor.expect("TRIGGER")
    name = cursor.identifier()
    if not cursor.accept_any("BEFORE", "AFTER"):
        cursor.expect("INSTEAD", "OF")
    _known(cursor.until_words("ON"))
    cursor.expect("ON")
    table = cursor.name()
    referenced = cursor.name() if cursor.accept("FROM") else None
    _known(cursor.until_words("EXECUTE"))
    cursor.expect("EXECUTE")
    if not cursor.accept_any("FUNCTION", "PROCEDURE"):
        raise cursor.unexpected()
    cursor.name()
    cursor.group()
    cursor.finish()
    return [
        CreateTrigger(
            table=table,
            name=name,
            constraint=constraint,
            or_replace=or_replace,
            referenced=referenced,
        )
    ]


def _known(cursor: Cursor) -> None:
    """Refuse a part that is not looked into, when some of it is computed at run time."""
    cursor.known_text()


# Schemas, extensions, policies, statistics


def _schema(cursor: Cursor) -> list[Operation]:
    if_not_exists = cursor.if_not_exists()
    schema = None if cursor.at("AUTHORIZATION") else cursor.identifier()
    if cursor.accept("AUTHORIZATION"):
        owner = cursor.identifier()
        schema = schema or owner
    operations: list[Operation] = [CreateSchema(schema=schema or "", if_not_exists=if_not_exists)]
    # CREATE SCHEMA may hold whole CREATE statements, one after the other.
    while cursor.accept("CREATE"):
        element = cursor.until_words("CREATE", "GRANT")
        operations += [_in_schema(operation, schema or "") for operation in create(element)]
    cursor.finish()
    return operations


def _in_schema(operation: Operation, schema: str) -> Operation:
    if isinstance(operation, CreateTable) and operation.table.schema is None:
        return msgspec.structs.replace(operation, table=Name.of(operation.table.name, schema))
    return operation


def _extension(cursor: Cursor) -> list[Operation]:
    if_not_exists = cursor.if_not_exists()
    extension = cursor.identifier()
    cursor.known_text()
    return [CreateExtension(extension=extension, if_not_exists=if_not_exists)]


def _policy(cursor: Cursor) -> list[Operation]:
    name = cursor.identifier()
    cursor.expect("ON")
    table = cursor.name()
    _known(cursor.until_words("USING", "WITH"))
    cursor.rest()
    return [ChangePolicy(verb="CREATE", table=table, name=name)]


def _statistics(cursor: Cursor) -> list[Operation]:
    cursor.if_not_exists()
    name = None if cursor.at_any("ON", "(") else str(cursor.name())
    if cursor.at("("):
        cursor.group()
    cursor.expect("ON")
    for part in cursor.until_words("FROM").split():
        known_expression_of(part)
    cursor.expect("FROM")
    table = cursor.name()
    cursor.finish()
    return [CreateStatistics(name=name, table=table)]


_PARSERS: Final[dict[str, Parser]] = {
    "TYPE": _type,
    "DOMAIN": _domain,
    "SCHEMA": _schema,
    "EXTENSION": _extension,
    "POLICY": _policy,
    "STATISTICS": _statistics,
}


# Everything else

OTHER_KINDS: Final = (
    "ACCESS METHOD",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONVERSION",
    "DATABASE",
    "EVENT TRIGGER",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
    "GROUP",
    "LANGUAGE",
    "LARGE OBJECT",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "OPERATOR",
    "PROCEDURAL LANGUAGE",
    "PUBLICATION",
    "ROLE",
    "RULE",
    "SERVER",
    "SUBSCRIPTION",
    "SYSTEM",
    "TABLESPACE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "USER MAPPING",
    "USER",
)
"""Kinds of :class:`~alembic_proof.operations.ChangeObject`, in the words of the grammar."""


def object_kind(cursor: Cursor) -> str:
    """Take the words of one of :data:`OTHER_KINDS`."""
    for kind in OTHER_KINDS:
        if cursor.accept(*kind.split()):
            return kind
    raise cursor.unexpected()


def object_name(cursor: Cursor, kind: str) -> str:
    """Take the name of such an object, if it has one that is a name."""
    if kind in ("CAST", "OPERATOR", "SYSTEM", "TRANSFORM", "USER MAPPING"):
        return ""
    if cursor.peek().kind in (Kind.WORD, Kind.QUOTED):
        return str(cursor.name())
    return ""


def _other_object(cursor: Cursor) -> list[Operation]:
    cursor.accept("TRUSTED")
    cursor.accept("DEFAULT")
    sql = cursor.text
    kind = object_kind(cursor)
    cursor.if_not_exists()
    name = object_name(cursor, kind)
    tables: tuple[Name, ...] = ()
    match kind:
        case "RULE":
            _known(cursor.until_words("TO"))
            cursor.expect("TO")
            tables = (cursor.name(),)
        case "PUBLICATION" if cursor.accept("FOR", "TABLE"):
            tables = publication_tables(cursor)
    cursor.known_text()
    return [ChangeObject(verb="CREATE", kind=kind, name=name, tables=tables, sql=f"CREATE {sql}")]


def publication_tables(cursor: Cursor) -> tuple[Name, ...]:
    """Take the table list of a publication."""
    tables = []
    for part in cursor.until_words("WITH").split():
        part.accept("TABLE")
        if part.accept("TABLES", "IN", "SCHEMA"):
            part.rest()
            continue
        part.accept("ONLY")
        tables.append(part.name())
        part.known_text()
    return tuple(tables)
