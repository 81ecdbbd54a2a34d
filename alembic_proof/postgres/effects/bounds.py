"""Owns when a CHECK proves that rows fit the bound of a partition.

PostgreSQL proves it with its predicate prover (``predicate_implied_by``); here only the plain forms
that people write for this purpose are recognised, and everything else is taken to prove nothing.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_LITERAL: Final = r"(?:'(?P<{0}s>[^']*)'(?:\s*::\s*[\w ]+?)?|(?P<{0}n>-?\d+(?:\.\d+)?))"
_RANGE: Final = re.compile(
    r"\bFROM\s*\(\s*(?:(?P<open_low>MINVALUE)|" + _LITERAL.format("low") + r")\s*\)\s*"
    r"TO\s*\(\s*(?:(?P<open_high>MAXVALUE)|" + _LITERAL.format("high") + r")\s*\)",
    re.IGNORECASE,
)
_LIST: Final = re.compile(r"\bIN\s*\((?P<values>.*)\)\s*$", re.IGNORECASE | re.DOTALL)
_COMPARISON: Final = re.compile(r"(?P<operator>>=|<=|>|<|=)\s*" + _LITERAL.format("value"))
_BETWEEN: Final = re.compile(
    r"\bBETWEEN\s+" + _LITERAL.format("low") + r"\s+AND\s+" + _LITERAL.format("high"),
    re.IGNORECASE,
)
_ANY_LITERAL: Final = re.compile(r"'[^']*'|\b\d+(?:\.\d+)?\b")
_DISJUNCTION: Final = re.compile(r"\b(?:OR|NOT\s+IN|NOT\s+BETWEEN)\b|<>|!=", re.IGNORECASE)

_Value = tuple[int, float, str]
"""A literal in an order: numbers by value, after them strings by text."""


class _Range(NamedTuple):
    """An interval of values; None is open, ``high_included`` says whether it holds its upper end."""

    low: _Value | None
    high: _Value | None
    high_included: bool = False


def implies_bound(check: str, bound: str) -> bool:
    """Whether the expression of a CHECK proves a bound (``FOR VALUES …``), NULL aside."""
    if _DISJUNCTION.search(check):
        return False
    ranged = _RANGE.search(bound)
    if ranged is not None:
        return _implies_range(check, ranged)
    listed = _LIST.search(bound)
    if listed is None:
        return False
    found = set(_ANY_LITERAL.findall(check))
    return bool(found) and found <= set(_ANY_LITERAL.findall(listed["values"]))


def _implies_range(check: str, bound: re.Match[str]) -> bool:
    wanted = _Range(
        None if bound["open_low"] else _value(bound["lows"], bound["lown"]),
        None if bound["open_high"] else _value(bound["highs"], bound["highn"]),
    )
    found = _range_of(check)
    if found is None:
        return False
    low_fits = wanted.low is None or (found.low is not None and found.low >= wanted.low)
    if wanted.high is None:
        return low_fits
    if found.high is None:
        return False
    high_fits = found.high < wanted.high or (found.high == wanted.high and not found.high_included)
    return low_fits and high_fits


def _range_of(check: str) -> _Range | None:
    """The interval that a conjunction of comparisons of one column allows; None if unclear."""
    between = _BETWEEN.search(check)
    if between is not None:
        return _Range(
            _value(between["lows"], between["lown"]),
            _value(between["highs"], between["highn"]),
            high_included=True,
        )
    low: _Value | None = None
    high: _Value | None = None
    included = False
    for match in _COMPARISON.finditer(check):
        value = _value(match["values"], match["valuen"])
        match match["operator"]:
            case ">=" | ">":
                low = value
            case "<" | "<=":
                high, included = value, match["operator"] == "<="
            case _:
                low, high, included = value, value, True
    return _Range(low, high, included) if low or high else None


def _value(text: str | None, number: str | None) -> _Value:
    if number is not None:
        return (0, float(number), "")
    return (1, 0.0, text or "")
