"""Owns the statements without an object of their own: session, transaction, upkeep, privileges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from alembic_proof.linter.sql.cursor import COMPUTED, Cursor, Unreadable
from alembic_proof.linter.sql.definitions import OTHER_KINDS
from alembic_proof.linter.sql.tokens import Kind, Token, without_holes
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import (
    Analyze,
    BeginTransaction,
    ChangeObject,
    ChangePrivileges,
    Cluster,
    Comment,
    CommitTransaction,
    LockTable,
    NoOperation,
    Operation,
    RefreshMaterializedView,
    Reindex,
    RollbackTransaction,
    Savepoint,
    SetParameter,
    Truncate,
    Vacuum,
)

# Upkeep of tables


def _relations(cursor: Cursor) -> tuple[Name, ...]:
    """Take a list of tables, each with ONLY or ``*`` as it may be."""

    def relation(item: Cursor) -> Name:
        if item.accept("ONLY") and item.at("("):
            inside = item.group()
            name = inside.name()
            inside.finish()
            return name
        name = item.name()
        item.accept("*")
        return name

    return cursor.list_of(relation)


def _truncate(cursor: Cursor) -> list[Operation]:
    cursor.accept("TABLE")
    tables = _relations(cursor)
    restart = cursor.accept("RESTART", "IDENTITY")
    cursor.accept("CONTINUE", "IDENTITY")
    cascade = cursor.cascade()
    cursor.finish()
    return [Truncate(tables=tables, cascade=cascade, restart_identity=restart)]


def _lock(cursor: Cursor) -> list[Operation]:
    cursor.accept("TABLE")
    tables = _relations(cursor)
    mode = LockMode.ACCESS_EXCLUSIVE
    if cursor.accept("IN"):
        words = cursor.until_words("MODE").known_text().upper()
        cursor.expect("MODE")
        try:
            mode = LockMode(" ".join(words.split()))
        except ValueError:
            raise Unreadable(f"{words[:60]} is not a lock mode") from None
    cursor.accept("NOWAIT")
    cursor.finish()
    return [LockTable(tables=tables, mode=mode)]


def _reindex(cursor: Cursor) -> list[Operation]:
    concurrently = cursor.at("(") and _option(cursor.group(), "CONCURRENTLY")
    named: tuple[Literal["INDEX", "TABLE"], ...] = ("INDEX", "TABLE")
    for kind in named:
        if cursor.accept(kind):
            concurrently = cursor.accept("CONCURRENTLY") or concurrently
            name = cursor.name()
            cursor.finish()
            return [Reindex(kind=kind, name=name, concurrently=concurrently)]
    wide: tuple[Literal["SCHEMA", "DATABASE", "SYSTEM"], ...] = ("SCHEMA", "DATABASE", "SYSTEM")
    for scope in wide:
        if cursor.accept(scope):
            concurrently = cursor.accept("CONCURRENTLY") or concurrently
            cursor.known_text()
            return [Reindex(kind=scope, concurrently=concurrently)]
    raise cursor.unexpected()


def _option(options: Cursor, wanted: str) -> bool:
    """Whether a parenthesised option is on: present, and not FALSE, OFF or 0."""
    for option in options.split():
        if option.accept(wanted):
            return option.peek().value.lower() not in ("false", "off", "0")
    return False


def _refresh(cursor: Cursor) -> list[Operation]:
    cursor.expect("MATERIALIZED", "VIEW")
    concurrently = cursor.accept("CONCURRENTLY")
    view = cursor.name()
    with_data = not cursor.accept("WITH", "NO", "DATA")
    cursor.accept("WITH", "DATA")
    cursor.finish()
    return [RefreshMaterializedView(view=view, concurrently=concurrently, with_data=with_data)]


def _cluster(cursor: Cursor) -> list[Operation]:
    if cursor.at("("):
        cursor.group()
    cursor.accept("VERBOSE")
    if cursor.done:
        return [Cluster()]
    name = cursor.name()
    index: str | None = None
    if cursor.accept("USING"):
        index = cursor.identifier()
    elif cursor.accept("ON"):
        name, index = cursor.name(), name.name
    cursor.finish()
    return [Cluster(table=name, index=index)]


def _vacuum(cursor: Cursor) -> list[Operation]:
    full = cursor.at("(") and _option(cursor.group(), "FULL")
    while word := cursor.accept_any("FULL", "FREEZE", "VERBOSE", "ANALYZE", "ANALYSE"):
        full = full or word == "FULL"
    return [Vacuum(tables=_analyzed(cursor), full=full)]


def _analyze(cursor: Cursor) -> list[Operation]:
    if cursor.at("("):
        cursor.group()
    cursor.accept("VERBOSE")
    return [Analyze(tables=_analyzed(cursor))]


def _analyzed(cursor: Cursor) -> tuple[Name, ...]:
    def relation(item: Cursor) -> Name:
        item.accept("ONLY")
        name = item.name()
        item.accept("*")
        if item.at("("):
            item.identifiers()
        return name

    tables = () if cursor.done else cursor.list_of(relation)
    cursor.finish()
    return tables


# Comments and privileges

_ON_TABLE: Final = ("CONSTRAINT", "POLICY", "RULE", "TRIGGER")
_COMMENTED: Final = (
    "DOMAIN",
    "EXTENSION",
    "FUNCTION",
    "INDEX",
    "MATERIALIZED VIEW",
    "PROCEDURE",
    "ROUTINE",
    "SCHEMA",
    "SEQUENCE",
    "STATISTICS",
    "TYPE",
    "VIEW",
    *OTHER_KINDS,
)


def _comment(cursor: Cursor) -> list[Operation]:
    cursor.expect("ON")
    if cursor.accept("TABLE"):
        table = cursor.name()
        return [Comment(kind="TABLE", name=str(table), table=table, text=_comment_text(cursor))]
    if cursor.accept("COLUMN"):
        return [_column_comment(cursor)]
    kind = cursor.accept_any(*_ON_TABLE)
    if kind:
        name = cursor.identifier()
        cursor.expect("ON")
        owner = None if cursor.accept("DOMAIN") else cursor.name()
        if owner is None:
            cursor.name()
        return [Comment(kind=kind, name=name, table=owner, text=_comment_text(cursor))]
    for kind in _COMMENTED:
        if cursor.accept(*kind.split()):
            described = cursor.until_words("IS")
            name = described.known_text()
            return [Comment(kind=kind, name=name, text=_comment_text(cursor))]
    raise cursor.unexpected()


def _column_comment(cursor: Cursor) -> Comment:
    parts = cursor.until_words("IS").tokens[::2]
    if any(part.has_hole for part in parts[-2:]):
        raise Unreadable(COMPUTED)
    names = [part.value for part in parts]
    if len(names) < 2:
        raise cursor.unexpected()
    schema = names[-3] if len(names) > 2 else None
    table = Name.of(names[-2], "?" if len(names) > 2 and parts[-3].has_hole else schema)
    text = _comment_text(cursor)
    return Comment(kind="COLUMN", name=names[-1], table=table, column=names[-1], text=text)


def _comment_text(cursor: Cursor) -> str | None:
    cursor.expect("IS")
    if cursor.accept("NULL"):
        text = None
    elif cursor.peek().has_hole or cursor.peek().kind is Kind.PARAMETER:
        text = "…"
        cursor.next()
    else:
        text = cursor.string()
    cursor.finish()
    return text


_NOT_TABLES: Final = (
    "ALL",
    "DATABASE",
    "DOMAIN",
    "FOREIGN",
    "FUNCTION",
    "LANGUAGE",
    "LARGE",
    "PARAMETER",
    "PROCEDURE",
    "ROUTINE",
    "SCHEMA",
    "SEQUENCE",
    "TABLESPACE",
    "TYPE",
)


def _privileges(verb: str) -> Callable[[Cursor], list[Operation]]:
    def parser(cursor: Cursor) -> list[Operation]:
        sql = f"{verb} {cursor.text}"
        direction = "TO" if verb == "GRANT" else "FROM"
        cursor.until_words("ON", direction)
        tables: tuple[Name, ...] = ()
        if cursor.accept("ON") and not cursor.at_any(*_NOT_TABLES):
            cursor.accept("TABLE")
            tables = cursor.list_of(Cursor.name)
        cursor.until_words(direction)
        cursor.expect(direction)
        if cursor.done:
            raise cursor.unexpected()
        return [ChangePrivileges(verb=verb, tables=tables, sql=sql)]

    return parser


def _reassign(cursor: Cursor) -> list[Operation]:
    sql = f"REASSIGN {cursor.known_text()}"
    return [ChangePrivileges(verb="REASSIGN OWNED", sql=sql)]


def _import_foreign_schema(cursor: Cursor) -> list[Operation]:
    sql = f"IMPORT {cursor.known_text()}"
    return [ChangeObject(verb="CREATE", kind="FOREIGN TABLE", sql=sql)]


def _security_label(cursor: Cursor) -> list[Operation]:
    sql = f"SECURITY {cursor.known_text()}"
    return [ChangeObject(verb="ALTER", kind="SECURITY LABEL", sql=sql)]


# The session


def _set(cursor: Cursor) -> list[Operation]:
    if cursor.at("CONSTRAINTS"):
        return [NoOperation(sql=f"SET {cursor.known_text()}")]
    scope = cursor.accept_any("LOCAL", "SESSION") if not cursor.at("SESSION", "=") else ""
    local = scope == "LOCAL"
    for phrase, parameter in _SET_PHRASES.items():
        if cursor.accept(*phrase.split()):
            return [SetParameter(parameter=parameter, value=_set_value(cursor), local=local)]
    if cursor.accept("CHARACTERISTICS", "AS", "TRANSACTION"):
        value = cursor.known_text()
        return [SetParameter(parameter="session characteristics", value=value)]
    if cursor.accept("SESSION", "AUTHORIZATION") or (
        scope == "SESSION" and cursor.accept("AUTHORIZATION")
    ):
        user = _set_value(cursor)
        return [SetParameter(parameter="session_authorization", value=user, local=local)]
    parameter = _parameter(cursor)
    if not cursor.accept_any("TO", "="):
        if not cursor.at("FROM", "CURRENT"):
            raise cursor.unexpected()
        return [NoOperation(sql=f"SET {parameter} FROM CURRENT")]
    return [SetParameter(parameter=parameter, value=_set_value(cursor), local=local)]


_SET_PHRASES: Final = {
    "TIME ZONE": "timezone",
    "TRANSACTION": "transaction",
    "ROLE": "role",
    "SCHEMA": "search_path",
    "NAMES": "client_encoding",
    "XML OPTION": "xmloption",
}


def _parameter(cursor: Cursor) -> str:
    parts = [cursor.identifier()]
    while cursor.accept("."):
        parts.append(cursor.identifier())
    return ".".join(parts).lower()


def _set_value(cursor: Cursor) -> str | None:
    """Take a value; strings without their quotes, None for DEFAULT."""
    if cursor.done:
        raise cursor.unexpected()
    if cursor.at("DEFAULT") and cursor.peek(1).kind is Kind.END:
        cursor.next()
        return None
    parts: list[str] = []
    while not cursor.done:
        token = cursor.next()
        if token.kind is Kind.BROKEN:
            cursor.index -= 1
            raise cursor.unexpected()
        parts.append(_shown(token, cursor.source))
    return " ".join(parts).replace(" ,", ",").replace("- ", "-")


def _shown(token: Token, source: str) -> str:
    if token.kind is Kind.PARAMETER:
        return "…"
    if token.kind in (Kind.STRING, Kind.QUOTED):
        return without_holes(token.value)
    return without_holes(source[token.start : token.end])


def _reset(cursor: Cursor) -> list[Operation]:
    if cursor.accept("SESSION", "AUTHORIZATION"):
        parameter = "session_authorization"
    elif cursor.accept("TIME", "ZONE"):
        parameter = "timezone"
    else:
        parameter = _parameter(cursor)
    cursor.finish()
    return [SetParameter(parameter=parameter, value=None)]


# The transaction


def _begin(cursor: Cursor) -> list[Operation]:
    cursor.known_text()
    return [BeginTransaction()]


def _start(cursor: Cursor) -> list[Operation]:
    cursor.expect("TRANSACTION")
    return _begin(cursor)


def _commit(cursor: Cursor) -> list[Operation]:
    _refuse_two_phase(cursor)
    cursor.known_text()
    return [CommitTransaction()]


def _refuse_two_phase(cursor: Cursor) -> None:
    if cursor.at("PREPARED"):
        raise Unreadable(_TWO_PHASE)


_TWO_PHASE: Final = "two-phase commit hides what the transaction did"


def _rollback(cursor: Cursor) -> list[Operation]:
    _refuse_two_phase(cursor)
    cursor.accept_any("WORK", "TRANSACTION")
    if cursor.accept("TO"):
        return [Savepoint(verb="ROLLBACK TO")]
    cursor.known_text()
    return [RollbackTransaction()]


def _savepoint(cursor: Cursor) -> list[Operation]:
    cursor.identifier()
    cursor.finish()
    return [Savepoint(verb="SAVEPOINT")]


def _release(cursor: Cursor) -> list[Operation]:
    cursor.accept("SAVEPOINT")
    cursor.identifier()
    cursor.finish()
    return [Savepoint(verb="RELEASE")]


def _prepare(cursor: Cursor) -> list[Operation]:
    if cursor.at("TRANSACTION"):
        raise Unreadable(_TWO_PHASE)
    return _nothing("PREPARE")(cursor)


def _nothing(word: str) -> Callable[[Cursor], list[Operation]]:
    """A parser for statements that touch no table and no catalogue."""

    def parser(cursor: Cursor) -> list[Operation]:
        return [NoOperation(sql=f"{word} {cursor.known_text()}".rstrip())]

    return parser


_NOTHING: Final = (
    "CHECKPOINT",
    "CLOSE",
    "DEALLOCATE",
    "DISCARD",
    "FETCH",
    "LISTEN",
    "LOAD",
    "MOVE",
    "NOTIFY",
    "SHOW",
    "UNLISTEN",
)

COMMANDS: Final[dict[str, Callable[[Cursor], list[Operation]]]] = {
    "ABORT": _rollback,
    "ANALYSE": _analyze,
    "ANALYZE": _analyze,
    "BEGIN": _begin,
    "CLUSTER": _cluster,
    "COMMENT": _comment,
    "COMMIT": _commit,
    "END": _commit,
    "GRANT": _privileges("GRANT"),
    "IMPORT": _import_foreign_schema,
    "LOCK": _lock,
    "PREPARE": _prepare,
    "REASSIGN": _reassign,
    "REFRESH": _refresh,
    "REINDEX": _reindex,
    "RELEASE": _release,
    "RESET": _reset,
    "REVOKE": _privileges("REVOKE"),
    "ROLLBACK": _rollback,
    "SAVEPOINT": _savepoint,
    "SECURITY": _security_label,
    "SET": _set,
    "START": _start,
    "TRUNCATE": _truncate,
    "VACUUM": _vacuum,
    **{word: _nothing(word) for word in _NOTHING},
}
"""Parsers by leading keyword; each is called with the cursor after that keyword."""
