"""Owns what names and attributes stand for: modules at hand, classes, and the objects of SQLAlchemy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path, PurePath

import libcst as cst

from alembic_proof.linter.python import database_calls as database
from alembic_proof.linter.python import python_calls
from alembic_proof.linter.python.frames import Frame, SourceModule
from alembic_proof.linter.python.functions import MODULE_FUEL, Interpreter
from alembic_proof.linter.python.recorder import Recorder
from alembic_proof.linter.python.source_files import STANDARD, SourceFiles
from alembic_proof.linter.python.sqlalchemy_core import mapped_table, text_of
from alembic_proof.linter.python.sqlalchemy_schema import construct
from alembic_proof.linter.python.statements import MISSING
from alembic_proof.linter.python.values import (
    Attribute,
    Bound,
    Call,
    Choice,
    Class,
    Connection,
    Context,
    Cursor,
    Dialect,
    Entity,
    Function,
    Instance,
    Item,
    Items,
    Mapping,
    Method,
    Operator,
    Parent,
    Ref,
    Rows,
    Session,
    Unknown,
    Value,
    is_known,
    is_symbol,
    known_text,
    root_of,
)
from alembic_proof.objects import Name
from alembic_proof.operations import EnterAutocommit


class Resolver(Interpreter):
    """Finds what names and attributes stand for."""

    def __init__(self, main: SourceModule, sources: SourceFiles, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.main = main
        self.sources = sources
        self.active: list[Frame] = []
        self._modules: dict[object, SourceModule | None] = {main.path: main}
        self._resolving: set[Ref] = set()
        self._resolved: dict[tuple[Ref, Path], Value] = {}
        self._lazy = 0
        self.created_enums: set[Name] = set()

    @abstractmethod
    def apply(
        self, function: Value, args: tuple[Value, ...], kwargs: dict[str, Value] | None = None
    ) -> Value:
        """What calling a value returns, outside any call in the source."""

    def find_member(self, cls: Class, name: str) -> Value:
        """A class attribute through the bases, None if there is none."""
        value = self.member(cls, name)
        return None if value is MISSING else value

    def enum_members(self, cls: Class) -> list[Value] | None:
        """The members of an ``enum.Enum`` class in order, None for other classes."""
        if not self._is_enum(cls):
            return None
        return [
            Instance(cls, {"name": name, "value": value})
            for name, value in self.members(cls).items()
            if not isinstance(value, Function | Class) and not name.startswith("_")
        ]

    def _is_enum(self, cls: Class) -> bool:
        return any(
            (isinstance(base, Ref) and base.package == "enum")
            or (isinstance(base, Ref) and base.name in ("StrEnum", "IntEnum"))
            or (isinstance(base, Class) and self._is_enum(base))
            for base in cls.bases
        )

    def is_instance(self, value: Value, kind: Value) -> bool | None:
        """``isinstance(value, kind)`` where that can be told."""
        if isinstance(kind, Ref) and kind.package == "builtins":
            expected = _PYTHON_TYPES.get(kind.name)
            if expected is not None and (
                is_known(value) or isinstance(value, str | Items | Mapping)
            ):
                return isinstance(value, expected)
        if isinstance(value, Dialect) and isinstance(kind, Ref) and kind.name.endswith("Dialect"):
            return kind.name.lower().startswith(("pg", "postgres"))
        if isinstance(value, Instance) and isinstance(kind, Class):
            return self._is_subclass(value.cls, kind)
        return None

    def _is_subclass(self, cls: Class, other: Class) -> bool:
        return cls is other or any(
            isinstance(base, Class) and self._is_subclass(base, other) for base in cls.bases
        )

    # Modules

    def import_module(self, path: str, folder: str, frame: Frame) -> SourceModule | None:
        """The module of that name, if its source is at hand; it is evaluated, not imported."""
        file = self.sources.find(path, folder, frame.module.path)
        if file is None:
            return None
        if file not in self._modules:
            self._modules[file] = None
            module = self.sources.module(file)
            if module is not None:
                self._modules[file] = module
                module.load = self._load
                self._evaluate(module, module.body)
        return self._modules[file]

    def run_module(self, module: SourceModule) -> None:
        """Bind the global names of the revision file; what it does meanwhile is recorded."""
        self.block(module.body, Frame(module, module.names))

    def _load(self, module: SourceModule, name: str) -> None:
        """Evaluate the definition of a global name that was left for later."""
        self._evaluate(module, module.pending.pop(name)())

    def _evaluate(self, module: SourceModule, body: Sequence[cst.CSTNode]) -> None:
        """Follow statements at the top of another module: nothing they do is recorded."""
        self._lazy += not module.migrates
        with self.limited(MODULE_FUEL), self.recorder.silent():
            self.block(body, Frame(module, module.names))
        self._lazy -= not module.migrates

    def resolve(self, ref: Ref, frame: Frame) -> Value:
        """What a dotted name stands for when its source is at hand, else the name itself."""
        if not ref.folder and (ref.package in STANDARD or ref.package in ("alembic", "sqlalchemy")):
            return _ALIASES.get(ref.path, ref)
        # An application's module leads to all others; its names are followed when they are used.
        if self._lazy or ref in self._resolving:
            return ref
        key = (ref, frame.module.path)
        if key not in self._resolved:
            self._resolving.add(ref)
            try:
                self._resolved[key] = self._resolve(ref, frame)
            finally:
                self._resolving.discard(ref)
        return self._resolved[key]

    def _resolve(self, ref: Ref, frame: Frame) -> Value:
        parts = ref.path.split(".")
        for count in range(len(parts), 0, -1):
            module = self.import_module(".".join(parts[:count]), ref.folder, frame)
            if module is None:
                continue
            if count == len(parts):
                return ref
            value = self._global(module, parts[count])
            for name in parts[count + 1 :]:
                value = self.attribute(value, name)
            return value if value is not MISSING else ref
        if ref.folder and len(parts) == 1:
            module = self.import_module("", ref.folder, frame)
            value = MISSING if module is None else self._global(module, parts[0])
            return ref if value is MISSING else value
        return ref

    def _global(self, module: SourceModule, name: str) -> Value:
        if name in module.names or name in module.pending:
            value = module.find(name)
            return self.resolve(value, Frame(module, {})) if isinstance(value, Ref) else value
        for star in module.stars:
            return Ref(f"{star.path}.{name}", star.folder)
        return MISSING

    # Attributes

    def attribute(self, target: Value, name: str) -> Value:
        """``target.name``."""
        match target:
            case Ref():
                return self._ref_attribute(target, name)
            case Class():
                return self._class_attribute(target, name)
            case Instance():
                return self._instance_attribute(target, name)
            case Parent():
                return self._parent_attribute(target, name)
            case Connection():
                return self._connection_attribute(target, name)
            case Session():
                return Connection() if name == "bind" else Method(target, name)
            case Context():
                return self._context_attribute(target, name)
            case Cursor() if name in ("connection", "driver_connection", "dbapi_connection"):
                return target
            case Dialect():
                return "postgresql" if name == "name" else Method(target, name)
            case Entity():
                return self._entity_attribute(target, name)
            case Rows() if name in ("rowcount", "lastrowid", "inserted_primary_key"):
                return Unknown(f"result.{name}")
            case PurePath():
                return python_calls.path_attribute(target, name)
            case Function() if name == "__name__":
                return target.name
            case Call():
                return self._symbol_attribute(target, name)
            case Attribute() | Item() | Operator():
                return Attribute(target, name)
            case Unknown():
                return self._unknown_attribute(target, name)
            case None | Method():
                # A global that is None in the source is set by the application when it runs.
                return self._unknown_attribute(Unknown(getattr(target, "name", "None")), name)
        return Method(target, name)

    def _ref_attribute(self, target: Ref, name: str) -> Value:
        application = target.package not in STANDARD and target.package not in (
            "alembic",
            "sqlalchemy",
        )
        if application and target.name in ("session", "Session", "db_session"):
            return Method(Session(own=False), name)
        if application and target.name == "db" and name != "engine":
            found = _flask_attribute(target, name)
            if not isinstance(found, Attribute):
                return found
        if target.path == "alembic.context" and name == "bind":
            return Connection()
        path = f"{target.path}.{name}"
        return _ALIASES.get(path, Ref(path, target.folder))

    def _class_attribute(self, cls: Class, name: str) -> Value:
        if name in ("__name__", "__qualname__"):
            return cls.name
        if self._is_enum(cls):
            if name == "__members__":
                members = self.enum_members(cls) or []
                return Mapping({member.attributes["name"]: member for member in members})
            value = self.member(cls, name)
            if value is not MISSING and not isinstance(value, Function):
                return Instance(cls, {"name": name, "value": value})
        value = self.member(cls, name)
        if isinstance(value, Function):
            return Bound(value, (cls,)) if "classmethod" in value.decorators else value
        if mapped_table(cls, self) is not None and not name.startswith("__table"):
            if name == "query" and value is MISSING:
                return Call(Method(Session(own=False), "query"), (cls,))
            if value is MISSING or is_symbol(value):
                return Attribute(cls, name)
        if value is not MISSING:
            return value
        if any(not isinstance(base, Class) for base in cls.bases) or name.startswith("__"):
            return Attribute(cls, name)
        return Unknown(f"{cls.name}.{name}")

    def _instance_attribute(self, target: Instance, name: str) -> Value:
        if name in target.attributes:
            return target.attributes[name]
        if name == "__class__":
            return target.cls
        value = self.member(target.cls, name)
        if isinstance(value, Function):
            if any(part.endswith("property") for part in value.decorators):
                return self.apply(value, (target,))
            if "staticmethod" in value.decorators:
                return value
            return Bound(value, (target.cls if "classmethod" in value.decorators else target,))
        if value is not MISSING:
            return value
        fallback = self.member(target.cls, "__getattr__")
        if isinstance(fallback, Function) and not name.startswith("__"):
            return self.apply(fallback, (target, name))
        return Method(target, name)

    def _parent_attribute(self, target: Parent, name: str) -> Value:
        """``super().name``: the first one after the class in the order of the bases."""
        instance = target.instance
        lineage = self.lineage(instance.cls if isinstance(instance, Instance) else target.cls)
        after = lineage[lineage.index(target.cls) + 1 :] if target.cls in lineage else []
        for cls in after:
            value = self.members(cls).get(name, MISSING)
            if isinstance(value, Function) and "staticmethod" not in value.decorators:
                is_property = any(part.endswith("property") for part in value.decorators)
                return self.apply(value, (instance,)) if is_property else Bound(value, (instance,))
            if value is not MISSING:
                return value
        return Method(instance, name)

    def lineage(self, cls: Class) -> list[Class]:
        """The class and its bases in the order in which Python looks in them."""
        found = [cls]
        for base in cls.bases:
            known = self.resolve(base, Frame(cls.module, {})) if isinstance(base, Ref) else base
            if isinstance(known, Class):
                above = self.lineage(known)
                found = [item for item in found if item not in above] + above
        return found

    def _connection_attribute(self, target: Connection, name: str) -> Value:
        match name:
            case "dialect":
                return Dialect()
            case "name":
                return "postgresql"
            case "engine":
                return Connection(own=False)
            case "connection" | "driver_connection" | "dbapi_connection":
                return Cursor()
            case "url" | "info" | "closed" | "driver":
                return Unknown(f"the connection's {name}")
        return Method(target, name)

    def _context_attribute(self, target: Context, name: str) -> Value:
        match name:
            case "dialect":
                return Dialect()
            case "bind" | "connection":
                return Connection()
            case "impl":
                return target
            case "as_sql":
                return False
            case "opts" | "config" | "environment_context" | "version_table" | "memo":
                return Unknown(f"the context's {name}")
        return Method(target, name)

    def _entity_attribute(self, target: Entity, name: str) -> Value:
        if isinstance(target.cls, Class):
            value = self.member(target.cls, name)
            if isinstance(value, Function):
                if any(part.endswith("property") for part in value.decorators):
                    return self.apply(value, (target,))
                return Bound(value, (target,))
            if construct(value) == "relationship":
                related = self._related(target.cls, value)
                if related is not None:
                    return Entity(related, related=True, secondary=value.kwargs.get("secondary"))
        if target.related and name in COLLECTION_CHANGES:
            return Method(target, name)
        return Attribute(target, name)

    def _related(self, cls: Class, relationship: Call) -> Value:
        """The class at the other end of a relationship, None if it cannot be told."""
        target = relationship.args[0] if relationship.args else relationship.kwargs.get("argument")
        if isinstance(target, Function):
            target = self.apply(target, ())
        name = known_text(target)
        if name is not None:
            target = self._global(cls.module, name.rpartition(".")[2])
            holder = cls.closure
            while holder is not None and target is MISSING:
                target, holder = holder.names.get(name, MISSING), holder.parent
        return target if isinstance(target, Class) else None

    def _symbol_attribute(self, target: Call, name: str) -> Value:
        if name in ("name", "schema", "key") and construct(target) in (
            "Table",
            "table",
            "Column",
            "column",
            "Enum",
            "ENUM",
            "Sequence",
            "Index",
        ):
            given = text_of(target.args[0]) if target.args else None
            if name != "schema" and "name" not in target.kwargs and given is not None:
                return given
            if name in target.kwargs:
                return target.kwargs[name]
        root = root_of(target)
        if isinstance(root, Ref) and (root.name in _FLASK or name == "session"):
            return _flask_attribute(target, name)
        if name == "enums" and construct(target) in ("Enum", "ENUM"):
            return Items(target.args)
        return Attribute(target, name)

    def _unknown_attribute(self, target: Unknown, name: str) -> Value:
        last = target.source.rpartition(".")[2]
        if name in _UNMISTAKABLE:
            return Method(Session(own=False), name)
        if last in _HANDLE_NAMES and (name in database.EXECUTE or name == "query"):
            return Method(Session(own=False), name)
        if last == "dialect" and name == "name":
            return "postgresql"
        return Unknown(f"{target.source}.{name}")

    def set_attribute(self, target: Value, name: str, value: Value, source: str) -> None:
        """``target.name = value``."""
        match target:
            case Instance():
                target.attributes[name] = value
            case Class():
                self.members(target)[name] = value
            case Entity():
                database.change_entity(self, target, name, source)
            case Cursor() if name == "autocommit" and value is True:
                self.recorder.statement((EnterAutocommit(),))
            case Cursor() if name == "isolation_level":
                self.recorder.statement((EnterAutocommit(),))
            case Choice():
                for option in target.values:
                    self.set_attribute(option, name, value, source)


def _flask_attribute(target: Value, name: str) -> Value:
    """An attribute of ``flask_sqlalchemy.SQLAlchemy()``, which holds SQLAlchemy's own names."""
    if name in ("session", "Session"):
        return Session(own=False) if name == "session" else Ref("sqlalchemy.orm.Session")
    if name in ("engine", "get_engine"):
        return Connection(own=False)
    if name in _SQLALCHEMY_NAMES:
        return Ref(f"sqlalchemy.{name}")
    return Attribute(target, name)


_HANDLE_NAMES = frozenset({
    "session", "sess", "db_session", "conn", "connection", "bind", "engine", "cursor", "cur",
})  # fmt: skip
_UNMISTAKABLE = frozenset(
    {"execute", "exec_driver_sql", "bulk_insert_mappings", "bulk_save_objects"}
)
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": Items,
    "dict": Mapping,
    "tuple": tuple,
    "set": (set, frozenset),
}
COLLECTION_CHANGES = frozenset({"append", "remove", "extend", "clear", "insert", "pop", "add"})
_FLASK = frozenset({"SQLAlchemy", "SQLA"})
_SQLALCHEMY_NAMES = frozenset({
    "Column", "ForeignKey", "Table", "Integer", "BigInteger", "SmallInteger", "String", "Unicode",
    "Text", "UnicodeText", "Boolean", "DateTime", "Date", "Time", "Interval", "Float", "Numeric",
    "LargeBinary", "JSON", "Enum", "UUID", "PickleType", "UniqueConstraint", "PrimaryKeyConstraint",
    "ForeignKeyConstraint", "CheckConstraint", "Index", "Sequence", "MetaData", "func", "text",
    "select", "insert", "update", "delete", "and_", "or_", "not_", "desc", "asc", "case", "cast",
    "relationship", "null", "true", "false", "literal", "inspect", "ARRAY", "TypeDecorator",
})  # fmt: skip
_ALIASES: dict[str, Value] = {
    "alembic.context.config": Unknown("the configuration"),
    "os.environ": Unknown("os.environ"),
    "sys.argv": Unknown("sys.argv"),
}
