"""Owns when a CHECK proves that rows fit the bound of a partition.

PostgreSQL proves it with its predicate prover (``predicate_implied_by``); here only the plain forms
that people write for this purpose are recognised, and everything else is taken to prove nothing.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_COLUMN: Final = r'(?P<column>[a-z_]\w*|"[^"]+")'
_LITERAL: Final = r"(?:'[^']*'(?:\s*::\s*[\w ]+?)?|-?\d+(?:\.\d+)?)"
_BETWEEN: Final = re.compile(
    rf"{_COLUMN}\s+BETWEEN\s+(?P<low>{_LITERAL})\s+AND\s+(?P<high>{_LITERAL})", re.IGNORECASE
)
_AND: Final = re.compile(r"\bAND\b", re.IGNORECASE)
_COMPARISON: Final = re.compile(
    rf"[\s(]*{_COLUMN}\s*(?P<operator>>=|<=|>|<|=)\s*(?P<value>{_LITERAL})[\s)]*", re.IGNORECASE
)
_MEMBER: Final = re.compile(
    rf"[\s(]*{_COLUMN}\s+IN\s*\((?P<values>\s*{_LITERAL}(?:\s*,\s*{_LITERAL})*\s*)\)[\s)]*",
    re.IGNORECASE,
)
_DISJUNCTION: Final = re.compile(r"\b(?:OR|NOT)\b(?!\s+NULL)", re.IGNORECASE)
_RANGE_BOUND: Final = re.compile(
    rf"\bFROM\s*\(\s*(?P<low>MINVALUE|{_LITERAL})\s*\)\s*"
    rf"TO\s*\(\s*(?P<high>MAXVALUE|{_LITERAL})\s*\)",
    re.IGNORECASE,
)
_LIST_BOUND: Final = re.compile(r"\bIN\s*\((?P<values>.*)\)\s*$", re.IGNORECASE | re.DOTALL)

_Value = tuple[int, float, str]
"""A literal in an order: numbers by value, after them strings by text."""


class _Range(NamedTuple):
    """An interval of values; None is open, ``high_included`` says whether it holds its upper end."""

    low: _Value | None
    high: _Value | None
    high_included: bool


def implies_bound(check: str, bound: str) -> bool:
    """Whether the expression of a CHECK proves a bound (``FOR VALUES …``), NULL aside.

    The key of the partitioned table is not known here: a CHECK that compares one column only is
    taken to be about it.
    """
    if _DISJUNCTION.search(check):
        return False
    conjuncts = _AND.split(_BETWEEN.sub(r"\g<column> >= \g<low> AND \g<column> <= \g<high>", check))
    ranged = _RANGE_BOUND.search(bound)
    if ranged is not None:
        found = _range_of(conjuncts)
        return found is not None and _is_within(found, ranged)
    listed = _LIST_BOUND.search(bound)
    return listed is not None and _are_members(conjuncts, _literals(listed["values"]))


def _are_members(conjuncts: list[str], wanted: set[_Value]) -> bool:
    for conjunct in conjuncts:
        member = _MEMBER.fullmatch(conjunct)
        equal = _COMPARISON.fullmatch(conjunct)
        if member is not None and _literals(member["values"]) <= wanted:
            return True
        if equal is not None and equal["operator"] == "=" and _value(equal["value"]) in wanted:
            return True
    return False


def _literals(values: str) -> set[_Value]:
    return {_value(literal) for literal in re.findall(_LITERAL, values)}


def _is_within(found: _Range, bound: re.Match[str]) -> bool:
    if bound["low"].upper() != "MINVALUE" and (
        found.low is None or found.low < _value(bound["low"])
    ):
        return False
    if bound["high"].upper() == "MAXVALUE":
        return True
    high = _value(bound["high"])
    if found.high is None:
        return False
    return found.high < high or (found.high == high and not found.high_included)


def _range_of(conjuncts: list[str]) -> _Range | None:
    """The interval that comparisons of one column allow; None if there is not just one."""
    low: _Value | None = None
    high: _Value | None = None
    high_included = False
    columns: set[str] = set()
    for conjunct in conjuncts:
        match = _COMPARISON.fullmatch(conjunct)
        if match is None:
            continue
        columns.add(match["column"].strip('"').lower())
        value, operator = _value(match["value"]), match["operator"]
        if operator in (">=", ">", "="):
            low = value
        if operator in ("<=", "<", "="):
            high, high_included = value, operator != "<"
    return _Range(low, high, high_included) if len(columns) == 1 else None


def _value(literal: str) -> _Value:
    if literal.startswith("'"):
        return (1, 0.0, literal[1 : literal.rindex("'")])
    return (0, float(literal), "")
