"""Owns the lexical rules of PostgreSQL: text to tokens, and tokens to statements.

Source: PostgreSQL manual, "Lexical Structure", and ``src/backend/parser/scan.l``. Two things are
added that a driver replaces before PostgreSQL sees them: ``:name`` and ``%(name)s`` binds.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

HOLE: Final = "__hole__"


class Kind(enum.Enum):
    """What a token is."""

    WORD = enum.auto()
    QUOTED = enum.auto()
    STRING = enum.auto()
    BITS = enum.auto()
    NUMBER = enum.auto()
    PARAMETER = enum.auto()
    SYMBOL = enum.auto()
    META = enum.auto()
    BROKEN = enum.auto()
    END = enum.auto()


class Token(NamedTuple):
    """One token and where it stands in the text.

    ``word`` is the keyword in capitals for an unquoted word and the symbol itself for a symbol;
    empty for everything else, so that comparing it never mistakes a string or a quoted name for a
    keyword. ``value`` is a name after folding, or the contents of a string.
    """

    kind: Kind
    word: str
    value: str
    start: int
    end: int

    @property
    def has_hole(self) -> bool:
        """Whether it is a name or keyword, part of which is not known."""
        return self.kind in (Kind.WORD, Kind.QUOTED) and HOLE in self.value


# The order matters: what PostgreSQL's scanner prefers comes first.
_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+|--[^\r\n]*)
    | (?P<comment>/\*)
    | (?P<estring>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<ustring>[uU]&'(?:[^']|'')*')
    | (?P<bits>[bBxX]'[^']*')
    | (?P<string>[nN]?'(?:[^']|'')*')
    | (?P<uquoted>[uU]&"(?:[^"]|"")*")
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<broken>(?:[eEbBxXnN]|[uU]&)?'|(?:[uU]&)?")
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$)
    | (?P<parameter>\$\d+ | %\(\w+\)s | %s(?!\w) | (?<![:\w]):[A-Za-z_]\w*)
    | (?P<number>0[xX][0-9a-fA-F_]+ | 0[oO][0-7_]+ | 0[bB][01_]+
        | (?:\d+(?:_\d+)*(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<symbol>::|:=|\.\.|[()\[\],;:.])
    | (?P<operator>[-+*/<>=~!@\#%^&|`?]{1,63})
    | (?P<meta>\\[^\r\n]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_ESCAPE: Final = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|''", re.DOTALL
)
_UNICODE_ESCAPE: Final = re.compile(r"\\(?:\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4})|(\\))")
_PLAIN_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def words(listed: str) -> frozenset[str]:
    """Keywords or symbols, written with spaces between them."""
    return frozenset(listed.split())


def tokenise(text: str) -> list[Token]:
    """Every token of a text, without comments; a quote that never closes is one ``BROKEN`` token."""
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    position, length = 0, len(text)
    previous: Token | None = None
    newline = False
    while position < length:
        match = _TOKEN.match(text, position)
        if match is None:  # pragma: no cover - the last alternative takes any character
            return
        group = match.lastgroup or "other"
        end = match.end()
        if group == "comment":
            end = _comment_end(text, position)
            group = "space" if end else "broken"
        if group == "space":
            newline = newline or "\n" in text[position:end]
            position = end
            continue
        token = _token(group, text, position, end)
        # Two strings with a line break between them are one (SQL standard).
        if (
            newline
            and group == "string"
            and previous is not None
            and previous.kind is Kind.STRING
            and text[previous.start] != "$"
        ):
            previous = previous._replace(value=previous.value + token.value, end=token.end)
        else:
            if previous is not None:
                yield previous
            previous = token
        newline = False
        position = token.end
    if previous is not None:
        yield previous


def _token(group: str, text: str, start: int, end: int) -> Token:
    raw = text[start:end]
    match group:
        case "word":
            return Token(Kind.WORD, raw.upper(), raw.lower(), start, end)
        case "quoted":
            return Token(Kind.QUOTED, "", raw[1:-1].replace('""', '"'), start, end)
        case "uquoted":
            return Token(Kind.QUOTED, "", _unicode(raw[3:-1].replace('""', '"')), start, end)
        case "string":
            value = raw[raw.index("'") + 1 : -1].replace("''", "'")
            return Token(Kind.STRING, "", value, start, end)
        case "estring":
            return Token(Kind.STRING, "", _ESCAPE.sub(_unescape, raw[2:-1]), start, end)
        case "ustring":
            return Token(Kind.STRING, "", _unicode(raw[3:-1].replace("''", "'")), start, end)
        case "dollar":
            return _dollar_quoted(raw, text, start, end)
        case "operator":
            end = start + len(_operator(raw))
            raw = text[start:end]
            return Token(Kind.SYMBOL, raw, raw, start, end)
        case "symbol":
            return Token(Kind.SYMBOL, raw, raw, start, end)
        case "broken":
            return Token(Kind.BROKEN, "", text[start:], start, len(text))
        case "other":
            return Token(Kind.BROKEN, "", raw, start, end)
        case _:
            return Token(_KINDS[group], "", raw, start, end)


_KINDS: Final = {
    "bits": Kind.BITS,
    "number": Kind.NUMBER,
    "parameter": Kind.PARAMETER,
    "meta": Kind.META,
}


def _comment_end(text: str, start: int) -> int:
    """Where a block comment ends, 0 for one that never closes. They nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return 0


def _dollar_quoted(tag: str, text: str, start: int, body: int) -> Token:
    close = text.find(tag, body)
    if close < 0:
        return Token(Kind.BROKEN, "", text[start:], start, len(text))
    return Token(Kind.STRING, "", text[body:close], start, close + len(tag))


def _operator(raw: str) -> str:
    """The operator that a run of operator characters begins with.

    A comment ends it, and it may end in ``+`` or ``-`` only if it also holds one of the characters
    that no standard operator has.
    """
    for comment in ("--", "/*"):
        at = raw.find(comment)
        if at > 0:
            raw = raw[:at]
    if raw[-1] in "+-" and not _NONSTANDARD & set(raw):
        return raw.rstrip("+-") or raw[0]
    return raw


_NONSTANDARD: Final = frozenset("~!@#%^&|`?")


def _unescape(escape: re.Match[str]) -> str:
    octal, short, unicode, long, plain = escape.groups()
    if plain:
        return _PLAIN_ESCAPES.get(plain, plain)
    if octal:
        return chr(int(octal, 8) & 0xFF)
    digits = short or unicode or long
    return _character(digits) if digits else "'"


def _unicode(text: str) -> str:
    return _UNICODE_ESCAPE.sub(
        lambda escape: "\\" if escape[3] else _character(escape[1] or escape[2]), text
    )


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF else "\N{REPLACEMENT CHARACTER}"


def split(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens of each statement, without the semicolons; empty statements are left out.

    A semicolon inside parentheses (CREATE RULE) or inside a BEGIN ATOMIC body ends nothing. A psql
    meta-command is a statement by itself.
    """
    statement: list[Token] = []
    depth = 0
    body = 0
    for token in tokens:
        if token.kind is Kind.META:
            if statement:
                yield statement
            yield [token]
            statement, depth, body = [], 0, 0
            continue
        match token.word:
            case "(":
                depth += 1
            case ")":
                depth = max(0, depth - 1)
            case "ATOMIC" if statement and statement[-1].word == "BEGIN" and _is_routine(statement):
                body = 1
            case "CASE" if body:
                body += 1
            case "END" if body:
                body -= 1
            case ";" if not depth and not body:
                if statement:
                    yield statement
                statement = []
                continue
        statement.append(token)
    if statement:
        yield statement


def _is_routine(statement: list[Token]) -> bool:
    head = [token.word for token in statement[:4]]
    return head[:1] == ["CREATE"] and ("FUNCTION" in head or "PROCEDURE" in head)


def without_holes(text: str) -> str:
    """A text for people: every hole is shown as ``…``."""
    return _HOLES.sub("…", text) if HOLE in text else text


_HOLES: Final = re.compile(rf"{HOLE}\d*", re.IGNORECASE)
