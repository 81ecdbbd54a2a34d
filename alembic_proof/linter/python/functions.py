"""Owns how functions, classes and imports of readable source are followed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import libcst as cst

from alembic_proof.linter.python.evaluate import OutOfFuelError
from alembic_proof.linter.python.frames import Frame, SourceModule
from alembic_proof.linter.python.operators import source_of
from alembic_proof.linter.python.statements import EXITS, MISSING, Flow, Statements
from alembic_proof.linter.python.values import (
    Bound,
    Class,
    Function,
    Instance,
    Items,
    Manager,
    Mapping,
    Ref,
    Unknown,
    Value,
    has_handle,
    join,
)

MODULE_FUEL = 20_000
"""How much evaluation another module, or a call of it that may reach the database, may take."""
PURE_FUEL = 3_000
"""The same for a call that cannot reach the database and matters only for what it returns."""
MAX_DEPTH = 24
"""Calls nested deeper than this are not followed."""
MAX_RECURSION = 2
"""How many times one function may be on the way to itself before its call is taken as a loop."""

_INSIDE_MANAGER = """\
def decorated(*args, **kwargs):
    with manager:
        return function(*args, **kwargs)
"""


class Interpreter(Statements):
    """Follows calls of functions whose source is at hand, and the definitions they come from."""

    @abstractmethod
    def import_module(self, path: str, folder: str, frame: Frame) -> SourceModule | None:
        """The module of that name, if its source is at hand."""

    @abstractmethod
    def apply(
        self, function: Value, args: tuple[Value, ...], kwargs: dict[str, Value] | None = None
    ) -> Value:
        """What calling a value returns, outside any call in the source."""

    # Functions and classes

    def _define(self, node: cst.FunctionDef, frame: Frame) -> Flow:
        function: Value = Function(
            node=node,
            name=node.name.value,
            module=frame.module,
            closure=frame if frame.function is not None or frame.parent is not None else None,
            decorators=tuple(source_of(decorator.decorator) for decorator in node.decorators),
        )
        for decorator in reversed(node.decorators):
            applied = self.evaluate(decorator.decorator, frame)
            function = self._decorated(applied, function, frame)
        frame.bind(node.name.value, function)
        return Flow.FALL

    def _decorated(self, decorator: Value, function: Value, frame: Frame) -> Value:
        """What a decorator makes of a function: the function itself if it cannot be followed."""
        if isinstance(decorator, Ref) and decorator.path == "functools.singledispatch":
            return Unknown(getattr(function, "name", "function"))
        cls = decorator.cls if isinstance(decorator, Instance) else decorator
        calls = isinstance(cls, Class) and isinstance(self.member(cls, "__call__"), Function)
        if isinstance(decorator, Function) or calls:
            result = self.apply(decorator, (function,))
            return result if isinstance(result, Function | Bound | Instance) else function
        enters = isinstance(decorator, Instance) and self.member(cls, "__enter__") is not MISSING
        if not isinstance(decorator, Manager) and not enters:
            return function
        names = {"manager": decorator, "function": function}
        return Function(
            node=cst.ensure_type(cst.parse_statement(_INSIDE_MANAGER), cst.FunctionDef),
            name=getattr(function, "name", "decorated"),
            module=frame.module,
            closure=Frame(frame.module, names),
        )

    def run_function(
        self,
        function: Function,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        *,
        on_yield: Callable[[Value], None] | None = None,
    ) -> Value:
        """What calling a function of the readable source returns; its operations are recorded."""
        active = [frame for frame in self.active if frame.function is function.node]
        if len(active) >= MAX_RECURSION:
            active[0].recursive = True
            return Unknown(f"{function.name}()")
        reaches = function.module.migrates or has_handle(args) or has_handle(kwargs)
        if len(self.active) >= MAX_DEPTH:
            if has_handle(args) or has_handle(kwargs):
                self.recorder.unresolved("calls are nested too deeply", f"{function.name}(…)")
            return Unknown(f"{function.name}()")
        if function.module.main or not (self.active and self.active[-1].module.main):
            return self._run(function, args, kwargs, on_yield)
        with self.limited(MODULE_FUEL if reaches else PURE_FUEL) as outcome:
            return self._run(function, args, kwargs, on_yield)
        if outcome.exhausted and reaches:
            self.recorder.unresolved("following it takes too many steps", f"{function.name}(…)")
        return Unknown(f"{function.name}()")

    @contextmanager
    def limited(self, fuel: int) -> Iterator[_Budget]:
        """Run with at most that much fuel; running out of it ends the block and nothing else."""
        before = self.fuel
        self.fuel = allowed = min(before, fuel)
        budget = _Budget()
        frames, conditions = len(self.active), len(self.recorder.conditions)
        loops, muted = self.recorder.loops, self.recorder.muted
        try:
            yield budget
        except OutOfFuelError:
            if before <= fuel:
                raise
            budget.exhausted = True
            del self.active[frames:]
            del self.recorder.conditions[conditions:]
            self.recorder.loops, self.recorder.muted = loops, muted
        finally:
            self.fuel = before - (allowed - max(self.fuel, 0))

    def _run(
        self,
        function: Function,
        args: tuple[Value, ...],
        kwargs: dict[str, Value],
        on_yield: Callable[[Value], None] | None,
    ) -> Value:
        frame = Frame(
            module=function.module,
            names={},
            parent=function.closure,
            function=function.node,
            depth=len(self.active),
            on_yield=on_yield,
            owner=function.owner,
        )
        self._bind_parameters(function, args, kwargs, frame)
        start = len(self.recorder.steps)
        with self._running(frame):
            result = self._result(function, frame)
        if frame.recursive:
            self.recorder.mark_repeated(start)
        return result

    def run_procedure(self, function: Function) -> Flow:
        """Follow ``upgrade()`` or ``downgrade()``, and say how it ends."""
        frame = Frame(function.module, {}, parent=function.closure, function=function.node)
        self._bind_parameters(function, (), {}, frame)
        with self._running(frame):
            body = function.node.body
            return self.suite(body, frame) if isinstance(body, cst.BaseSuite) else Flow.FALL

    active: list[Frame]
    """The frames of the functions that are running, outermost first."""

    @contextmanager
    def _running(self, frame: Frame) -> Iterator[None]:
        self.active.append(frame)
        effect, self.effect_node = self.effect_node, None
        try:
            yield
        finally:
            self.active.pop()
            self.effect_node = effect

    def _result(self, function: Function, frame: Frame) -> Value:
        node = function.node
        if isinstance(node, cst.Lambda):
            self.effect_node = node.body
            return self.evaluate(node.body, frame)
        yielded = Items(level=self.recorder.level)
        if frame.on_yield is None and function.module.yields and _yields(node.body):

            def collect(value: Value) -> None:
                yielded.append(value)
                yielded.more = yielded.more or yielded.level < self.recorder.level

            frame.on_yield = collect
            self.suite(node.body, frame)
            return yielded
        flow = self.suite(node.body, frame)
        if flow & Flow.FALL:
            frame.returned.append(None)
        if not frame.returned and flow == Flow.RAISE and not frame.on_yield:
            return EXITS
        return join(frame.returned) if frame.returned else None

    def _bind_parameters(
        self, function: Function, args: tuple[Value, ...], kwargs: dict[str, Value], frame: Frame
    ) -> None:
        parameters = function.node.params
        positional = [*parameters.posonly_params, *parameters.params]
        named = dict(kwargs)
        for index, parameter in enumerate(positional):
            name = parameter.name.value
            if index < len(args):
                frame.names[name] = args[index]
            else:
                frame.names[name] = self._argument(parameter, named, function)
        for parameter in parameters.kwonly_params:
            frame.names[parameter.name.value] = self._argument(parameter, named, function)
        if isinstance(parameters.star_arg, cst.Param):
            frame.names[parameters.star_arg.name.value] = tuple(args[len(positional) :])
        if parameters.star_kwarg is not None:
            frame.names[parameters.star_kwarg.name.value] = Mapping(
                named, level=self.recorder.level
            )

    def _argument(self, parameter: cst.Param, named: dict[str, Value], function: Function) -> Value:
        name = parameter.name.value
        if name in named:
            return named.pop(name)
        if parameter.default is None:
            return Unknown(name)
        home = function.closure or Frame(function.module, {}, function=None)
        return self.evaluate(parameter.default, home)

    def _class(self, node: cst.ClassDef, frame: Frame) -> Flow:
        frame.bind(
            node.name.value,
            Class(
                node=node,
                name=node.name.value,
                module=frame.module,
                closure=frame if frame.function is not None else None,
                bases=tuple(self.evaluate(base.value, frame) for base in node.bases),
                keywords={
                    keyword.keyword.value: self.evaluate(keyword.value, frame)
                    for keyword in node.keywords
                    if keyword.keyword is not None
                },
            ),
        )
        return Flow.FALL

    def members(self, cls: Class) -> dict[str, Value]:
        """The names bound in a class body."""
        if cls.members is None:
            cls.members = {}
            frame = Frame(cls.module, cls.members, parent=cls.closure, function=cls.node)
            with self.recorder.silent():
                self.suite(cls.node.body, frame)
            for member in cls.members.values():
                if isinstance(member, Function) and member.owner is None:
                    member.owner = cls
                    member.closure = cls.closure
        return cls.members

    def member(self, cls: Class, name: str) -> Value:
        """The value of a class attribute, looked up through the bases; MISSING if there is none."""
        members = self.members(cls)
        if name in members:
            return members[name]
        for base in cls.bases:
            if isinstance(base, Ref):
                base = self.resolve(base, Frame(cls.module, {}))
            if isinstance(base, Class):
                value = self.member(base, name)
                if value is not MISSING:
                    return value
        return MISSING

    # Imports

    def _import(self, node: cst.Import, frame: Frame) -> Flow:
        for alias in node.names:
            path = source_of(alias.name)
            if alias.asname is not None:
                frame.bind(source_of(alias.asname.name), Ref(path))
            else:
                frame.bind(path.partition(".")[0], Ref(path.partition(".")[0]))
        return Flow.FALL

    def _import_from(self, node: cst.ImportFrom, frame: Frame) -> Flow:
        base = source_of(node.module) if node.module is not None else ""
        folder = ""
        if node.relative:
            home = frame.module.path.parent
            for _ in node.relative[1:]:
                home = home.parent
            folder = str(home)
        if isinstance(node.names, cst.ImportStar):
            self._import_star(Ref(base, folder), frame)
            return Flow.FALL
        for alias in node.names:
            name = source_of(alias.name)
            bound = source_of(alias.asname.name) if alias.asname is not None else name
            frame.bind(bound, Ref(f"{base}.{name}" if base else name, folder))
        return Flow.FALL

    def _import_star(self, ref: Ref, frame: Frame) -> None:
        module = self.import_module(ref.path, ref.folder, frame)
        if module is None:
            frame.module.stars.append(ref)
            return
        module.load_all()
        for name, value in module.names.items():
            if not name.startswith("_"):
                frame.bind(name, value)
        frame.module.stars.extend(module.stars)


@dataclass(slots=True)
class _Budget:
    """Whether a block ran out of its fuel."""

    exhausted: bool = False


def _yields(node: cst.CSTNode) -> bool:
    """Whether a function's body has a ``yield`` of its own."""
    todo: list[cst.CSTNode] = [node]
    while todo:
        current = todo.pop()
        if isinstance(current, cst.Yield):
            return True
        if not isinstance(current, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            todo.extend(current.children)
    return False
