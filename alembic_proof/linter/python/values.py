"""Owns the values that the evaluator computes with: what is known of an object without running code.

A Python literal stands for itself: ``str``, ``int``, ``float``, ``bool``, ``bytes``, ``None``,
``tuple``, ``set``, ``pathlib`` paths, and :class:`Items` and :class:`Mapping` for lists and
dictionaries. A ``str`` may hold holes (see :func:`hole`) where a part of it is unknown. Objects of
SQLAlchemy and of modules that cannot be read are symbols: the expression that made them. Everything
that talks to the database has a class of its own, so that no call on it can be overlooked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import libcst as cst

    from alembic_proof.linter.python.frames import Frame, SourceModule

HOLE = "__hole__"
"""What stands in text where a part is unknown; the SQL reader knows the same word."""

Value = Any
"""One of the classes of this module or a Python literal."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that cannot be told; ``source`` is the expression it came from."""

    source: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A dotted name as imported: ``sqlalchemy.Column``, ``alembic.op``, ``shop.models.Order``.

    ``folder`` is where a relative import looks for it.
    """

    path: str
    folder: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def package(self) -> str:
        """The first part of the path."""
        return self.path.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Attribute:
    """``target.name`` of a symbol."""

    target: Value
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """``callee(*args, **kwargs)`` of a symbol."""

    callee: Value
    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operator:
    """A Python operator applied to symbols: ``==``, ``&``, ``~``, ``+`` and so on."""

    operator: str
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """``target[key]`` of a symbol."""

    target: Value
    key: Value


Symbol = Ref | Attribute | Call | Operator | Item


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, because a condition could not be decided."""

    values: tuple[Value, ...]


class Items(list[Value]):
    """A list. ``more`` is true when elements may be missing, absent or repeated.

    ``level`` is how many undecided conditions and loops surrounded its making: a change made deeper
    than that may not happen.
    """

    __slots__ = ("level", "more")

    def __init__(self, items: Iterable[Value] = (), *, more: bool = False, level: int = 0) -> None:
        super().__init__(items)
        self.more = more
        self.level = level


class Mapping(dict[Value, Value]):
    """A dictionary; ``more`` and ``level`` as in :class:`Items`."""

    __slots__ = ("level", "more")

    def __init__(self, items: Any = (), *, more: bool = False, level: int = 0) -> None:
        super().__init__(items)
        self.more = more
        self.level = level


@dataclass(eq=False, repr=False, slots=True)
class Function:
    """A function or lambda whose source is at hand."""

    node: cst.FunctionDef | cst.Lambda
    name: str
    module: SourceModule
    closure: Frame | None = None
    owner: Class | None = None
    decorators: tuple[str, ...] = ()


@dataclass(eq=False, repr=False, slots=True)
class Class:
    """A class whose source is at hand; its body is evaluated when it is first asked for."""

    node: cst.ClassDef
    name: str
    module: SourceModule
    closure: Frame | None = None
    bases: tuple[Value, ...] = ()
    keywords: dict[str, Value] = field(default_factory=dict)
    members: dict[str, Value] | None = None


@dataclass(eq=False, repr=False, slots=True)
class Instance:
    """An object of a :class:`Class`, with the attributes that were set on it."""

    cls: Class
    attributes: dict[str, Value] = field(default_factory=dict)
    arguments: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class Parent:
    """``super()`` in a method of ``cls`` that was called on ``instance``."""

    cls: Class
    instance: Value


@dataclass(frozen=True, slots=True)
class Method:
    """``receiver.name`` where the receiver is not a symbol: a bound method."""

    receiver: Value
    name: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A function with leading arguments already given (a method, ``functools.partial``)."""

    function: Value
    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manager:
    """The context manager made by calling a ``@contextmanager`` function."""

    function: Function
    args: tuple[Value, ...]
    kwargs: dict[str, Value]


@dataclass(eq=False, slots=True)
class Connection:
    """A SQLAlchemy connection or engine.

    ``own`` is true for the one Alembic runs the migration on; ``autocommit`` after
    ``execution_options(isolation_level="AUTOCOMMIT")``; ``opened`` says what ``begin()`` or
    ``begin_nested()`` made of it: the operation that ends its ``with`` block follows from that.
    """

    own: bool = True
    autocommit: bool = False
    opened: str = ""


@dataclass(eq=False, slots=True)
class Session:
    """An ORM session; ``own`` is true when it is bound to Alembic's connection."""

    own: bool = True


@dataclass(eq=False, slots=True)
class Cursor:
    """A DBAPI connection or cursor."""


@dataclass(eq=False, slots=True)
class Context:
    """Alembic's MigrationContext (or its ``impl``)."""


@dataclass(eq=False, slots=True)
class Autocommit:
    """What ``MigrationContext.autocommit_block()`` returns."""


@dataclass(eq=False, slots=True)
class Batch:
    """The object that ``op.batch_alter_table`` yields; ``queue`` is sent when the block ends."""

    table: Value
    schema: Value
    recreate: bool = False
    queue: list[Any] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Inspector:
    """A SQLAlchemy inspector: it reads the catalogue only."""


@dataclass(eq=False, slots=True)
class Dialect:
    """The dialect of the connection: always PostgreSQL's here."""


@dataclass(eq=False, slots=True)
class Rows:
    """The result of a query; ``entity`` is what it selects when it yields whole objects."""

    entity: Value = None


@dataclass(eq=False, slots=True)
class Entity:
    """An object loaded from the database; setting its attributes becomes an UPDATE.

    ``step`` is the place of that UPDATE among the steps, once there is one. An object reached
    through a relationship may be a collection; ``secondary`` is then its association table and
    ``related`` is true.
    """

    cls: Value
    related: bool = False
    secondary: Value = None
    changed: list[str] = field(default_factory=list)
    step: int | None = None


HANDLES = (Connection, Session, Cursor, Context, Batch)
LITERALS = (str, int, float, bool, bytes, tuple, set, frozenset, Items, Mapping, PurePath)


def hole(number: int) -> str:
    """The text that stands for the unknown part of that number."""
    return f"{HOLE}{number}"


def has_hole(text: str) -> bool:
    """Whether a part of the text is unknown."""
    return HOLE in text


def is_known(value: Value) -> bool:
    """Whether the value is a Python literal with no unknown part."""
    if value is None:
        return True
    if isinstance(value, str):
        return HOLE not in value
    if isinstance(value, Items | Mapping) and value.more:
        return False
    if isinstance(value, dict):
        return all(is_known(key) and is_known(item) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return all(is_known(item) for item in value)
    return isinstance(value, LITERALS)


def known_text(value: Value) -> str | None:
    """The value if it is text without holes, else None."""
    return value if isinstance(value, str) and HOLE not in value else None


def is_symbol(value: Value) -> bool:
    """Whether the value is an expression over things outside the readable files."""
    return isinstance(value, Symbol)


def root_of(value: Value) -> Value:
    """What a chain of attributes, calls and items starts from."""
    while True:
        if isinstance(value, Attribute | Item):
            value = value.target
        elif isinstance(value, Call):
            value = value.callee
        elif isinstance(value, Method):
            value = value.receiver
        elif isinstance(value, Operator) and value.operands:
            value = value.operands[0]
        else:
            return value


def has_handle(value: Value) -> bool:
    """Whether something can reach the database through the value."""
    if isinstance(value, HANDLES):
        return True
    if isinstance(value, Ref):
        return value.path in ("alembic.op", "alembic.context")
    if isinstance(value, dict):
        return any(has_handle(item) for item in value.values())
    if isinstance(value, list | tuple | set):
        return any(has_handle(item) for item in value)
    if isinstance(value, Method):
        return isinstance(value.receiver, HANDLES)
    if isinstance(value, Instance):
        return any(isinstance(item, HANDLES) for item in value.attributes.values())
    return False


def same(left: Value, right: Value) -> bool:
    """Whether two values are known to be one and the same."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    return bool(left == right)


def join(values: Iterable[Value]) -> Value:
    """One value that stands for all: itself when they agree, else a :class:`Choice` of them."""
    distinct: list[Value] = []
    for value in values:
        for option in value.values if isinstance(value, Choice) else (value,):
            if not any(same(option, other) for other in distinct):
                distinct.append(option)
    if len(distinct) == 1:
        return distinct[0]
    if not distinct or len(distinct) > MAX_CHOICES:
        return Unknown("one of several values")
    return Choice(tuple(distinct))


MAX_CHOICES = 6
"""More alternatives than this for one value are not followed one by one."""
