"""Owns how Python statements are followed: control flow, functions, classes, imports, context managers.

What cannot be decided is followed on every side: both arms of a condition, the handlers of a
``try``, one round of a loop over unknown rows. Nothing that is met is dropped.
"""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import libcst as cst

from alembic_proof.linter.python.evaluate import Evaluator, OutOfFuelError
from alembic_proof.linter.python.frames import Frame
from alembic_proof.linter.python.operators import source_of
from alembic_proof.linter.python.recorder import shorten
from alembic_proof.linter.python.values import (
    Choice,
    Function,
    Items,
    Manager,
    Mapping,
    Unknown,
    Value,
    join,
)


class Flow(enum.IntFlag):
    """The ways in which a statement may end; several when that depends on something unknown."""

    FALL = 1
    RETURN = 2
    RAISE = 4
    BREAK = 8
    CONTINUE = 16


LEAVES = Flow.RETURN | Flow.BREAK | Flow.CONTINUE


class Statements(Evaluator):
    """Follows statements; what calls do to the database is left to its subclass."""

    raised: str = ""
    """The exception that the last ``raise`` statement named."""
    _guard: str = ""

    @abstractmethod
    def enter(self, value: Value) -> tuple[Value, Callable[[], None]]:
        """What ``with value as …`` binds, and what happens when its block ends."""

    @abstractmethod
    def run_function(
        self,
        function: Function,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        *,
        on_yield: Callable[[Value], None] | None = None,
    ) -> Value:
        """What calling a function of the readable source returns; its operations are recorded."""

    # Blocks

    def block(self, body: Sequence[cst.CSTNode], frame: Frame) -> Flow:
        """Follow statements in order."""
        flow = Flow.FALL
        depth = len(self.recorder.conditions)
        for statement in body:
            flow = (flow & ~Flow.FALL) | self.statement(statement, frame)
            if not flow & Flow.FALL:
                break
            if flow & LEAVES and self._guard not in self.recorder.conditions:
                self.recorder.conditions.append(self._guard)
        del self.recorder.conditions[depth:]
        return flow

    def suite(self, node: cst.BaseSuite, frame: Frame) -> Flow:
        """Follow the body of a compound statement."""
        return self.block(node.body, frame)

    def statement(self, node: cst.CSTNode, frame: Frame) -> Flow:
        """Follow one statement. It never raises but when the revision is out of fuel."""
        self.fuel -= 1
        if isinstance(node, cst.SimpleStatementLine):
            return self.block(node.body, frame)
        name = _STATEMENTS.get(type(node))
        if name is None:
            return Flow.FALL
        conditions, loops = len(self.recorder.conditions), self.recorder.loops
        try:
            return Flow(getattr(self, name)(node, frame))
        except OutOfFuelError:
            raise
        # Source that we do not know may break any assumption made here. Whatever goes wrong must
        # become a counted Unresolved: a crash would hide all other findings, and skipping the
        # statement would be a silent pass.
        except Exception as error:  # noqa: BLE001
            del self.recorder.conditions[conditions:]
            self.recorder.loops = loops
            self.recorder.unresolved(
                f"it could not be followed ({type(error).__name__})", source_of(node)
            )
            return Flow.FALL

    # Simple statements

    def _expression(self, node: cst.Expr, frame: Frame) -> Flow:
        value = node.value
        if isinstance(value, cst.SimpleString | cst.ConcatenatedString | cst.Ellipsis):
            return Flow.FALL
        self.effect_node = value
        result = self.evaluate(value, frame)
        self.effect_node = None
        return Flow.RAISE if result is EXITS else Flow.FALL

    def _assign(self, node: cst.Assign, frame: Frame) -> Flow:
        value = self.evaluate(node.value, frame)
        for target in node.targets:
            self.assign(target.target, value, frame)
        return Flow.FALL

    def _annotated(self, node: cst.AnnAssign, frame: Frame) -> Flow:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, frame), frame)
        return Flow.FALL

    def _augmented(self, node: cst.AugAssign, frame: Frame) -> Flow:
        kind = _AUGMENTED.get(type(node.operator))
        left = self.evaluate(node.target, frame)
        right = self.evaluate(node.value, frame)
        if isinstance(left, Items) and kind is cst.Add:
            items, more = self.iterate(right)
            left.extend(items)
            left.more = left.more or more or left.level < self.recorder.level
        elif kind is not None:
            self.assign(node.target, self.binary(kind, left, right, node), frame)
        return Flow.FALL

    def _return(self, node: cst.Return, frame: Frame) -> Flow:
        frame.returned.append(None if node.value is None else self.evaluate(node.value, frame))
        return Flow.RETURN

    def _raise(self, node: cst.Raise, frame: Frame) -> Flow:
        self.raised = _exception_text(node, self, frame)
        return Flow.RAISE

    def _break(self, _node: cst.Break, _frame: Frame) -> Flow:
        return Flow.BREAK

    def _continue(self, _node: cst.Continue, _frame: Frame) -> Flow:
        return Flow.CONTINUE

    def _assert(self, node: cst.Assert, frame: Frame) -> Flow:
        self.test(node.test, frame)
        return Flow.FALL

    def _delete(self, node: cst.Del, frame: Frame) -> Flow:
        targets = (
            [element.value for element in node.target.elements]
            if isinstance(node.target, cst.Tuple | cst.List)
            else [node.target]
        )
        for target in targets:
            if isinstance(target, cst.Subscript):
                holder = self.evaluate(target.value, frame)
                if isinstance(holder, Items | Mapping):
                    holder.more = True
        return Flow.FALL

    def _declare_global(self, node: cst.Global, frame: Frame) -> Flow:
        frame.globals.update(item.name.value for item in node.names)
        return Flow.FALL

    def _declare_nonlocal(self, node: cst.Nonlocal, frame: Frame) -> Flow:
        frame.nonlocals.update(item.name.value for item in node.names)
        return Flow.FALL

    # Conditions

    def _if(self, node: cst.If, frame: Frame) -> Flow:
        truth = self.test(node.test, frame)
        if truth is True:
            return self.suite(node.body, frame)
        if truth is False:
            return self._else(node.orelse, frame)
        condition = shorten(source_of(node.test), 100)

        def then() -> Flow:
            self._narrow(node.test, frame, holds=True)
            return self.suite(node.body, frame)

        def otherwise() -> Flow:
            self._narrow(node.test, frame, holds=False)
            return self._else(node.orelse, frame)

        return self._arms([(condition, then), (_opposite(node.test, condition), otherwise)], frame)

    def _narrow(self, test: cst.BaseExpression, frame: Frame, *, holds: bool) -> None:
        """Forget the alternatives of a name that the condition rules out."""
        match test:
            case cst.UnaryOperation(operator=cst.Not(), expression=inner):
                self._narrow(inner, frame, holds=not holds)
            case cst.BooleanOperation(operator=cst.And(), left=left, right=right) if holds:
                self._narrow(left, frame, holds=True)
                self._narrow(right, frame, holds=True)
            case cst.Comparison(
                left=cst.Name() as name,
                comparisons=[
                    cst.ComparisonTarget(
                        operator=(cst.Is() | cst.IsNot()) as operator,
                        comparator=cst.Name(value="None"),
                    )
                ],
            ):
                present = holds is isinstance(operator, cst.IsNot)
                value = frame.names.get(name.value)
                if isinstance(value, Choice) and present:
                    frame.names[name.value] = join(
                        option for option in value.values if option is not None
                    )
            case cst.Name(value=name_) if name_ in frame.names:
                frame.names[name_] = self.narrowed(frame.names[name_], holds=holds)

    def _else(self, node: cst.If | cst.Else | None, frame: Frame) -> Flow:
        if node is None:
            return Flow.FALL
        return self.suite(node.body, frame) if isinstance(node, cst.Else) else self._if(node, frame)

    def _arms(self, arms: Sequence[tuple[str, Callable[[], Flow]]], frame: Frame) -> Flow:
        """Follow alternatives of which one happens; afterwards names hold a choice."""
        before = dict(frame.names)
        ends: list[dict[str, Value]] = []
        flow = Flow(0)
        guards: list[str] = []
        for index, (condition, follow) in enumerate(arms):
            frame.names.clear()
            frame.names.update(before)
            with self.recorder.under(condition):
                outcome = follow()
            flow |= outcome
            if outcome & Flow.FALL:
                ends.append(dict(frame.names))
            if outcome & LEAVES:
                other = arms[1 - index][0] if len(arms) == 2 else f"not ({condition})"
                guards.append(other)
        frame.names.clear()
        frame.names.update(_merged(ends) if ends else before)
        if guards:
            self._guard = " and ".join(dict.fromkeys(guards))
        return flow

    def _match(self, node: cst.Match, frame: Frame) -> Flow:
        subject = self.evaluate(node.subject, frame)
        shown = shorten(source_of(node.subject), 60)
        arms: list[tuple[str, Callable[[], Flow]]] = []
        for case in node.cases:
            matches = self._matches(case.pattern, subject, frame)
            if case.guard is not None and matches is not False:
                guard = self.test(case.guard, frame)
                matches = guard if matches is True else (None if guard is not False else False)
            if matches is False:
                continue
            condition = f"{shown} matches {shorten(source_of(case.pattern), 60)}"
            arms.append((condition, partial(self.suite, case.body, frame)))
            if matches is True:
                break
        else:
            arms.append((f"{shown} matches nothing", lambda: Flow.FALL))
        return arms[0][1]() if len(arms) == 1 else self._arms(arms, frame)

    def _matches(self, pattern: cst.MatchPattern, subject: Value, frame: Frame) -> bool | None:
        match pattern:
            case cst.MatchAs(pattern=None, name=name):
                if name is not None:
                    frame.bind(name.value, subject)
                return True
            case cst.MatchAs(pattern=inner, name=name) if inner is not None:
                if name is not None:
                    frame.bind(name.value, subject)
                return self._matches(inner, subject, frame)
            case cst.MatchValue():
                value = self.evaluate(pattern.value, frame)
                return self.truth(self.compare(cst.Equal, subject, value, pattern.value))
            case cst.MatchSingleton():
                value = self.evaluate(pattern.value, frame)
                return self.truth(self.compare(cst.Is, subject, value, pattern.value))
            case cst.MatchOr():
                outcomes = [
                    self._matches(element.pattern, subject, frame) for element in pattern.patterns
                ]
                if True in outcomes:
                    return True
                return None if None in outcomes else False
        return None

    # Loops

    def _for(self, node: cst.For, frame: Frame) -> Flow:
        items, more = self.iterate(self.evaluate(node.iter, frame), source_of(node.iter))
        if more:
            self._widen(node.body, frame)
        flow, left = Flow.FALL, False
        depth = len(self.recorder.conditions)
        for item in items:
            self.assign(node.target, item, frame)
            outcome = self._round_of(node.body, frame, repeated=more)
            flow |= outcome & (Flow.RETURN | Flow.RAISE)
            left = left or bool(outcome & Flow.BREAK)
            goes_on = outcome & (Flow.FALL | Flow.CONTINUE)
            if not more and not goes_on:
                if not outcome & Flow.BREAK:
                    flow &= ~Flow.FALL
                break
            if not more and outcome & (Flow.BREAK | Flow.RETURN):
                self.recorder.conditions.append(self._guard)
        del self.recorder.conditions[depth:]
        if node.orelse is not None and flow & Flow.FALL:
            with self.recorder.under("the loop was not left" if left else None):
                flow |= self.suite(node.orelse.body, frame)
        return flow

    def _round_of(self, body: cst.BaseSuite, frame: Frame, *, repeated: bool) -> Flow:
        if not repeated:
            return self.suite(body, frame)
        before = dict(frame.names)
        with self.recorder.repeating():
            outcome = self.suite(body, frame)
        after = dict(frame.names)
        frame.names.update(_merged([before, after]))
        return outcome

    def _while(self, node: cst.While, frame: Frame) -> Flow:
        self._widen(node.body, frame)
        truth = self.test(node.test, frame)
        if truth is False:
            return Flow.FALL if node.orelse is None else self.suite(node.orelse.body, frame)
        outcome = self._round_of(node.body, frame, repeated=True)
        flow = outcome & (Flow.RETURN | Flow.RAISE)
        if truth is None or outcome & Flow.BREAK or not flow & Flow.RETURN:
            flow |= Flow.FALL
        if node.orelse is not None:
            flow |= self.suite(node.orelse.body, frame)
        return flow

    def _widen(self, body: cst.BaseSuite, frame: Frame) -> None:
        """Forget the values that an unknown number of rounds would change step by step."""
        for name in _accumulated(body):
            if name in frame.names and not isinstance(frame.names[name], Items | Mapping):
                frame.names[name] = Unknown(name)

    # try and with

    def _try(self, node: cst.Try | cst.TryStar, frame: Frame) -> Flow:
        before = dict(frame.names)
        flow = self.suite(node.body, frame)
        if flow & Flow.FALL and node.orelse is not None:
            flow = (flow & ~Flow.FALL) | self.suite(node.orelse.body, frame)
        if not _only_imports(node.body):
            flow = self._handlers(node, flow, before, frame)
        if node.finalbody is not None:
            final = self.suite(node.finalbody.body, frame)
            flow = flow if final & Flow.FALL else final
        return flow

    def _handlers(
        self, node: cst.Try | cst.TryStar, flow: Flow, before: dict[str, Value], frame: Frame
    ) -> Flow:
        if node.handlers:
            flow &= ~Flow.RAISE
        ends = [dict(frame.names)] if flow & Flow.FALL else []
        middle = _merged([before, dict(frame.names)])
        raised = self.raised
        for handler in node.handlers:
            frame.names.clear()
            frame.names.update(middle)
            kind = source_of(handler.type) if handler.type is not None else ""
            if handler.name is not None:
                self.assign(handler.name.name, Unknown(f"the {kind}"), frame)
            with self.recorder.under(f"except {kind}".strip()):
                outcome = self.suite(handler.body, frame)
            if outcome & LEAVES and flow & Flow.FALL:
                self._guard = f"no {kind or 'exception'}"
            flow |= outcome
            if outcome & Flow.FALL:
                ends.append(dict(frame.names))
        if flow & (Flow.FALL | LEAVES):
            self.raised = raised
        frame.names.clear()
        frame.names.update(_merged(ends) if ends else middle)
        return flow

    def _with(self, node: cst.With, frame: Frame) -> Flow:
        return self._with_items(list(node.items), node.body, frame)

    def _with_items(self, items: list[cst.WithItem], body: cst.BaseSuite, frame: Frame) -> Flow:
        if not items:
            return self.suite(body, frame)
        item, *rest = items
        self.effect_node = None
        value = self.evaluate(item.item, frame)
        if isinstance(value, Manager):
            return self._with_manager(value, item, rest, body, frame)
        place = self.recorder.place
        bound, leave = self.enter(value)
        if item.asname is not None:
            self.assign(item.asname.name, bound, frame)
        flow = self._with_items(rest, body, frame)
        self.recorder.place = place
        leave()
        return flow

    def _with_manager(
        self,
        manager: Manager,
        item: cst.WithItem,
        rest: list[cst.WithItem],
        body: cst.BaseSuite,
        frame: Frame,
    ) -> Flow:
        """Run a ``@contextmanager`` function with the block in the place of its ``yield``."""
        flows: list[Flow] = []

        def run_block(value: Value) -> None:
            if item.asname is not None:
                self.assign(item.asname.name, value, frame)
            flows.append(self._with_items(rest, body, frame))

        self.run_function(manager.function, manager.args, manager.kwargs, on_yield=run_block)
        if not flows:
            return self._with_items(rest, body, frame)
        flow = Flow(0)
        for outcome in flows:
            flow |= outcome
        return flow


class _Sentinel:
    """A value that no source can produce."""


MISSING = _Sentinel()
"""What :meth:`Interpreter.member` returns for a name that is not there."""
EXITS = _Sentinel()
"""What a call returns that never comes back: it always raises."""


def _merged(ends: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """The names after several alternatives."""
    if len(ends) == 1:
        return ends[0]
    result: dict[str, Value] = {}
    for names in ends:
        for name in names:
            if name not in result:
                result[name] = join(other[name] for other in ends if name in other)
    return result


def _opposite(test: cst.BaseExpression, shown: str) -> str:
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        return shorten(source_of(test.expression), 100)
    return f"not ({shown})"


def _accumulated(node: cst.CSTNode) -> Iterator[str]:
    """The names that ``+=`` and its kind change inside a body."""
    todo: list[object] = [node]
    while todo:
        current = todo.pop()
        if isinstance(current, cst.AugAssign):
            if isinstance(current.target, cst.Name):
                yield current.target.value
        elif isinstance(current, list | tuple):
            todo.extend(current)
        elif isinstance(current, cst.BaseSuite | cst.BaseStatement | cst.Else | cst.ExceptHandler):
            names = ("body", "orelse", "finalbody", "handlers")
            todo.extend(getattr(current, name, None) for name in names)


def _only_imports(body: cst.BaseSuite) -> bool:
    return all(
        isinstance(statement, cst.SimpleStatementLine)
        and all(isinstance(part, cst.Import | cst.ImportFrom) for part in statement.body)
        for statement in body.body
    )


def _exception_text(node: cst.Raise, interpreter: Statements, frame: Frame) -> str:
    if node.exc is None:
        return "the exception that was caught"
    if isinstance(node.exc, cst.Call):
        name = source_of(node.exc.func)
        if node.exc.args:
            value = interpreter.evaluate(node.exc.args[0].value, frame)
            message = value if isinstance(value, str) else source_of(node.exc.args[0].value)
            return shorten(f"{name}: {message}", 200)
        return name
    return shorten(source_of(node.exc), 200)


_AUGMENTED: dict[type[cst.CSTNode], type[cst.CSTNode]] = {
    cst.AddAssign: cst.Add,
    cst.SubtractAssign: cst.Subtract,
    cst.MultiplyAssign: cst.Multiply,
    cst.DivideAssign: cst.Divide,
    cst.FloorDivideAssign: cst.FloorDivide,
    cst.ModuloAssign: cst.Modulo,
    cst.BitAndAssign: cst.BitAnd,
    cst.BitOrAssign: cst.BitOr,
}
_STATEMENTS: dict[type[cst.CSTNode], str] = {
    cst.Expr: "_expression",
    cst.Assign: "_assign",
    cst.AnnAssign: "_annotated",
    cst.AugAssign: "_augmented",
    cst.Return: "_return",
    cst.Raise: "_raise",
    cst.Break: "_break",
    cst.Continue: "_continue",
    cst.Assert: "_assert",
    cst.Del: "_delete",
    cst.Global: "_declare_global",
    cst.Nonlocal: "_declare_nonlocal",
    cst.If: "_if",
    cst.Match: "_match",
    cst.For: "_for",
    cst.While: "_while",
    cst.Try: "_try",
    cst.TryStar: "_try",
    cst.With: "_with",
    cst.FunctionDef: "_define",
    cst.ClassDef: "_class",
    cst.Import: "_import",
    cst.ImportFrom: "_import_from",
}
