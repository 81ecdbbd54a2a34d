"""Owns how tokens are spelt for sqlglot.

sqlglot reads a text of its own, so the tokens are written out anew: everything that is particular
to PostgreSQL in quoting, comments, binds and operators is settled before sqlglot looks. The spelling
keeps the structure of an expression (operands, functions, tables), not its meaning: an operator that
sqlglot does not know becomes another with as many operands.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from alembic_proof.linter.sql.cursor import BROKEN, Unreadable
from alembic_proof.linter.sql.tokens import Kind, Token, words

_KNOWN_OPERATORS: Final = words(
    "+ - * / % ^ = <> != < > <= >= || -> ->> #> #>> @> <@ ~ !~ ~* !~* ~~ !~~ ~~* !~~* && & |"
)
_PREFIX_BEFORE: Final = words("( [ , AND OR NOT WHERE SELECT THEN ELSE WHEN CASE ON BY")


def spelt(tokens: Sequence[Token]) -> str:
    """The text of some tokens for sqlglot; raises ``Unreadable`` for a token that is not SQL."""
    return " ".join(_spellings(tokens))


def _spellings(tokens: Sequence[Token]) -> Iterator[str]:
    skip = 0
    previous = "("
    for index, token in enumerate(tokens):
        if skip:
            skip -= 1
            continue
        if _is_dropped(tokens, index):
            continue
        if token.word == "OPERATOR" and index + 1 < len(tokens) and tokens[index + 1].word == "(":
            close = next((i for i in range(index, len(tokens)) if tokens[i].word == ")"), index)
            skip = close - index
            yield "||"
            previous = "||"
            continue
        spelling = _spelling(token, previous)
        if spelling:
            yield spelling
        previous = token.word


_LITERAL_TYPES: Final = words(
    "BIT BOX BYTEA CIDR CIRCLE INET JSONPATH LINE LSEG MACADDR MACADDR8 PATH PG_LSN PG_SNAPSHOT "
    "POINT POLYGON REGCLASS REGPROC REGTYPE TSQUERY TSVECTOR TXID_SNAPSHOT"
)


def _is_dropped(tokens: Sequence[Token], index: int) -> bool:
    """Whether a token only says more about its neighbour, in a way that sqlglot does not know.

    That is the type in ``box '((0,0),(1,1))'``, and the words AT LOCAL.
    """
    token = tokens[index]
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if following is not None and following.kind is Kind.STRING and token.word in _LITERAL_TYPES:
        return True
    if token.word == "AT":
        return following is not None and following.word == "LOCAL"
    return token.word == "LOCAL" and index > 0 and tokens[index - 1].word == "AT"


def _spelling(token: Token, previous: str) -> str:
    match token.kind:
        case Kind.WORD:
            return token.value
        case Kind.QUOTED:
            return '"' + token.value.replace('"', '""') + '"'
        case Kind.STRING:
            return "'" + token.value.replace("'", "''") + "'"
        case Kind.BITS:
            return "'" + token.value[2:-1] + "'"
        case Kind.NUMBER:
            return _number(token.value)
        case Kind.PARAMETER:
            return "$1"
        case Kind.SYMBOL if token.word and token.word[0] in "+-*/<>=~!@#%^&|`?":
            return _operator(token.word, previous)
        case Kind.SYMBOL:
            return token.word
        case _:
            raise Unreadable(BROKEN)


def _number(written: str) -> str:
    digits = written.replace("_", "")
    if digits[:2].lower() in ("0x", "0o", "0b"):
        with contextlib.suppress(ValueError):
            return str(int(digits, 0))
    return digits


def _operator(written: str, previous: str) -> str:
    """An operator that sqlglot knows, of the same arity; nothing for a prefix operator."""
    if written in ("=>", ":="):
        return "=>"
    is_prefix = previous in _PREFIX_BEFORE or (previous and previous[0] in "+-*/<>=~!@#%^&|`?")
    if is_prefix:
        return written if written in ("+", "-", "*") else ""
    return written if written in _KNOWN_OPERATORS or written == "*" else "||"
