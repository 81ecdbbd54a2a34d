"""Owns what Python expressions are worth, as far as it can be told without running them.

The evaluator never imports or runs anything of the project. A part that cannot be told becomes a
hole in a text, or an :class:`~alembic_proof.linter.python.values.Unknown`; an expression over SQLAlchemy
stays an expression (a symbol) until an operation needs it.
"""

from __future__ import annotations

import builtins
import contextlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import libcst as cst

from alembic_proof.linter.python.frames import Frame
from alembic_proof.linter.python.operators import UNARY, ValueOperations, is_hashable, source_of
from alembic_proof.linter.python.recorder import Recorder
from alembic_proof.linter.python.values import (
    Choice,
    Class,
    Entity,
    Function,
    Item,
    Items,
    Mapping,
    Operator,
    Ref,
    Rows,
    Unknown,
    Value,
    has_hole,
    is_known,
    is_symbol,
    join,
)

MAX_ROUNDS = 200
"""A loop over more elements than this is read for its first ones and marked repeated."""

MAX_FUEL = 100_000
"""How many expressions and statements one revision may take to evaluate."""


class OutOfFuelError(Exception):
    """The revision needs more evaluation than is reasonable."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """The call that is being evaluated.

    ``exact`` is false when ``*`` or ``**`` unpacked something unknown; ``for_effect`` is true when
    nothing uses the result.
    """

    node: cst.Call
    frame: Frame
    exact: bool = True
    for_effect: bool = False

    @property
    def source(self) -> str:
        """The call as written."""
        return source_of(self.node)


class Evaluator(ValueOperations):
    """Evaluates expressions; what a call does is left to its subclasses."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.fuel = MAX_FUEL
        self.effect_node: cst.BaseExpression | None = None

    @abstractmethod
    def call(
        self, callee: Value, args: tuple[Value, ...], kwargs: dict[str, Value], site: CallSite
    ) -> Value:
        """What a call returns; what it does to the database is recorded."""

    @abstractmethod
    def attribute(self, target: Value, name: str) -> Value:
        """``target.name``."""

    @abstractmethod
    def resolve(self, ref: Ref, frame: Frame) -> Value:
        """What a dotted name stands for when its source is at hand, else the name itself."""

    @abstractmethod
    def place(self, node: cst.Call, frame: Frame) -> None:
        """Make this call the place of the steps that follow, if it is in the revision file."""

    @abstractmethod
    def consume(self, value: Value) -> Value:
        """The rows of an ORM query that is being iterated over, which sends it; else the value."""

    @abstractmethod
    def set_attribute(self, target: Value, name: str, value: Value, source: str) -> None:
        """``target.name = value``."""

    def test(self, node: cst.BaseExpression, frame: Frame) -> bool | None:
        """Whether the condition holds; None if that cannot be told."""
        if isinstance(node, cst.BooleanOperation):
            return self._test_both(node, frame)
        if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Not):
            inner = self.test(node.expression, frame)
            return None if inner is None else not inner
        return self.truth(self.evaluate(node, frame))

    def _test_both(self, node: cst.BooleanOperation, frame: Frame) -> bool | None:
        left = self.test(node.left, frame)
        stops = isinstance(node.operator, cst.Or)
        if left is stops:
            return left
        if left is None:
            with self.recorder.under(source_of(node.left)):
                right = self.test(node.right, frame)
            return right if right is stops else None
        return self.test(node.right, frame)

    # Expressions

    def evaluate(self, node: cst.BaseExpression, frame: Frame) -> Value:
        """What the expression is worth."""
        self.fuel -= 1
        if self.fuel < 0:
            raise OutOfFuelError
        method = _EXPRESSIONS.get(type(node))
        if method is None:
            return Unknown(source_of(node))
        return method(self, node, frame)

    def _name(self, node: cst.Name, frame: Frame) -> Value:
        name = node.value
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        try:
            value = frame.find(name)
        except KeyError:
            return self._unbound(name, frame)
        return self.resolve(value, frame) if isinstance(value, Ref) else value

    def _unbound(self, name: str, frame: Frame) -> Value:
        for star in frame.module.stars:
            value = self.resolve(Ref(f"{star.path}.{name}", star.folder), frame)
            if not isinstance(value, Ref) or star.package in ("alembic", "sqlalchemy"):
                return value
        if name == "__file__":
            return frame.module.path
        return Ref(f"builtins.{name}") if hasattr(builtins, name) else Unknown(name)

    def _attribute(self, node: cst.Attribute, frame: Frame) -> Value:
        target = self.evaluate(node.value, frame)
        name = node.attr.value
        value = self.lift(lambda option: self.attribute(option, name), target)
        return self.resolve(value, frame) if isinstance(value, Ref) else value

    def _string(self, node: cst.SimpleString, _frame: Frame) -> Value:
        text = node.value
        if text[0] in "'\"" and "\\" not in text:
            quotes = 3 if text[:3] in ('"""', "'''") else 1
            return text[quotes:-quotes]
        return node.evaluated_value

    def _concatenated(self, node: cst.ConcatenatedString, frame: Frame) -> Value:
        return self.lift(
            _add_texts, self.evaluate(node.left, frame), self.evaluate(node.right, frame)
        )

    def _formatted(self, node: cst.FormattedString, frame: Frame) -> Value:
        raw = "r" in node.prefix
        pieces: list[Value] = []
        for part in node.parts:
            if isinstance(part, cst.FormattedStringText):
                pieces.append(_unescape(part.value, raw=raw))
            else:
                pieces.append(self._formatted_part(part, frame))
        return self.lift(lambda *options: "".join(options), *pieces)

    def _formatted_part(self, part: cst.BaseFormattedStringContent, frame: Frame) -> Value:
        if not isinstance(part, cst.FormattedStringExpression):
            return self.hole("f-string")
        value = self.evaluate(part.expression, frame)
        source = source_of(part.expression)
        if part.conversion == "r":
            return self.lift(
                lambda option: repr(option) if is_known(option) else self.hole(source), value
            )
        if part.format_spec:
            spec = "".join(
                piece.value if isinstance(piece, cst.FormattedStringText) else "{"
                for piece in part.format_spec
            )
            if isinstance(value, str | int | float) and is_known(value) and "{" not in spec:
                return format(value, spec)
            return self.hole(source)
        return self.lift(lambda option: self.text(option, source), value)

    def _integer(self, node: cst.Integer, _frame: Frame) -> Value:
        return node.evaluated_value

    def _float(self, node: cst.Float, _frame: Frame) -> Value:
        return node.evaluated_value

    def _list(self, node: cst.List | cst.Set | cst.Tuple, frame: Frame) -> Value:
        items: list[Value] = []
        more = False
        for element in node.elements:
            value = self.evaluate(element.value, frame)
            if isinstance(element, cst.StarredElement):
                rounds, unknown = self.iterate(value)
                items.extend(rounds)
                more = more or unknown
            else:
                items.append(value)
        if isinstance(node, cst.Tuple) and not more:
            return tuple(items)
        return Items(items, more=more, level=self.recorder.level)

    def _dict(self, node: cst.Dict, frame: Frame) -> Value:
        result = Mapping(level=self.recorder.level)
        for element in node.elements:
            value = self.evaluate(element.value, frame)
            if isinstance(element, cst.StarredDictElement):
                if isinstance(value, Mapping):
                    result.update(value)
                    result.more = result.more or value.more
                else:
                    result.more = True
            elif isinstance(element, cst.DictElement):
                self.set_item(result, self.evaluate(element.key, frame), value)
        return result

    def set_item(self, target: Value, key: Value, value: Value) -> None:
        """``target[key] = value`` for the containers we hold."""
        if not isinstance(target, Items | Mapping):
            return
        if target.level < self.recorder.level or not is_hashable(key):
            target.more = True
        if (isinstance(target, Mapping) and is_hashable(key)) or (
            isinstance(target, Items) and isinstance(key, int) and -len(target) <= key < len(target)
        ):
            target[key] = value

    def _conditional(self, node: cst.IfExp, frame: Frame) -> Value:
        truth = self.test(node.test, frame)
        if truth is not None:
            return self.evaluate(node.body if truth else node.orelse, frame)
        condition = source_of(node.test)
        with self.recorder.under(condition):
            body = self.evaluate(node.body, frame)
        with self.recorder.under(f"not ({condition})"):
            orelse = self.evaluate(node.orelse, frame)
        return join((body, orelse))

    def _boolean(self, node: cst.BooleanOperation, frame: Frame) -> Value:
        left = self.evaluate(node.left, frame)
        truth = self.truth(left)
        either = isinstance(node.operator, cst.Or)
        if truth is not None:
            return left if truth is either else self.evaluate(node.right, frame)
        with self.recorder.under(source_of(node.left)):
            right = self.evaluate(node.right, frame)
        if either:
            return join((self.narrowed(left, holds=True), right))
        return right if self.truth(right) is False else Unknown(source_of(node))

    def _unary(self, node: cst.UnaryOperation, frame: Frame) -> Value:
        value = self.evaluate(node.expression, frame)
        if isinstance(node.operator, cst.Not):
            truth = self.truth(value)
            return Unknown(source_of(node)) if truth is None else not truth
        symbol, function = UNARY[type(node.operator)]
        if isinstance(value, int | float):
            return function(value)
        return Operator(symbol, (value,)) if is_symbol(value) else Unknown(source_of(node))

    def _binary(self, node: cst.BinaryOperation, frame: Frame) -> Value:
        left = self.evaluate(node.left, frame)
        right = self.evaluate(node.right, frame)
        return self.binary(type(node.operator), left, right, node)

    def _comparison(self, node: cst.Comparison, frame: Frame) -> Value:
        left = self.evaluate(node.left, frame)
        result: Value = True
        for part in node.comparisons:
            right = self.evaluate(part.comparator, frame)
            kind = type(part.operator)
            outcome = self.lift(
                lambda one, other, kind=kind: self.compare(kind, one, other, node), left, right
            )
            if outcome is False:
                return False
            result = outcome if result is True else result
            left = right
        return result

    def _subscript(self, node: cst.Subscript, frame: Frame) -> Value:
        target = self.consume(self.evaluate(node.value, frame))
        if len(node.slice) != 1:
            return target if isinstance(target, Class | Ref) else Unknown(source_of(node))
        part = node.slice[0].slice
        if isinstance(part, cst.Slice):
            return self._slice(target, part, frame, node)
        if not isinstance(part, cst.Index):
            return Unknown(source_of(node))
        key = self.evaluate(part.value, frame)
        return self.lift(lambda one, other: self.item(one, other, node), target, key)

    def _slice(self, target: Value, part: cst.Slice, frame: Frame, node: cst.Subscript) -> Value:
        bounds = [
            None if bound is None else self.evaluate(bound, frame)
            for bound in (part.lower, part.upper, part.step)
        ]
        if all(bound is None or isinstance(bound, int) for bound in bounds):
            window = slice(*bounds)
            if isinstance(target, Items):
                return Items(target[window], more=target.more, level=self.recorder.level)
            if isinstance(target, tuple | bytes) or (
                isinstance(target, str) and not has_hole(target)
            ):
                return target[window]
        return target if isinstance(target, Rows) else Unknown(source_of(node))

    def item(self, target: Value, key: Value, node: cst.CSTNode) -> Value:
        """``target[key]``."""
        if isinstance(target, Mapping):
            return self._mapping_item(target, key, node)
        if isinstance(target, Items | tuple | str) and isinstance(key, int):
            inexact = (isinstance(target, Items) and target.more) or (
                isinstance(target, str) and has_hole(target)
            )
            if not inexact and -len(target) <= key < len(target):
                return target[key]
            return Unknown(source_of(node))
        if isinstance(target, Items | tuple) and target:
            return join(target)
        if isinstance(target, Rows):
            return Entity(target.entity) if target.entity is not None else Unknown(source_of(node))
        if isinstance(target, Class):
            return target
        if is_symbol(target):
            return Item(target, key)
        return Unknown(source_of(node))

    def _mapping_item(self, target: Mapping, key: Value, node: cst.CSTNode) -> Value:
        if isinstance(key, str) and has_hole(key):
            return self._matching_items(target, key, node)
        if is_hashable(key) and is_known(key):
            return target[key] if key in target else Unknown(source_of(node))
        return join(target.values()) if target and not target.more else Unknown(source_of(node))

    def _matching_items(self, target: Mapping, key: str, node: cst.CSTNode) -> Value:
        """What a key with holes may mean: ``globals()["upgrade_%s" % engine]``."""
        import re

        pattern = re.compile(
            ".*".join(re.escape(piece) for piece in re.split(r"__hole__\d+", key)), re.DOTALL
        )
        found = [
            value
            for name, value in target.items()
            if isinstance(name, str) and pattern.fullmatch(name)
        ]
        return join(found) if found else Unknown(source_of(node))

    def _lambda(self, node: cst.Lambda, frame: Frame) -> Value:
        return Function(node=node, name="lambda", module=frame.module, closure=frame)

    def _named(self, node: cst.NamedExpr, frame: Frame) -> Value:
        value = self.evaluate(node.value, frame)
        if isinstance(node.target, cst.Name):
            holder: Frame | None = frame
            while holder is not None and holder.comprehension:
                holder = holder.parent
            (holder or frame).bind(node.target.value, value)
        return value

    def _await(self, node: cst.Await, frame: Frame) -> Value:
        if self.effect_node is node:
            self.effect_node = node.expression
        return self.evaluate(node.expression, frame)

    def _yield(self, node: cst.Yield, frame: Frame) -> Value:
        value: Value = None
        if isinstance(node.value, cst.From):
            for element in self.iterate(self.evaluate(node.value.item, frame))[0]:
                self._yielded(element, frame)
        else:
            value = self.evaluate(node.value, frame) if node.value is not None else None
            self._yielded(value, frame)
        return Unknown(source_of(node))

    def _yielded(self, value: Value, frame: Frame) -> None:
        holder: Frame | None = frame
        while holder is not None and holder.comprehension:
            holder = holder.parent
        if holder is not None and holder.on_yield is not None:
            holder.on_yield(value)

    # Calls

    def _call(self, node: cst.Call, frame: Frame) -> Value:
        for_effect = self.effect_node is node
        callee = self.evaluate(node.func, frame)
        args, kwargs, exact = self._arguments(node.args, frame)
        self.place(node, frame)
        return self.call(callee, args, kwargs, CallSite(node, frame, exact, for_effect))

    def _arguments(
        self, nodes: Sequence[cst.Arg], frame: Frame
    ) -> tuple[tuple[Value, ...], dict[str, Value], bool]:
        args: list[Value] = []
        kwargs: dict[str, Value] = {}
        exact = True
        for node in nodes:
            value = self.evaluate(node.value, frame)
            if node.star == "*":
                rounds, unknown = self.iterate(value)
                args.extend(rounds)
                exact = exact and not unknown
            elif node.star == "**":
                if isinstance(value, Mapping):
                    kwargs.update((str(key), item) for key, item in value.items())
                    exact = exact and not value.more
                else:
                    exact = False
            elif node.keyword is not None:
                kwargs[node.keyword.value] = value
            else:
                args.append(value)
        return tuple(args), kwargs, exact

    # Iteration

    def iterate(self, value: Value, source: str = "") -> tuple[list[Value], bool]:
        """The elements of an iterable, and whether they are only examples of them."""
        value = self.consume(value)
        if isinstance(value, Items | Mapping) and (value or not value.more):
            return list(value)[:MAX_ROUNDS], value.more or len(value) > MAX_ROUNDS
        if isinstance(value, tuple | set | frozenset):
            items = list(value)
            return items[:MAX_ROUNDS], len(items) > MAX_ROUNDS
        if isinstance(value, str) and not has_hole(value):
            return list(value)[:MAX_ROUNDS], len(value) > MAX_ROUNDS
        if isinstance(value, Rows):
            element = Unknown("a row") if value.entity is None else Entity(value.entity)
            return [element], True
        if isinstance(value, Entity):
            return [Entity(value.cls)], True
        if isinstance(value, Choice):
            rounds = [item for option in value.values for item in self.iterate(option)[0]]
            return rounds[:MAX_ROUNDS], True
        if isinstance(value, Class):
            members = self.enum_members(value)
            if members is not None:
                return list(members), False
        return [Unknown(f"an element of {source}" if source else "an element")], True

    @abstractmethod
    def enum_members(self, cls: Class) -> list[Value] | None:
        """The members of an ``enum.Enum`` class in order, None for other classes."""

    def _comprehension(
        self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp, frame: Frame
    ) -> Value:
        result = Items(level=self.recorder.level)
        inner = frame.inner()
        result.more = self._rounds(
            node.for_in, inner, lambda: result.append(self.evaluate(node.elt, inner))
        )
        return result

    def _dict_comprehension(self, node: cst.DictComp, frame: Frame) -> Value:
        result = Mapping(level=self.recorder.level)
        inner = frame.inner()

        def add() -> None:
            key = self.evaluate(node.key, inner)
            value = self.evaluate(node.value, inner)
            if is_hashable(key):
                result[key] = value
            else:
                result.more = True

        more = self._rounds(node.for_in, inner, add)
        result.more = result.more or more
        return result

    def _rounds(self, clause: cst.CompFor, inner: Frame, body: Callable[[], None]) -> bool:
        """Run the body for each element; whether the number of rounds is uncertain."""
        items, more = self.iterate(self.evaluate(clause.iter, inner), source_of(clause.iter))
        uncertain = more
        for item in items:
            self.assign(clause.target, item, inner)
            uncertain = self._round(clause, inner, body, repeated=more) or uncertain
        return uncertain

    def _round(
        self, clause: cst.CompFor, inner: Frame, body: Callable[[], None], *, repeated: bool
    ) -> bool:
        truths = [self.test(condition.test, inner) for condition in clause.ifs]
        if False in truths:
            return False
        if repeated:
            with self.recorder.repeating():
                uncertain = self._round_body(clause, inner, body)
        else:
            uncertain = self._round_body(clause, inner, body)
        return uncertain or None in truths

    def _round_body(self, clause: cst.CompFor, inner: Frame, body: Callable[[], None]) -> bool:
        if clause.inner_for_in is not None:
            return self._rounds(clause.inner_for_in, inner, body)
        body()
        return False

    # Assignment

    def assign(self, target: cst.BaseExpression, value: Value, frame: Frame) -> None:
        """``target = value``."""
        match target:
            case cst.Name():
                elsewhere = target.value in frame.globals or target.value in frame.nonlocals
                if elsewhere and self.recorder.level:
                    with contextlib.suppress(KeyError):
                        value = join((frame.find(target.value), value))
                frame.bind(target.value, value)
            case cst.Tuple() | cst.List():
                self._unpack(target.elements, value, frame)
            case cst.Attribute():
                holder = self.evaluate(target.value, frame)
                self.set_attribute(holder, target.attr.value, value, source_of(target))
            case cst.Subscript() if len(target.slice) == 1:
                holder = self.evaluate(target.value, frame)
                part = target.slice[0].slice
                if isinstance(part, cst.Index):
                    self.set_item(holder, self.evaluate(part.value, frame), value)
                elif isinstance(holder, Items):
                    holder.more = True

    def _unpack(self, targets: Sequence[cst.BaseElement], value: Value, frame: Frame) -> None:
        items, more = self._elements(value, len(targets))
        star = next(
            (i for i, target in enumerate(targets) if isinstance(target, cst.StarredElement)), None
        )
        if more or (star is None and len(items) != len(targets)) or len(items) < len(targets) - 1:
            for target in targets:
                self.assign(target.value, Unknown(f"a part of {source_of(target.value)}"), frame)
            return
        if star is not None:
            tail = len(targets) - star - 1
            middle = Items(items[star : len(items) - tail], level=self.recorder.level)
            items = [*items[:star], middle, *items[len(items) - tail :]]
        for target, item in zip(targets, items, strict=True):
            self.assign(target.value, item, frame)

    def _elements(self, value: Value, count: int) -> tuple[list[Value], bool]:
        if isinstance(value, Choice) and all(
            isinstance(option, tuple) and len(option) == count for option in value.values
        ):
            return [join(column) for column in zip(*value.values, strict=True)], False
        return self.iterate(value)


def _add_texts(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return left + right if isinstance(left, bytes) and isinstance(right, bytes) else left


def _unescape(text: str, *, raw: bool) -> str:
    text = text.replace("{{", "{").replace("}}", "}")
    if raw or "\\" not in text:
        return text
    quote = '"""' if '"""' not in text else "'''"
    padded = text + " "
    evaluated = cst.SimpleString(f"{quote}{padded}{quote}").evaluated_value
    return evaluated[:-1] if isinstance(evaluated, str) else text


_CONSTANTS: dict[str, Value] = {"None": None, "True": True, "False": False}

_EXPRESSIONS: dict[type[cst.CSTNode], Callable[..., Value]] = {
    cst.Name: Evaluator._name,
    cst.Attribute: Evaluator._attribute,
    cst.SimpleString: Evaluator._string,
    cst.ConcatenatedString: Evaluator._concatenated,
    cst.FormattedString: Evaluator._formatted,
    cst.Integer: Evaluator._integer,
    cst.Float: Evaluator._float,
    cst.List: Evaluator._list,
    cst.Tuple: Evaluator._list,
    cst.Set: Evaluator._list,
    cst.Dict: Evaluator._dict,
    cst.IfExp: Evaluator._conditional,
    cst.BooleanOperation: Evaluator._boolean,
    cst.UnaryOperation: Evaluator._unary,
    cst.BinaryOperation: Evaluator._binary,
    cst.Comparison: Evaluator._comparison,
    cst.Subscript: Evaluator._subscript,
    cst.Lambda: Evaluator._lambda,
    cst.NamedExpr: Evaluator._named,
    cst.Await: Evaluator._await,
    cst.Yield: Evaluator._yield,
    cst.Call: Evaluator._call,
    cst.ListComp: Evaluator._comprehension,
    cst.SetComp: Evaluator._comprehension,
    cst.GeneratorExp: Evaluator._comprehension,
    cst.DictComp: Evaluator._dict_comprehension,
}
