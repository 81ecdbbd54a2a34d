"""Owns where names live while a file is evaluated: source modules and the frames of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_proof.linter.python.values import Ref, Value

if TYPE_CHECKING:
    import libcst as cst


@dataclass(eq=False, repr=False, slots=True)
class SourceModule:
    """A file and its global names.

    ``body`` is what is evaluated at once. ``pending`` are the definitions that are parsed and
    evaluated, by ``load``, when somebody asks for their name. ``main`` is true for the revision file
    itself: steps are placed at its calls. ``stars`` are the modules it imports ``*`` from.
    ``yields`` is false when no function in it is a generator. ``migrates`` is true when its text
    names Alembic, so that its functions may change the database without being given anything.
    """

    path: Path
    body: Sequence[cst.CSTNode] = ()
    main: bool = False
    yields: bool = True
    migrates: bool = True
    names: dict[str, Value] = field(default_factory=dict)
    stars: list[Ref] = field(default_factory=list)
    pending: dict[str, Callable[[], Sequence[cst.CSTNode]]] = field(default_factory=dict)
    load: Callable[[SourceModule, str], None] | None = None

    def find(self, name: str) -> Value:
        """The value of a global name.

        Raises:
            KeyError: the module does not bind it.

        """
        if name in self.pending and self.load is not None:
            self.load(self, name)
        return self.names[name]

    def load_all(self) -> None:
        """Evaluate what nobody has asked for yet."""
        for name in list(self.pending):
            self.find(name)


@dataclass(eq=False, repr=False, slots=True)
class Frame:
    """The names of one running function, comprehension, class body or module.

    ``on_yield`` is what happens at a ``yield``; ``returned`` collects what ``return`` gave.
    ``depth`` counts the calls below it. ``globals`` and ``nonlocals`` are names declared such.
    ``owner`` is the class whose method is running.
    """

    module: SourceModule
    names: dict[str, Value]
    parent: Frame | None = None
    function: object = None
    depth: int = 0
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    owner: Value = None
    returned: list[Value] = field(default_factory=list)
    on_yield: Callable[[Value], None] | None = None
    recursive: bool = False
    comprehension: bool = False

    def inner(self, names: dict[str, Value] | None = None) -> Frame:
        """A frame for a comprehension or a class body inside this one."""
        return Frame(
            module=self.module,
            names={} if names is None else names,
            parent=self,
            function=self.function,
            depth=self.depth,
            comprehension=True,
        )

    def find(self, name: str) -> Value:
        """The value of a name here or around here.

        Raises:
            KeyError: it is not bound in any frame or in the module.

        """
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.parent
        return self.module.find(name)

    def bind(self, name: str, value: Value) -> None:
        """Give a name a value, where Python would."""
        if name in self.globals:
            self.module.names[name] = value
        elif name in self.nonlocals:
            self._holder(name).names[name] = value
        else:
            self.names[name] = value

    def _holder(self, name: str) -> Frame:
        """The nearest frame around this one that binds a name; this one when none does."""
        frame = self.parent
        while frame is not None and name not in frame.names:
            frame = frame.parent
        return frame or self
