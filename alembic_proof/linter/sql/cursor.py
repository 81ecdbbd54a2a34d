"""Owns walking over the tokens of one statement: keywords, names, lists and types.

Every parser takes a :class:`Cursor` and either returns a value or raises :class:`Unreadable`, which
the statement reader turns into an ``Unresolved`` operation. A parser that has what it wants calls
:meth:`Cursor.finish`, so that words it did not expect are never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from alembic_proof.linter.sql.tokens import Kind, Token, without_holes
from alembic_proof.objects import Name, SqlType
from alembic_proof.postgres.types import canonical_type_name

COMPUTED: Final = "part of the statement is computed at run time"
BROKEN: Final = "a quote is not closed or a character is not SQL"
_T = TypeVar("_T")


class Unreadable(Exception):  # noqa: N818 - it is an outcome, not an error of ours
    """Why a statement could not be understood; the reason completes "because …"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cursor:
    """A position in the tokens of one statement, or of a part of one."""

    __slots__ = ("_end", "index", "source", "tokens")

    def __init__(self, tokens: Sequence[Token], source: str) -> None:
        self.tokens = tokens
        self.source = source
        self.index = 0
        offset = tokens[-1].end if tokens else 0
        self._end = Token(Kind.END, "", "", offset, offset)

    # Looking

    def peek(self, ahead: int = 0) -> Token:
        """The token at the cursor, or one after it; an ``END`` token past the last."""
        at = self.index + ahead
        return self.tokens[at] if at < len(self.tokens) else self._end

    @property
    def done(self) -> bool:
        """Whether no token is left."""
        return self.index >= len(self.tokens)

    def at(self, *words: str) -> bool:
        """Whether the next tokens are these keywords or symbols."""
        return all(self.peek(ahead).word == word for ahead, word in enumerate(words))

    def at_any(self, *words: str) -> bool:
        """Whether the next token is one of these keywords or symbols."""
        return self.peek().word in words and not self.done

    # Taking

    def next(self) -> Token:
        """Take one token, whatever it is."""
        if self.done:
            raise Unreadable("it ends too early")
        token = self.tokens[self.index]
        self.index += 1
        return token

    def accept(self, *words: str) -> bool:
        """Take these keywords or symbols if they are next."""
        if self.at(*words):
            self.index += len(words)
            return True
        return False

    def accept_any(self, *words: str) -> str:
        """Take one of these keywords or symbols if it is next; empty otherwise."""
        return self.next().word if self.at_any(*words) else ""

    def expect(self, *words: str) -> None:
        """Take these keywords or symbols, or give up."""
        if not self.accept(*words):
            raise self.unexpected()

    def unexpected(self) -> Unreadable:
        """Why to give up at the next token: the exception to raise."""
        token = self.peek()
        if token.has_hole:
            return Unreadable(COMPUTED)
        match token.kind:
            case Kind.END:
                return Unreadable("it ends too early")
            case Kind.BROKEN:
                return Unreadable(BROKEN)
            case _:
                return Unreadable(
                    f"{self.source[token.start : token.end][:60]} is not expected there"
                )

    def finish(self) -> None:
        """Give up unless every token was taken."""
        if not self.done:
            raise self.unexpected()

    def if_exists(self) -> bool:
        """Take IF EXISTS if it is next."""
        return self.accept("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        """Take IF NOT EXISTS if it is next."""
        return self.accept("IF", "NOT", "EXISTS")

    def cascade(self) -> bool:
        """Take CASCADE or RESTRICT if it is next; whether it was CASCADE."""
        return self.accept_any("CASCADE", "RESTRICT") == "CASCADE"

    def identifier(self) -> str:
        """Take a name without schema, as PostgreSQL stores it."""
        token = self.peek()
        if token.kind not in (Kind.WORD, Kind.QUOTED) or token.has_hole:
            raise self.unexpected()
        self.index += 1
        return token.value

    def name(self) -> Name:
        """Take a name with or without schema; a schema that is not known is ``?``."""
        parts = [self._part()]
        while self.at("."):
            self.index += 1
            parts.append(self._part())
        last = parts[-1]
        if last is None:
            raise Unreadable(COMPUTED)
        if len(parts) == 1:
            return Name(last)
        return Name.of(last, parts[-2] or "?")

    def _part(self) -> str | None:
        if self.peek().has_hole:
            self.index += 1
            return None
        return self.identifier()

    def string(self) -> str:
        """Take a string constant; parts of it that are not known are shown as ``…``."""
        if self.peek().kind is not Kind.STRING:
            raise self.unexpected()
        return without_holes(self.next().value)

    # Parts

    def group(self) -> Cursor:
        """Take a parenthesised part; the cursor returned walks what is inside."""
        if not self.at("("):
            raise self.unexpected()
        close = self._closing(self.index)
        inside = Cursor(self.tokens[self.index + 1 : close], self.source)
        self.index = close + 1
        return inside

    def _closing(self, opening: int) -> int:
        depth = 0
        for at in range(opening, len(self.tokens)):
            match self.tokens[at].word:
                case "(" | "[":
                    depth += 1
                case ")" | "]":
                    depth -= 1
                    if not depth:
                        return at
        raise Unreadable("a parenthesis is not closed")

    def until(self, stops: Callable[[Cursor], bool]) -> Cursor:
        """Take everything up to where ``stops`` says so, parenthesised parts as a whole."""
        start = self.index
        while not self.done and not stops(self):
            self.index = self._closing(self.index) + 1 if self.at_any("(", "[") else self.index + 1
        return Cursor(self.tokens[start : self.index], self.source)

    def until_words(self, *words: str) -> Cursor:
        """Take everything up to one of these keywords or symbols."""
        return self.until(lambda cursor: cursor.peek().word in words)

    def take_all(self) -> list[Token]:
        """Take all that is left as tokens."""
        tokens = list(self.tokens[self.index :])
        self.index = len(self.tokens)
        return tokens

    def rest(self) -> Cursor:
        """Take all that is left."""
        return self.until(lambda _: False)

    def list_of(self, read: Callable[[Cursor], _T]) -> tuple[_T, ...]:
        """Take a comma-separated list of what ``read`` takes."""
        items = [read(self)]
        while self.accept(","):
            items.append(read(self))
        return tuple(items)

    def split(self) -> list[Cursor]:
        """Take all that is left as parts between commas."""
        parts = []
        while not self.done:
            parts.append(self.until_words(","))
            self.accept(",")
        return parts

    def identifiers(self) -> tuple[str, ...]:
        """Take a parenthesised list of names."""
        inside = self.group()
        names = inside.list_of(Cursor.identifier)
        inside.finish()
        return names

    @property
    def text(self) -> str:
        """The source text from the cursor to the end; holes are shown as ``…``."""
        if self.done:
            return ""
        start, end = self.peek().start, self.tokens[-1].end
        return without_holes(self.source[start:end])

    def text_since(self, start: int) -> str:
        """The source text from an offset to the last token taken; holes are shown as ``…``."""
        return without_holes(self.source[start : self.tokens[self.index - 1].end])

    def known_text(self) -> str:
        """Take all that is left as text, refusing a name or keyword that is not known."""
        if any(token.has_hole for token in self.tokens[self.index :]):
            raise Unreadable(COMPUTED)
        broken = next((t for t in self.tokens[self.index :] if t.kind is Kind.BROKEN), None)
        if broken is not None:
            raise Unreadable(BROKEN)
        text = self.text
        self.index = len(self.tokens)
        return text


def read_type_at(cursor: Cursor) -> SqlType:
    """Take a type name with its modifiers and array brackets."""
    cursor.accept("SETOF")
    name, modifiers = _type_name(cursor)
    dimensions = 0
    if cursor.accept("ARRAY"):
        dimensions = 1
        if cursor.accept("["):
            cursor.next()
            cursor.expect("]")
    while cursor.at("["):
        cursor.next()
        if cursor.peek().kind is Kind.NUMBER:
            cursor.next()
        cursor.expect("]")
        dimensions += 1
    return SqlType(name, modifiers, dimensions)


_ONE_BY_DEFAULT: Final = ("CHAR", "CHARACTER", "NCHAR", "BIT")


def _type_name(cursor: Cursor) -> tuple[str, tuple[int, ...]]:
    first = cursor.peek()
    built_in = _built_in_words(cursor)
    if built_in:
        modifiers, other = _modifiers(cursor)
        built_in += _time_zone(cursor) if built_in in ("time", "timestamp") else ""
        if built_in == "interval":
            return _interval(cursor, modifiers)
        if built_in == "float" and modifiers:
            return ("real" if modifiers[0] <= 24 else "double precision"), ()
        if first.word in _ONE_BY_DEFAULT and not built_in.endswith("varying") and not modifiers:
            modifiers = (1,)
        return canonical_type_name(built_in) + other, modifiers
    name = cursor.name()
    if cursor.at("%"):
        raise Unreadable("%TYPE copies a type from elsewhere")
    modifiers, other = _modifiers(cursor)
    if name.schema == "pg_catalog":
        return canonical_type_name(name.name) + other, modifiers
    return f"{name}{other}", modifiers


def _built_in_words(cursor: Cursor) -> str:
    """Take the words of a built-in type's name, as far as they stand before its modifiers."""
    if cursor.peek().kind is not Kind.WORD or cursor.at(cursor.peek().word, "."):
        return ""
    first = cursor.peek()
    if first.has_hole:
        return ""
    cursor.next()
    words = [first.value]
    if words == ["national"] and cursor.at_any("CHAR", "CHARACTER"):
        words.append(cursor.next().value)
    if words[-1] in ("character", "char", "nchar", "bit") and cursor.accept("VARYING"):
        words.append("varying")
    if words == ["double"] and cursor.accept("PRECISION"):
        words.append("precision")
    return " ".join(words)


def _time_zone(cursor: Cursor) -> str:
    if cursor.accept("WITH", "TIME", "ZONE"):
        return " with time zone"
    cursor.accept("WITHOUT", "TIME", "ZONE")
    return ""


def _interval(cursor: Cursor, modifiers: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    words = ["interval"]
    fields = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
    if cursor.at_any(*fields):
        words.append(cursor.next().value)
        if cursor.accept("TO"):
            words += ["to", cursor.accept_any(*fields).lower()]
        modifiers = modifiers or _modifiers(cursor)[0]
    return " ".join(words), modifiers


def _modifiers(cursor: Cursor) -> tuple[tuple[int, ...], str]:
    """Take ``(10, 2)`` as numbers; anything else in parentheses comes back as text.

    The modifiers of extension types are words (``geometry(Point, 4326)``): they stay in the name.
    """
    if not cursor.at("("):
        return (), ""
    inside = cursor.group()
    parts = inside.split()
    if any(token.has_hole for token in inside.tokens):
        raise Unreadable(COMPUTED)
    written = ["".join(token.value for token in part.tokens) for part in parts]
    if all(_NUMBER.fullmatch(number) for number in written):
        return tuple(int(number) for number in written), ""
    return (), f"({','.join(word.lower() for word in written)})"


_NUMBER: Final = re.compile(r"-?[0-9]{1,10}")
