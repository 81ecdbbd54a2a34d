"""Owns the way from SQL text to operations: splitting, dispatch, and what becomes ``Unresolved``."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_proof.linter.sql.alterations import alter, drop
from alembic_proof.linter.sql.commands import COMMANDS
from alembic_proof.linter.sql.cursor import COMPUTED, Cursor, Unreadable
from alembic_proof.linter.sql.definitions import create
from alembic_proof.linter.sql.plpgsql import Block, read_block
from alembic_proof.linter.sql.queries import Scope
from alembic_proof.linter.sql.rows import ROW_WORDS, copy, row_statement
from alembic_proof.linter.sql.tokens import Kind, Token, split, tokenise, without_holes
from alembic_proof.objects import Name
from alembic_proof.operations import CallFunction, NoOperation, Operation, Unresolved

_SHOWN = 4_000
"""Characters of a statement kept in ``Unresolved.source``."""


def read_statements(text: str) -> tuple[tuple[Operation, ...], ...]:
    """The operations of every SQL statement in a text, one inner tuple for each statement.

    Nothing is dropped and nothing raises: what cannot be understood is ``Unresolved``.
    """
    return tuple(tuple(read_statement(tokens, text, Scope())) for tokens in split(tokenise(text)))


def read_statement(tokens: Sequence[Token], source: str, scope: Scope) -> list[Operation]:
    """The operations of one statement; never empty, never raises."""
    try:
        operations = _dispatch(Cursor(tokens, source), scope)
    except Unreadable as unreadable:
        reason = unreadable.reason
    except RecursionError:
        reason = "it is nested too deeply"
    else:
        return operations
    text = without_holes(source[tokens[0].start : tokens[-1].end])[:_SHOWN]
    return [Unresolved(reason=reason, source=text, tables=_named_table(Cursor(tokens, source)))]


def _dispatch(cursor: Cursor, scope: Scope) -> list[Operation]:
    first = cursor.peek()
    if first.kind is Kind.META:
        raise Unreadable("it is a command of psql, not SQL")
    if cursor.at_any(*ROW_WORDS):
        return row_statement(cursor, scope)
    cursor.next()
    match first.word:
        case "CREATE":
            return create(cursor)
        case "ALTER":
            return alter(cursor)
        case "DROP":
            return drop(cursor)
        case "COPY":
            return copy(cursor, scope)
        case "DO":
            return _do(cursor)
        case "CALL":
            return _call(cursor)
        case "EXECUTE":
            raise Unreadable("it runs a prepared statement")
        case "EXPLAIN":
            return _explain(cursor, scope)
        case "DECLARE":
            return _declare(cursor, scope)
        case word if word in COMMANDS:
            return COMMANDS[word](cursor)
    if first.has_hole:
        raise Unreadable(COMPUTED)
    if first.kind is Kind.BROKEN:
        raise Unreadable("a quote is not closed or a character is not SQL")
    shown = source_of(first, cursor.source)
    raise Unreadable(f"{shown} does not begin a statement that is known here")


def source_of(token: Token, source: str) -> str:
    """A token as written, cut to a length for messages."""
    return without_holes(source[token.start : token.end])[:60]


def _do(cursor: Cursor) -> list[Operation]:
    language, body = "plpgsql", None
    while not cursor.done:
        if cursor.accept("LANGUAGE"):
            language = cursor.next().value.lower()
        elif cursor.peek().kind is Kind.STRING and body is None:
            body = cursor.next().value
        else:
            raise cursor.unexpected()
    if body is None:
        raise cursor.unexpected()
    if language != "plpgsql":
        raise Unreadable(f"it is a block in {language}")
    return read_block(Block(body, read_statement, read_statements))


def _call(cursor: Cursor) -> list[Operation]:
    sql = f"CALL {cursor.text}"
    function = cursor.name()
    cursor.group()
    cursor.finish()
    return [CallFunction(function=function, sql=sql)]


def _explain(cursor: Cursor, scope: Scope) -> list[Operation]:
    """EXPLAIN only plans; EXPLAIN ANALYZE runs the statement."""
    runs = False
    if cursor.at("("):
        runs = any(token.word in ("ANALYZE", "ANALYSE") for token in cursor.group().tokens)
    while word := cursor.accept_any("ANALYZE", "ANALYSE", "VERBOSE"):
        runs = runs or word != "VERBOSE"
    if not runs:
        return [NoOperation(sql=f"EXPLAIN {cursor.text}")]
    return _dispatch(Cursor(cursor.rest().tokens, cursor.source), scope)


def _declare(cursor: Cursor, scope: Scope) -> list[Operation]:
    cursor.until_words("FOR")
    cursor.expect("FOR")
    return row_statement(cursor, scope)


def _named_table(cursor: Cursor) -> tuple[Name, ...]:
    """The table that a statement begins by naming, however little of the rest is understood."""
    match cursor.peek().word:
        case "ALTER" | "TRUNCATE" | "LOCK":
            cursor.next()
            if not cursor.accept("TABLE"):
                return ()
        case "DROP" if cursor.at("DROP", "TABLE"):
            cursor.accept("DROP", "TABLE")
        case "INSERT" | "MERGE":
            cursor.next()
            cursor.accept("INTO")
        case "DELETE":
            cursor.next()
            cursor.accept("FROM")
        case "UPDATE":
            cursor.next()
        case "CREATE":
            try:
                head = cursor.until_words("INDEX", "TRIGGER", "POLICY")
                if len(head.tokens) > 4 or cursor.done:
                    return ()
                cursor.until_words("ON")
            except Unreadable:
                return ()
            cursor.accept("ON")
        case _:
            return ()
    cursor.if_exists()
    cursor.accept("ONLY")
    try:
        return (cursor.name(),)
    except Unreadable:
        return ()
