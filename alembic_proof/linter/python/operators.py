"""Owns what operators, comparisons, formatting and truth make of values that may be unknown."""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import PurePath

import libcst as cst

from alembic_proof.linter.python.recorder import Recorder
from alembic_proof.linter.python.values import (
    HANDLES,
    MAX_CHOICES,
    Attribute,
    Bound,
    Call,
    Choice,
    Class,
    Dialect,
    Function,
    Instance,
    Item,
    Items,
    Mapping,
    Operator,
    Ref,
    Unknown,
    Value,
    has_hole,
    hole,
    is_known,
    is_symbol,
    join,
    root_of,
)

_PLAIN = cst.Module([])


@lru_cache(maxsize=8192)
def source_of(node: cst.CSTNode) -> str:
    """The code of a node."""
    return _PLAIN.code_for_node(node).strip()


class ValueOperations:
    """Operations on values; what cannot be computed becomes a hole, a symbol or unknown."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._holes: dict[str, str] = {}

    # Texts with holes

    def hole(self, source: str) -> str:
        """The text for an unknown part; the same source always gives the same text."""
        text = self._holes.get(source)
        if text is None:
            text = self._holes[source] = hole(len(self._holes) + 1)
        return text

    def text(self, value: Value, source: str = "") -> str:
        """``str(value)``, with a hole for what is unknown."""
        if isinstance(value, str):
            return value
        if value is None or isinstance(value, int | float | PurePath):
            return str(value)
        if isinstance(value, Items | tuple) and is_known(value):
            return str(list(value) if isinstance(value, Items) else value)
        if isinstance(value, Instance) and "value" in value.attributes:
            return self.text(value.attributes["value"], source)
        if isinstance(value, Call) and isinstance(value.callee, Ref):
            inner = value.args[0] if value.args else None
            if value.callee.name in ("text", "literal_column", "quoted_name") and isinstance(
                inner, str
            ):
                return inner
        return self.hole(source or repr(value))

    def lift(self, function: Callable[..., Value], *values: Value) -> Value:
        """``function(*values)`` for every alternative of the values that are choices."""
        if not any(isinstance(value, Choice) for value in values):
            return function(*values)
        options = [value.values if isinstance(value, Choice) else (value,) for value in values]
        combinations = list(itertools.islice(itertools.product(*options), MAX_CHOICES + 1))
        if len(combinations) > MAX_CHOICES:
            return Unknown("one of many values")
        return join(function(*combination) for combination in combinations)

    # Truth

    def truth(self, value: Value) -> bool | None:
        """Whether the value is true; None if that cannot be told."""
        if isinstance(value, str):
            if not has_hole(value):
                return bool(value)
            return True if not value.startswith("__hole__") or " " in value else None
        if isinstance(value, Items | Mapping):
            return None if value.more else bool(value)
        if value is None or isinstance(value, int | float | bytes | tuple | set | frozenset):
            return bool(value)
        if isinstance(value, Choice):
            truths = {self.truth(option) for option in value.values}
            return truths.pop() if len(truths) == 1 else None
        if isinstance(value, (*HANDLES, Function, Class, Dialect, Bound, PurePath)):
            return True
        return None

    def narrowed(self, value: Value, *, holds: bool) -> Value:
        """The value where it is known to be true, or false: alternatives that cannot be are gone."""
        if not isinstance(value, Choice):
            return value
        kept = [option for option in value.values if self.truth(option) is not (not holds)]
        return join(kept) if kept else value

    def binary(
        self, kind: type[cst.CSTNode], left: Value, right: Value, node: cst.CSTNode
    ) -> Value:
        """``left <operator> right``."""
        return self.lift(
            lambda one, other: self._binary_values(kind, one, other, node), left, right
        )

    def _binary_values(
        self, kind: type[cst.CSTNode], left: Value, right: Value, node: cst.CSTNode
    ) -> Value:
        symbol, function = _BINARY[kind]
        if symbol == "%" and isinstance(left, str):
            return self.format_percent(left, right, source_of(node))
        texts = isinstance(left, str) or isinstance(right, str)
        clauses = (is_symbol(left) or is_symbol(right)) and not _is_plain_name(left, right)
        if symbol == "+" and texts and not clauses:
            return self.text(left, source_of(node)) + self.text(right, source_of(node))
        if symbol == "/" and isinstance(left, PurePath) and isinstance(right, str | PurePath):
            return left / right
        if isinstance(left, Items) and isinstance(right, Items) and symbol == "+":
            return Items([*left, *right], more=left.more or right.more, level=self.recorder.level)
        if isinstance(left, Mapping) and isinstance(right, Mapping) and symbol == "|":
            return Mapping({**left, **right}, more=left.more or right.more)
        if _computable(left) and _computable(right):
            try:
                result = function(left, right)
            except (TypeError, ValueError, ArithmeticError):
                return Unknown(source_of(node))
            return Items(result) if isinstance(result, list) else result
        if is_symbol(left) or is_symbol(right):
            return Operator(symbol, (left, right))
        return Unknown(source_of(node))

    def format_percent(self, template: str, argument: Value, source: str) -> Value:
        """``template % argument`` with holes for unknown arguments."""
        if isinstance(argument, Mapping):
            values: Value = _Holes(self, argument, source)
        elif isinstance(argument, tuple):
            values = tuple(
                self._format_argument(value, source, i) for i, value in enumerate(argument)
            )
        else:
            values = self._format_argument(argument, source, 0)
        try:
            return str(template % values)
        except (TypeError, ValueError, KeyError):
            try:
                return str(_as_text_format(template) % values)
            except (TypeError, ValueError, KeyError):
                return self.hole(source)

    def _format_argument(self, value: Value, source: str, index: int) -> Value:
        if isinstance(value, int | float) or (isinstance(value, str) and value is not None):
            return value
        return self.text(value, f"{source}[{index}]")

    def format_braces(
        self, template: str, args: Sequence[Value], kwargs: dict[str, Value], source: str
    ) -> Value:
        """``template.format(*args, **kwargs)`` with holes for unknown arguments."""
        positional = [self._format_argument(value, source, i) for i, value in enumerate(args)]
        named = {name: self._format_argument(value, name, 0) for name, value in kwargs.items()}
        try:
            return template.format(*positional, **named)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError):
            return self.hole(source)

    def compare(
        self, kind: type[cst.CSTNode], left: Value, right: Value, node: cst.CSTNode
    ) -> Value:
        """``left <comparison> right``; an operator symbol over symbols."""
        unknown = Unknown(source_of(node))
        if kind in (cst.Is, cst.IsNot):
            identical = _identical(left, right)
            return unknown if identical is None else identical is (kind is cst.Is)
        if kind in (cst.In, cst.NotIn):
            found = _contains(right, left)
            return unknown if found is None else found is (kind is cst.In)
        symbol, function = _COMPARISONS[kind]
        if is_known(left) and is_known(right):
            try:
                return bool(function(left, right))
            except TypeError:
                return unknown
        if symbol in ("==", "!=") and _differ_for_certain(left, right):
            return symbol == "!="
        if is_symbol(left) or is_symbol(right):
            return Operator(symbol, (left, right))
        return unknown


class _Holes(dict[str, Value]):
    """Arguments for ``%`` by name: unknown ones become holes."""

    def __init__(self, evaluator: ValueOperations, values: Mapping, source: str) -> None:
        super().__init__()
        for key, value in values.items():
            known = isinstance(value, str | int | float)
            self[key] = value if known else evaluator.text(value, f"{source}[{key}]")
        self._evaluator = evaluator
        self._source = source

    def __missing__(self, key: str) -> str:
        return self._evaluator.hole(f"{self._source}[{key}]")


def is_hashable(value: Value) -> bool:
    """Whether the value can be a key of a :class:`Mapping`."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_plain_name(left: Value, right: Value) -> bool:
    """Whether text is added to a name of a module that cannot be read: a string constant."""
    return any(
        isinstance(value, Ref | Attribute | Item)
        and isinstance(root := root_of(value), Ref)
        and root.package != "sqlalchemy"
        for value in (left, right)
    )


def _as_text_format(template: str) -> str:
    """The template with ``%d`` and its kind as ``%s``, since a hole is no number."""
    return re.sub(r"%(\(\w+\))?[-+ 0-9.]*[dif]", r"%\1s", template)


def _computable(value: Value) -> bool:
    return (is_known(value) and not isinstance(value, Items | Mapping)) or isinstance(value, Items)


def _identical(left: Value, right: Value) -> bool | None:
    if left is None and right is None:
        return True
    for one, other in ((left, right), (right, left)):
        if one is None and (
            (is_known(other) and other is not None)
            or isinstance(other, (*HANDLES, Function, Class, Instance, Items, Mapping, Dialect))
            or (is_symbol(other) and _is_made(other))
        ):
            return False
    if isinstance(left, bool) and isinstance(right, bool):
        return left is right
    return None


def _is_made(value: Value) -> bool:
    """Whether the symbol is an object that SQLAlchemy makes, so never None."""
    root = root_of(value)
    return isinstance(root, Ref) and root.package in ("sqlalchemy", "alembic")


def _contains(container: Value, element: Value) -> bool | None:
    if isinstance(container, str) and isinstance(element, str):
        return None if has_hole(container) or has_hole(element) else element in container
    if not isinstance(container, list | tuple | set | frozenset | dict):
        return None
    if not is_known(element):
        return False if not container and is_known(container) else None
    if any(type(item) is type(element) and item == element for item in container):
        return True
    return False if all(is_known(item) for item in container) and is_known(container) else None


def _differ_for_certain(left: Value, right: Value) -> bool:
    """Whether two texts with holes differ in what is known of both."""
    if not (isinstance(left, str) and isinstance(right, str)):
        return False
    start, other = (text.partition("__hole__")[0] for text in (left, right))
    return not (start.startswith(other) or other.startswith(start))


UNARY: dict[type[cst.CSTNode], tuple[str, Callable[[Value], Value]]] = {
    cst.Minus: ("-", operator.neg),
    cst.Plus: ("+", operator.pos),
    cst.BitInvert: ("~", operator.invert),
}
_BINARY: dict[type[cst.CSTNode], tuple[str, Callable[[Value, Value], Value]]] = {
    cst.Add: ("+", operator.add),
    cst.Subtract: ("-", operator.sub),
    cst.Multiply: ("*", operator.mul),
    cst.Divide: ("/", operator.truediv),
    cst.FloorDivide: ("//", operator.floordiv),
    cst.Modulo: ("%", operator.mod),
    cst.Power: ("**", operator.pow),
    cst.BitAnd: ("&", operator.and_),
    cst.BitOr: ("|", operator.or_),
    cst.BitXor: ("^", operator.xor),
    cst.LeftShift: ("<<", operator.lshift),
    cst.RightShift: (">>", operator.rshift),
    cst.MatrixMultiply: ("@", operator.matmul),
}
_COMPARISONS: dict[type[cst.CSTNode], tuple[str, Callable[[Value, Value], Value]]] = {
    cst.Equal: ("==", operator.eq),
    cst.NotEqual: ("!=", operator.ne),
    cst.LessThan: ("<", operator.lt),
    cst.LessThanEqual: ("<=", operator.le),
    cst.GreaterThan: (">", operator.gt),
    cst.GreaterThanEqual: (">=", operator.ge),
}
