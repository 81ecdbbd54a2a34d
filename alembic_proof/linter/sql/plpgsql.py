"""Owns the inside of DO blocks: PL/pgSQL control flow, and the SQL that it runs.

Every branch counts: both arms of an IF, the body of every loop, every exception handler.
Source: PostgreSQL manual, "PL/pgSQL — SQL Procedural Language", and ``pl_gram.y``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from alembic_proof.linter.sql.cursor import Cursor, Unreadable
from alembic_proof.linter.sql.queries import Scope, query_of
from alembic_proof.linter.sql.rows import query_operations, without_into
from alembic_proof.linter.sql.tokens import HOLE, Kind, Token, tokenise
from alembic_proof.operations import (
    CommitTransaction,
    NoOperation,
    Operation,
    RollbackTransaction,
    Unresolved,
)

ReadStatement = Callable[[Sequence[Token], str, Scope], list[Operation]]
ReadText = Callable[[str], tuple[tuple[Operation, ...], ...]]


class Block(msgspec.Struct, frozen=True):
    """The text of a block, and how to read the SQL inside it."""

    body: str
    read_statement: ReadStatement
    read_text: ReadText


def read_block(block: Block) -> list[Operation]:
    """The operations of a DO block's body, in the order in which they are written.

    Raises ``Unreadable`` when the text is not a PL/pgSQL block.
    """
    tokens = tokenise(block.body)
    reader = _Reader(block, Cursor(tokens, block.body))
    reader.block()
    reader.cursor.accept(";")
    reader.cursor.finish()
    return reader.operations or [NoOperation(sql="DO")]


_HARMLESS: Final = ("CLOSE", "CONTINUE", "EXIT", "FETCH", "GET", "MOVE", "NULL")
_NO_QUERY: Final = ("RAISE", "ASSERT", "RETURN")


class _Reader:
    """Walks the statements of a block and keeps what they do."""

    def __init__(self, block: Block, cursor: Cursor) -> None:
        self.source = block.body
        self.cursor = cursor
        self.operations: list[Operation] = []
        self._read_statement = block.read_statement
        self._read_text = block.read_text
        self._variables: set[str] = {"found", "sqlstate", "sqlerrm"}

    def block(self) -> None:
        """Take ``[<<label>>] [DECLARE …] BEGIN … [EXCEPTION …] END``."""
        self._label()
        if self.cursor.accept("DECLARE"):
            while not self.cursor.at("BEGIN"):
                if not self.cursor.accept("DECLARE"):
                    self._declaration()
        self.cursor.expect("BEGIN")
        self._statements("END", "EXCEPTION")
        if self.cursor.accept("EXCEPTION"):
            while self.cursor.accept("WHEN"):
                self.cursor.until_words("THEN")
                self.cursor.expect("THEN")
                self._statements("END", "WHEN")
        self.cursor.expect("END")
        if not self.cursor.done and not self.cursor.at(";"):
            self.cursor.identifier()

    def _label(self) -> None:
        if self.cursor.accept("<<"):
            self.cursor.identifier()
            self.cursor.expect(">>")

    def _declaration(self) -> None:
        self._variables.add(self.cursor.identifier())
        declared = self.cursor.until_words(";")
        self.cursor.expect(";")
        declared.until_words(":=", "=", "DEFAULT", "FOR", "IS")
        if declared.accept_any(":=", "=", "DEFAULT"):
            self._evaluate(declared)

    def _statements(self, *ends: str) -> None:
        while not self.cursor.at_any(*ends):
            if self.cursor.done:
                raise self.cursor.unexpected()
            self._statement()

    def _statement(self) -> None:
        cursor = self.cursor
        if cursor.at("<<"):
            self._label()
        match cursor.peek().word:
            case "DECLARE" | "BEGIN":
                self.block()
                cursor.expect(";")
            case "IF":
                self._if()
            case "CASE":
                self._case()
            case "LOOP" | "WHILE" | "FOR" | "FOREACH":
                self._loop()
            case _:
                self._simple()

    def _if(self) -> None:
        self.cursor.next()
        self._condition()
        ends = ("ELSIF", "ELSEIF", "ELSE", "END")
        self._statements(*ends)
        while self.cursor.accept_any("ELSIF", "ELSEIF"):
            self._condition()
            self._statements(*ends)
        if self.cursor.accept("ELSE"):
            self._statements("END")
        self.cursor.expect("END", "IF")
        self.cursor.expect(";")

    def _condition(self) -> None:
        """Take a condition and its THEN; a CASE in it has THENs of its own."""
        depth = 0

        def then(at: Cursor) -> bool:
            nonlocal depth
            depth += (at.peek().word == "CASE") - (at.peek().word == "END")
            return not depth and at.at("THEN")

        self._evaluate(self.cursor.until(then))
        self.cursor.expect("THEN")

    def _case(self) -> None:
        self.cursor.next()
        searched = self.cursor.until_words("WHEN")
        if searched.tokens:
            self._evaluate(searched)
        while self.cursor.accept("WHEN"):
            self._condition()
            self._statements("WHEN", "ELSE", "END")
        if self.cursor.accept("ELSE"):
            self._statements("END")
        self.cursor.expect("END", "CASE")
        self.cursor.expect(";")

    def _loop(self) -> None:
        match self.cursor.next().word:
            case "WHILE":
                self._evaluate(self.cursor.until_words("LOOP"))
            case "FOR":
                self._for()
            case "FOREACH":
                self._variables.add(self.cursor.identifier())
                self.cursor.until_words("IN")
                self.cursor.expect("IN")
                self.cursor.expect("ARRAY")
                self._evaluate(self.cursor.until_words("LOOP"))
            case _:
                self.cursor.index -= 1
        self.cursor.expect("LOOP")
        self._statements("END")
        self.cursor.expect("END", "LOOP")
        if not self.cursor.at(";"):
            self.cursor.identifier()
        self.cursor.expect(";")

    def _for(self) -> None:
        self._variables.update(self.cursor.list_of(Cursor.identifier))
        self.cursor.expect("IN")
        source = self.cursor.until_words("LOOP")
        if source.at_any("SELECT", "WITH", "VALUES", "TABLE", "(", "UPDATE", "INSERT", "DELETE"):
            if any(token.word == ".." for token in source.tokens):
                return
            self._sql(source)
        elif source.accept("EXECUTE"):
            self._execute(source)
        else:
            source.accept("REVERSE")
            for bound in _bounds(source):
                if len(bound.tokens) > 1:
                    self._evaluate(bound)

    def _simple(self) -> None:
        """Take one statement up to its semicolon."""
        statement = self.cursor.until_words(";")
        self.cursor.expect(";")
        if statement.done:
            return
        first = statement.peek()
        if first.word in _HARMLESS:
            return
        match first.word:
            case word if word in _NO_QUERY:
                self._expressions_in(statement)
            case "PERFORM":
                select = first._replace(word="SELECT", value="select")
                self._sql(Cursor([select, *statement.tokens[1:]], self.source))
            case "EXECUTE":
                statement.next()
                self._execute(statement)
            case "OPEN":
                self._open(statement)
            case "COMMIT":
                self.operations.append(CommitTransaction())
            case "ROLLBACK":
                self.operations.append(RollbackTransaction())
            case _:
                self._assignment_or_sql(statement)

    def _assignment_or_sql(self, statement: Cursor) -> None:
        look = Cursor(statement.tokens, self.source)
        target = look.until_words(":=", "=")
        is_target = all(
            token.kind in (Kind.WORD, Kind.QUOTED, Kind.NUMBER) or token.word in (".", "[", "]")
            for token in target.tokens
        )
        if look.at(":=") or (look.at("=") and is_target and _is_one_name(target)):
            look.next()
            self._evaluate(look)
            return
        self._sql(statement)

    def _open(self, statement: Cursor) -> None:
        statement.until_words("FOR")
        if not statement.accept("FOR"):
            return
        if statement.accept("EXECUTE"):
            self._execute(statement)
        else:
            self._sql(statement.rest())

    # SQL inside

    def _scope(self) -> Scope:
        return Scope(variables=frozenset(self._variables))

    def _sql(self, statement: Cursor) -> None:
        try:
            plain = without_into(statement)
        except Unreadable as unreadable:
            self.operations.append(Unresolved(reason=unreadable.reason, source=statement.text))
            return
        if not plain.tokens:
            return
        found = self._read_statement(plain.tokens, self.source, self._scope())
        self.operations += [done for done in found if not isinstance(done, NoOperation)]

    def _evaluate(self, expression: Cursor) -> None:
        """Take an expression: the tables that its subqueries read, the functions that it calls."""
        tokens = expression.tokens[expression.index :]
        if not tokens:
            raise expression.unexpected()
        text = expression.text
        if not any(token.word in ("(", "FROM") for token in tokens):
            return
        select = Cursor([_SELECT, *tokens], self.source)
        try:
            query = query_of(select, self._scope())
        except Unreadable as unreadable:
            self.operations.append(Unresolved(reason=unreadable.reason, source=text))
            return
        found = query_operations(query, text)
        self.operations += [done for done in found if not isinstance(done, NoOperation)]

    def _expressions_in(self, statement: Cursor) -> None:
        """Take RAISE, ASSERT or RETURN: of interest only where a query hides in it."""
        if any(token.word == "SELECT" for token in statement.tokens):
            for part in Cursor(statement.tokens[1:], self.source).split():
                self._evaluate(part)

    def _execute(self, statement: Cursor) -> None:
        """Take what follows EXECUTE: SQL text that is read in its turn as far as it is constant."""
        written = f"EXECUTE {statement.text}"
        command = statement.until_words("INTO", "USING")
        for found in self._read_text(_command_text(command)):
            self.operations += [_naming(done, written) for done in found]


_SELECT: Final = Token(Kind.WORD, "SELECT", "select", 0, 0)


def _is_one_name(target: Cursor) -> bool:
    """Whether the tokens before an equals sign are a variable, and not ``UPDATE t SET a``."""
    return all(
        token.word in (".", "[", "]") or target.tokens[place - 1].word in (".", "[") or not place
        for place, token in enumerate(target.tokens)
    )


def _bounds(source: Cursor) -> list[Cursor]:
    """The expressions of ``low .. high [BY step]``, or the one that names a cursor."""
    parts = []
    while not source.done:
        parts.append(source.until_words("..", "BY"))
        source.accept_any("..", "BY")
    return parts


def _naming(operation: Operation, written: str) -> Operation:
    """An operation that was not understood is shown as the EXECUTE that it comes from."""
    if not isinstance(operation, Unresolved):
        return operation
    return msgspec.structs.replace(operation, source=written)


def _command_text(command: Cursor) -> str:
    """The SQL that an expression yields, with a hole for each part that is not constant."""
    holes = _Holes()
    parts = []
    while not command.done:
        parts.append(_constant(command.until_words("||"), holes))
        command.accept("||")
    return "".join(parts)


class _Holes:
    """Numbers the holes of one text."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> str:
        """A hole that was not used before."""
        self.count += 1
        return f"{HOLE}{self.count}"


def _constant(part: Cursor, holes: _Holes) -> str:
    if len(part.tokens) == 1 and part.peek().kind is Kind.STRING:
        return part.peek().value
    if part.at("("):
        inside = part.group()
        if part.done:
            text = []
            while not inside.done:
                text.append(_constant(inside.until_words("||"), holes))
                inside.accept("||")
            return "".join(text)
    if part.accept("FORMAT") and part.at("("):
        arguments = part.group().split()
        template = arguments[0] if arguments else part
        if part.done and len(template.tokens) == 1 and template.peek().kind is Kind.STRING:
            return _formatted(template.peek().value, arguments[1:], holes)
    return holes.next()


def _formatted(template: str, arguments: list[Cursor], holes: _Holes) -> str:
    """``format()`` of a constant template; see the manual, "format"."""
    out, position = [], 0
    given = 0
    while (at := template.find("%", position)) >= 0:
        out.append(template[position:at])
        kind, end, index = _specifier(template, at)
        position = end
        if kind == "%":
            out.append("%")
            continue
        given = index if index is not None else given
        out.append(_argument(kind, arguments[given] if given < len(arguments) else None, holes))
        given += 1
    return "".join([*out, template[position:]])


def _specifier(template: str, at: int) -> tuple[str, int, int | None]:
    """The kind of a format specifier (s, I, L or %), where it ends, and its explicit argument."""
    end = at + 1
    while end < len(template) and template[end] in "0123456789$-*":
        end += 1
    digits = template[at + 1 : end].partition("$")
    index = int(digits[0]) - 1 if digits[1] and digits[0].isdigit() else None
    kind = template[end : end + 1]
    return kind, end + 1, index


def _argument(kind: str, argument: Cursor | None, holes: _Holes) -> str:
    if argument is None or len(argument.tokens) != 1 or argument.peek().kind is not Kind.STRING:
        return f"'{holes.next()}'" if kind == "L" else holes.next()
    value = argument.peek().value
    match kind:
        case "I":
            return '"' + value.replace('"', '""') + '"'
        case "L":
            return "'" + value.replace("'", "''") + "'"
        case _:
            return value
