"""Owns statements about rows: INSERT, UPDATE, DELETE, MERGE, COPY, SELECT and their WITH."""

from __future__ import annotations

from typing import Final

import msgspec

from alembic_proof.linter.sql.conditions import Condition, condition_of
from alembic_proof.linter.sql.cursor import COMPUTED, Cursor, Unreadable
from alembic_proof.linter.sql.queries import (
    SELECT_ALL,
    Query,
    Scope,
    known_expression_of,
    query_of,
)
from alembic_proof.linter.sql.tokens import Kind, without_holes
from alembic_proof.objects import Name
from alembic_proof.operations import (
    CallFunction,
    CreateTable,
    DeleteRows,
    InsertRows,
    MergeRows,
    NoOperation,
    Operation,
    SelectRows,
    SetParameter,
    UpdateRows,
)
from alembic_proof.postgres.functions import is_built_in

ROW_WORDS: Final = ("WITH", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE", "(")
"""The words that such a statement begins with (COPY apart)."""
_CHANGES: Final = ("INSERT", "UPDATE", "DELETE", "MERGE")


def row_statement(cursor: Cursor, scope: Scope) -> list[Operation]:
    """Take one of these statements; a WITH that changes rows gives an operation for each change."""
    if not cursor.at("WITH"):
        return _main(cursor, scope, Query())
    operations: list[Operation] = []
    around = Query()
    cursor.expect("WITH")
    if cursor.accept("RECURSIVE"):
        for recursive in _query_names(cursor):
            scope = scope.with_query(recursive, limited=False)
    while True:
        name = cursor.identifier()
        if cursor.at("("):
            cursor.group()
        cursor.expect("AS")
        cursor.accept("NOT")
        cursor.accept("MATERIALIZED")
        body = cursor.group()
        if _changes_rows(body):
            operations += row_statement(body, scope)
            query = Query()
        else:
            query = query_of(body, scope)
        around = _joined(around, query)
        scope = scope.with_query(name, limited=query.limited)
        if cursor.at_any("SEARCH", "CYCLE"):
            cursor.until_words(",", *ROW_WORDS)
        if not cursor.accept(","):
            break
    if cursor.at("WITH"):
        raise cursor.unexpected()
    return operations + _main(cursor, scope, around)


def _query_names(cursor: Cursor) -> list[str]:
    """The names in a WITH RECURSIVE, where each query may read any other; takes nothing."""
    look = Cursor(cursor.tokens[cursor.index :], cursor.source)
    names = []
    while not look.done:
        names.append(look.identifier())
        look.until_words(",", *ROW_WORDS[:-1])
        if not look.accept(","):
            break
    return names


def _changes_rows(body: Cursor) -> bool:
    if body.at("WITH"):
        return any(token.word in _CHANGES for token in body.tokens)
    return body.at_any(*_CHANGES)


def _joined(one: Query, other: Query) -> Query:
    return msgspec.structs.replace(
        other,
        reads=tuple(dict.fromkeys(one.reads + other.reads)),
        calls=tuple(dict.fromkeys(one.calls + other.calls)),
        locks_rows=one.locks_rows or other.locks_rows,
    )


def _main(cursor: Cursor, scope: Scope, around: Query) -> list[Operation]:
    match cursor.peek().word:
        case "INSERT":
            return [_insert(cursor, scope, around)]
        case "UPDATE":
            return [_update(cursor, scope, around)]
        case "DELETE":
            return [_delete(cursor, scope, around)]
        case "MERGE":
            return [_merge(cursor, scope, around)]
        case "SELECT" | "VALUES" | "TABLE" | "(":
            return _select(cursor, scope, around)
        case _:
            raise cursor.unexpected()


# Changes


def _insert(cursor: Cursor, scope: Scope, around: Query) -> InsertRows:
    cursor.expect("INSERT", "INTO")
    table = cursor.name()
    if cursor.accept("AS"):
        cursor.identifier()
    columns: tuple[str, ...] = ()
    if cursor.at("(") and cursor.peek(1).word not in ("SELECT", "WITH", "VALUES", "TABLE", "("):
        columns = tuple(_target(part) for part in cursor.group().split())
    if cursor.accept("OVERRIDING"):
        cursor.accept_any("SYSTEM", "USER")
        cursor.expect("VALUE")
    rows = cursor.until(lambda at: at.at("ON", "CONFLICT") or at.at("RETURNING"))
    reads = around.reads + _inserted(rows, scope)
    on_conflict = cursor.accept("ON", "CONFLICT")
    if on_conflict:
        reads += _subqueries(cursor.until_words("RETURNING"), scope)
    reads += _returning(cursor, scope)
    cursor.finish()
    return InsertRows(
        table=table,
        columns=columns,
        reads=tuple(dict.fromkeys(reads)),
        on_conflict=on_conflict,
    )


def _inserted(rows: Cursor, scope: Scope) -> tuple[Name, ...]:
    """The tables that the rows of an INSERT come from."""
    if rows.accept("DEFAULT", "VALUES"):
        rows.finish()
        return ()
    if not rows.at("VALUES"):
        return query_of(rows, scope).reads
    listed = Cursor(rows.tokens[1:], rows.source)
    if listed.done:
        raise listed.unexpected()
    for row in listed.split():
        if not (row.peek().has_hole and len(row.tokens) == 1):
            row.group()
            row.finish()
    return _subqueries(rows, scope)


def _subqueries(cursor: Cursor, scope: Scope) -> tuple[Name, ...]:
    """The tables of the subqueries inside a part of a statement that is not read as a whole."""
    reads: list[Name] = []
    while not cursor.done:
        if cursor.at("(") and cursor.peek(1).word in ("SELECT", "WITH"):
            reads += query_of(cursor.group(), scope).reads
        else:
            token = cursor.next()
            if token.kind is Kind.BROKEN:
                cursor.index -= 1
                raise cursor.unexpected()
    return tuple(reads)


def _target(cursor: Cursor) -> str:
    """Take the column that an assignment changes: ``a``, ``a.field`` or ``a[1]``."""
    column = cursor.identifier()
    while cursor.accept("."):
        cursor.identifier()
    if cursor.at("["):
        cursor.rest()
    cursor.finish()
    return column


def _update(cursor: Cursor, scope: Scope, around: Query) -> UpdateRows:
    cursor.expect("UPDATE")
    table, alias = _changed_table(cursor, "SET")
    cursor.expect("SET")
    columns, reads = _assignments(cursor.until(_clause("FROM", "WHERE", "RETURNING")), scope)
    sources = cursor.until(_clause("WHERE", "RETURNING")) if cursor.accept("FROM") else None
    condition, more_reads = _rows_changed(cursor, table, alias, sources, scope)
    return UpdateRows(
        table=table,
        columns=columns,
        where=condition.expression if condition else None,
        by_key=condition.by_key if condition else (),
        limited=condition.limited if condition else False,
        reads=tuple(dict.fromkeys(around.reads + reads + more_reads)),
    )


def _delete(cursor: Cursor, scope: Scope, around: Query) -> DeleteRows:
    cursor.expect("DELETE", "FROM")
    table, alias = _changed_table(cursor, "USING", "WHERE", "RETURNING")
    sources = cursor.until(_clause("WHERE", "RETURNING")) if cursor.accept("USING") else None
    condition, reads = _rows_changed(cursor, table, alias, sources, scope)
    return DeleteRows(
        table=table,
        where=condition.expression if condition else None,
        by_key=condition.by_key if condition else (),
        limited=condition.limited if condition else False,
        reads=tuple(dict.fromkeys(around.reads + reads)),
    )


def _changed_table(cursor: Cursor, *clauses: str) -> tuple[Name, str | None]:
    cursor.accept("ONLY")
    table = cursor.name()
    cursor.accept("*")
    if cursor.accept("AS"):
        return table, cursor.identifier()
    if cursor.done or cursor.at_any(*clauses):
        return table, None
    return table, cursor.identifier()


def _clause(*words: str) -> _ClauseTest:
    return _ClauseTest(words)


class _ClauseTest(msgspec.Struct, frozen=True):
    """Whether a clause begins at a cursor; the FROM of IS DISTINCT FROM does not begin one."""

    words: tuple[str, ...]

    def __call__(self, cursor: Cursor) -> bool:
        """Ask for the token at the cursor."""
        if not cursor.at_any(*self.words):
            return False
        return not (
            cursor.at("FROM")
            and cursor.index
            and cursor.tokens[cursor.index - 1].word == "DISTINCT"
        )


def _assignments(cursor: Cursor, scope: Scope) -> tuple[tuple[str, ...], tuple[Name, ...]]:
    columns: list[str] = []
    reads: list[Name] = []
    for part in cursor.split():
        if part.at("("):
            columns += [_target(column) for column in part.group().split()]
        else:
            columns.append(_target(part.until_words("=")))
        part.expect("=")
        if part.accept("DEFAULT"):
            part.finish()
        elif part.at("(") and part.peek(1).word in ("SELECT", "WITH"):
            reads += _subqueries(part, scope)
        else:
            reads += known_expression_of(_without_default(part), scope).reads
    if not columns:
        raise cursor.unexpected()
    return tuple(columns), tuple(reads)


def _without_default(cursor: Cursor) -> Cursor:
    """The same value with NULL for each DEFAULT of ``(a, b) = (1, DEFAULT)``."""
    tokens = [
        token._replace(word="NULL", value="null") if token.word == "DEFAULT" else token
        for token in cursor.tokens[cursor.index :]
    ]
    return Cursor(tokens, cursor.source)


def _rows_changed(
    cursor: Cursor, table: Name, alias: str | None, sources: Cursor | None, scope: Scope
) -> tuple[Condition | None, tuple[Name, ...]]:
    """Take WHERE and RETURNING; the condition, and the tables that the whole rest reads."""
    reads: tuple[Name, ...] = ()
    if sources is not None:
        reads = query_of(Cursor([*SELECT_ALL, *sources.tokens], cursor.source), scope).reads
    condition: Condition | None = None
    if cursor.accept("WHERE"):
        where = cursor.until_words("RETURNING")
        if where.done:
            raise where.unexpected()
        condition = condition_of(where, table, alias, sources, scope)
        if where.tokens[0].word == "CURRENT":
            condition = msgspec.structs.replace(condition, limited=True)
        reads += condition.expression.reads
    reads += _returning(cursor, scope)
    cursor.finish()
    return condition, reads


def _returning(cursor: Cursor, scope: Scope) -> tuple[Name, ...]:
    if not cursor.accept("RETURNING"):
        return ()
    if cursor.done:
        raise cursor.unexpected()
    return _subqueries(cursor, scope)


def _merge(cursor: Cursor, scope: Scope, around: Query) -> MergeRows:
    cursor.expect("MERGE", "INTO")
    table, _ = _changed_table(cursor, "USING")
    cursor.expect("USING")
    source = cursor.until_words("ON", "WHEN")
    reads = query_of(Cursor([*SELECT_ALL, *source.tokens], cursor.source), scope).reads
    cursor.expect("ON")
    reads += _subqueries(cursor, scope)
    return MergeRows(table=table, reads=tuple(dict.fromkeys(around.reads + reads)))


def copy(cursor: Cursor, scope: Scope) -> list[Operation]:
    """Take COPY from after the word COPY."""
    if cursor.at("("):
        inside = cursor.group()
        if _changes_rows(inside) or inside.at("WITH"):
            return row_statement(inside, scope)
        sql = inside.text
        return query_operations(query_of(inside, scope), sql)
    cursor.accept("BINARY")
    table = cursor.name()
    columns = cursor.identifiers() if cursor.at("(") else ()
    direction = cursor.accept_any("FROM", "TO")
    if not direction or cursor.done:
        raise cursor.unexpected()
    if direction == "FROM":
        return [InsertRows(table=table, columns=columns)]
    return [SelectRows(reads=(table,))]


# Queries


def _select(cursor: Cursor, scope: Scope, around: Query) -> list[Operation]:
    parameter = _set_config(cursor)
    if parameter is not None:
        return [parameter]
    sql = cursor.text
    made, cursor = _into(cursor)
    query = _joined(around, query_of(cursor, scope))
    if made is not None:
        return [msgspec.structs.replace(made, reads=query.reads)]
    return query_operations(query, sql)


def query_operations(query: Query, sql: str) -> list[Operation]:
    """What running a query does: reading its tables, and calling functions that are not built in."""
    operations: list[Operation] = [
        CallFunction(function=function, sql=sql)
        for function in query.calls
        if not is_built_in(function)
    ]
    if query.reads:
        rows = SelectRows(reads=query.reads, locks_rows=query.locks_rows, limited=query.limited)
        operations.append(rows)
    return operations or [NoOperation(sql=sql)]


def _set_config(cursor: Cursor) -> SetParameter | None:
    """``SELECT set_config('name', 'value', is_local)`` where the name is a constant."""
    look = Cursor(cursor.tokens[cursor.index :], cursor.source)
    if not look.accept("SELECT"):
        return None
    look.accept("PG_CATALOG", ".")
    if not look.accept("SET_CONFIG") or not look.at("("):
        return None
    arguments = look.group().split()
    if not look.done or len(arguments) != 3:
        return None
    name, value, local = (argument.tokens for argument in arguments)
    if len(name) != 1 or name[0].kind is not Kind.STRING or len(value) != 1:
        return None
    written = without_holes(value[0].value) if value[0].kind is Kind.STRING else "…"
    is_local = len(local) == 1 and local[0].value.lower() in ("true", "t", "on", "yes", "1")
    return SetParameter(parameter=name[0].value.lower(), value=written, local=is_local)


def _into(cursor: Cursor) -> tuple[CreateTable | None, Cursor]:
    """Cut ``INTO [TEMP] [TABLE] name`` out of a SELECT: the table it makes, and the rest."""
    tokens = cursor.tokens[cursor.index :]
    look = Cursor(tokens, cursor.source)
    before = look.until_words("INTO", "FROM")
    if not look.accept("INTO"):
        return None, Cursor(tokens, cursor.source)
    kind = look.accept_any("TEMPORARY", "TEMP", "UNLOGGED")
    look.accept("TABLE")
    table = look.name()
    made = CreateTable(
        table=table, temporary=kind.startswith("TEMP"), unlogged=kind == "UNLOGGED", complete=False
    )
    return made, Cursor([*before.tokens, *tokens[look.index :]], cursor.source)


def without_into(cursor: Cursor) -> Cursor:
    """The same statement without the ``INTO [STRICT] variable, …`` of PL/pgSQL."""
    tokens = cursor.tokens[cursor.index :]
    look = Cursor(tokens, cursor.source)
    is_insert = look.at("INSERT") or look.at("MERGE")
    before = look.until_words("INTO")
    if is_insert and look.accept("INTO"):
        before = Cursor([*before.tokens, tokens[look.index - 1]], cursor.source)
        rest = look.until_words("INTO")
        before = Cursor([*before.tokens, *rest.tokens], cursor.source)
    if not look.accept("INTO"):
        return Cursor(tokens, cursor.source)
    look.accept("STRICT")
    look.list_of(_variable)
    return Cursor([*before.tokens, *tokens[look.index :]], cursor.source)


def _variable(cursor: Cursor) -> None:
    if cursor.peek().kind is Kind.PARAMETER:
        cursor.next()
        return
    try:
        cursor.name()
    except Unreadable as unreadable:
        raise Unreadable(
            COMPUTED if unreadable.reason == COMPUTED else "INTO names no variable"
        ) from None
    while cursor.at("["):
        cursor.until(lambda at: not at.at("["))
