"""Owns what a call means: a directive of Alembic, SQL, Python's own, the project's, or not known.

A call that may reach the database and cannot be followed is recorded as
:class:`~alembic_proof.operations.Unresolved`; it is never dropped.
"""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from alembic_proof.linter.python import database_calls as database
from alembic_proof.linter.python import python_calls
from alembic_proof.linter.python.alembic_calls import is_directive, run_directive
from alembic_proof.linter.python.attributes import COLLECTION_CHANGES, Resolver
from alembic_proof.linter.python.evaluate import CallSite
from alembic_proof.linter.python.frames import Frame, SourceModule
from alembic_proof.linter.python.positions import Position
from alembic_proof.linter.python.recorder import Recorder
from alembic_proof.linter.python.source_files import STANDARD, SourceFiles
from alembic_proof.linter.python.sqlalchemy_core import table_name, text_of
from alembic_proof.linter.python.values import (
    Attribute,
    Autocommit,
    Batch,
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
    Inspector,
    Instance,
    Item,
    Items,
    Manager,
    Mapping,
    Method,
    Operator,
    Ref,
    Rows,
    Session,
    Unknown,
    Value,
    has_handle,
    is_known,
    join,
    known_text,
    root_of,
)
from alembic_proof.objects import Name
from alembic_proof.operations import (
    CommitTransaction,
    EnterAutocommit,
    LeaveAutocommit,
    Operation,
    Savepoint,
)

_Args = tuple[Value, ...]
_Kwargs = dict[str, Value]

_LOGGING = frozenset({
    "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print", "echo",
    "secho", "bind", "set_description", "update", "getLogger", "get_logger", "setLevel",
})  # fmt: skip
_HARMLESS_PACKAGES = frozenset({
    "click", "tqdm", "loguru", "rich", "structlog", "typing_extensions", "simplejson", "orjson",
    "ujson", "yaml", "dateutil", "pytz", "pydantic", "cryptography", "packaging", "pint", "numpy",
})  # fmt: skip
_RUNNING_CODE = frozenset({
    "builtins.eval", "builtins.exec", "os.popen", "os.system", "os.execv", "os.execvp", "os.spawnv",
})  # fmt: skip
_RUNNING_PROGRAMS = frozenset({"pexpect", "pty", "runpy", "subprocess"})
_OTHER_DATABASES = ("sqlite", "mysql", "mariadb", "oracle", "mssql", "snowflake", "cockroach")


class MigrationReader(Resolver):
    """Follows ``upgrade()`` or ``downgrade()`` of one revision file and records what it does."""

    def __init__(
        self,
        main: SourceModule,
        sources: SourceFiles,
        recorder: Recorder,
        positions: Callable[[], dict[int, Position]],
    ) -> None:
        super().__init__(main, sources, recorder)
        self._positions = positions

    def place(self, node: cst.Call, frame: Frame) -> None:
        """Make this call the place of the steps that follow, if it is in the revision file."""
        if frame.module.main and not self.recorder.muted:
            self.recorder.place = self._positions().get(id(node), self.recorder.place)

    def apply(self, function: Value, args: _Args, kwargs: _Kwargs | None = None) -> Value:
        """What calling a value returns, outside any call in the source."""
        frame = Frame(self.main, {})
        return self.call(function, args, kwargs or {}, CallSite(_NOWHERE, frame))

    # Context managers

    def enter(self, value: Value) -> tuple[Value, Callable[[], None]]:
        """What ``with value as …`` binds, and what happens when its block ends."""
        match value:
            case Batch():
                return value, lambda: self._flush(value)
            case Autocommit():
                self.recorder.statement((EnterAutocommit(),))
                return value, lambda: self.recorder.statement((LeaveAutocommit(),))
            case Connection():
                return value, lambda: self._leave_connection(value)
            case Instance() if isinstance(self.find_member(value.cls, "__enter__"), Function):
                bound = self.apply(self.find_member(value.cls, "__enter__"), (value,))
                leave = self.find_member(value.cls, "__exit__")
                return bound, lambda: self._leave_instance(leave, value)
        if isinstance(value, Unknown) and value.source.rpartition(".")[2].startswith("session"):
            return Session(own=False), _nothing
        return value, _nothing

    def _leave_connection(self, value: Connection) -> None:
        if value.opened == "begin":
            self.recorder.statement((CommitTransaction(raw=False),))
        elif value.opened == "nested":
            self.recorder.statement((Savepoint(verb="RELEASE"),))
        if value.autocommit:
            self.recorder.statement((LeaveAutocommit(),))

    def _leave_instance(self, leave: Value, value: Instance) -> None:
        if isinstance(leave, Function):
            self.apply(leave, (value, None, None, None))

    def _flush(self, batch: Batch) -> None:
        """Send what a batch collected."""
        queue, batch.queue = batch.queue, []
        if batch.recreate:
            self.recorder.unresolved(
                "batch_alter_table with recreate copies the table into a new one",
                f"batch_alter_table({text_of(batch.table)!r}, recreate='always')",
                _batch_table(batch),
            )
        for place, condition, loops, operations in queue:
            self.recorder.place = place
            with self.recorder.under(condition):
                before, self.recorder.loops = self.recorder.loops, max(loops, self.recorder.loops)
                self.recorder.each(operations)
                self.recorder.loops = before

    # Calls

    def call(self, callee: Value, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        """What a call returns; what it does to the database is recorded."""
        match callee:
            case Function():
                if any(part.endswith("contextmanager") for part in callee.decorators):
                    return Manager(callee, args, kwargs)
                return self.run_function(callee, args, kwargs)
            case Ref():
                return self._call_ref(callee, args, kwargs, site)
            case Method():
                return self._call_method(callee, args, kwargs, site)
            case Attribute() | Call() | Item() | Operator():
                return self._call_symbol(callee, args, kwargs, site)
            case Class():
                return self._instantiate(callee, args, kwargs)
            case Bound():
                given = {**callee.kwargs, **kwargs}
                return self.call(callee.function, (*callee.args, *args), given, site)
            case Choice():
                return self._call_each(callee, args, kwargs, site)
            case Instance():
                method = self.find_member(callee.cls, "__call__")
                if isinstance(method, Function):
                    return self.run_function(method, (callee, *args), kwargs)
        return self._call_unknown(callee, args, kwargs, site)

    def _call_each(self, callee: Choice, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        results = []
        for option in callee.values:
            if option is None:
                continue
            with self.recorder.under("one of several functions"):
                results.append(self.call(option, args, kwargs, site))
        return join(results)

    def _call_ref(self, ref: Ref, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        if ref.path.startswith("alembic."):
            return self._call_alembic(ref, args, kwargs, site)
        if not ref.folder and ref.package in STANDARD:
            module = site.frame.module
            runs_code = ref.path in _RUNNING_CODE or ref.package in _RUNNING_PROGRAMS
            # An application that starts programs for its settings does not migrate with them.
            if runs_code and (module.main or module.migrates):
                self.recorder.unresolved(f"{ref.path} runs what is not in the file", site.source)
            elif has_handle(args) and ref.package not in _STANDARD_HARMLESS:
                self._unresolved_call(ref.path, site)
            result = python_calls.call_function(self, ref.path, args, kwargs, site)
            if isinstance(result, Unknown):
                _may_change(args)
                if ref.package in _CALLING_BACK or ref.path == "functools.reduce":
                    self._call_back(args, kwargs, site)
            return result
        if ref.package in ("sqlalchemy", "sqlmodel"):
            return self._call_sqlalchemy(ref, args, kwargs, site)
        resolved = self.resolve(ref, site.frame)
        if not isinstance(resolved, Ref):
            return self.call(resolved, args, kwargs, site)
        return self._call_outside(ref, args, kwargs, site)

    def _call_outside(self, callee: Value, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        """A function whose source is not at hand."""
        root = root_of(callee)
        path = callee.path if isinstance(callee, Ref) else getattr(root, "path", "")
        name = callee.name if isinstance(callee, Ref | Attribute) else ""
        if name in ("Session", "AsyncSession", "scoped_session", "sessionmaker"):
            return self._call_sqlalchemy(Ref(f"sqlalchemy.orm.{name}"), args, kwargs, site)
        harmless = name in _LOGGING or path.partition(".")[0] in _HARMLESS_PACKAGES
        if isinstance(callee, Attribute) and name in _CONTAINER_CHANGES:
            harmless = True
        if has_handle(args) or has_handle(kwargs) or (site.for_effect and not harmless):
            self._unresolved_call(path or name, site)
        else:
            self._call_back(args, kwargs, site)
        _may_change(args)
        return Call(callee, args, kwargs)

    def _call_back(self, args: _Args, kwargs: _Kwargs, site: CallSite) -> None:
        """Follow the functions given to one that cannot be followed, which may call them."""
        for value in (*args, *kwargs.values()):
            function = value.function if isinstance(value, Bound) else value
            if site.frame.function is not None and _may_migrate(function):
                with self.recorder.repeating():
                    self.call(value, (), {}, site)

    def _unresolved_call(self, name: str, site: CallSite) -> None:
        self.recorder.unresolved(f"the source of {name} is not at hand", site.source)

    def _call_unknown(self, callee: Value, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        source = callee.source if isinstance(callee, Unknown) else type(callee).__name__
        _may_change(args)
        if (
            has_handle(args)
            or has_handle(kwargs)
            or (site.for_effect and "." not in source and isinstance(callee, Unknown))
        ):
            self._unresolved_call(source, site)
        else:
            self._call_back(args, kwargs, site)
        name = source.rpartition(".")[2]
        if name == "startswith" and args and isinstance(args[0], str):
            if args[0].startswith(_OTHER_DATABASES):
                return False
            if args[0].startswith("postgres"):
                return True
        if name == "get_backend_name":
            return "postgresql"
        return Unknown(f"{source}()")

    def _instantiate(self, cls: Class, args: _Args, kwargs: _Kwargs) -> Value:
        if self._is_enum(cls):
            return Unknown(f"{cls.name}()")
        instance = Instance(cls, dict(kwargs), {"args": args, "kwargs": kwargs})
        initialise = self.find_member(cls, "__init__")
        if isinstance(initialise, Function):
            self.run_function(initialise, (instance, *args), kwargs)
            return instance
        instance.attributes.update(zip(_annotated_names(cls), args, strict=False))
        after = self.find_member(cls, "__post_init__")
        if isinstance(after, Function):
            self.run_function(after, (instance,), {})
        return instance

    # Methods

    def _call_method(self, method: Method, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        receiver, name = method.receiver, method.name
        match receiver:
            case Connection():
                return database.call_connection(self, receiver, name, args, kwargs, site)
            case Session():
                return database.call_session(self, receiver, name, args, kwargs, site)
            case Cursor():
                return database.call_cursor(self, receiver, name, args, kwargs, site)
            case Context():
                return database.call_context(self, receiver, name, args, kwargs, site)
            case Batch():
                return self._call_batch(receiver, name, args, kwargs, site)
            case Rows():
                return database.call_rows(receiver, name, site)
            case Dialect():
                return args[0] if name == "type_descriptor" and args else Unknown(site.source)
            case Inspector():
                return Unknown(site.source)
            case Entity():
                database.change_collection(self, receiver, name, site.source)
                return Unknown(site.source)
            case Instance():
                sends = site.for_effect and not name.startswith("__") and name not in _LOGGING
                inherited = sends and self._foreign_base(receiver)
                if inherited or has_handle(args) or has_handle(kwargs):
                    self._unresolved_call(f"{receiver.cls.name}.{name}", site)
                else:
                    self._call_back(args, kwargs, site)
                return Unknown(site.source)
        return self.lift(
            lambda option: python_calls.call_method(self, option, name, args, kwargs, site),
            receiver,
        )

    def _foreign_base(self, instance: Instance) -> bool:
        """Whether an object of the project inherits from a class whose source is not at hand."""
        return any(
            isinstance(base, Ref)
            and _is_foreign(base)
            and base.package not in _HARMLESS_PACKAGES
            and isinstance(self.resolve(base, Frame(cls.module, {})), Ref)
            for cls in self.lineage(instance.cls)
            for base in cls.bases
        )

    def _call_batch(
        self, batch: Batch, name: str, args: _Args, kwargs: _Kwargs, site: CallSite
    ) -> Value:
        if is_directive(name) and name not in ("create_table", "drop_table", "bulk_insert"):
            operations = self._directive(name, args, kwargs, site, batch)
            batch.queue.append(
                (self.recorder.place, self.recorder.condition, self.recorder.loops, operations)
            )
            return Unknown(f"op.{name}()")
        return self._call_alembic(Ref(f"alembic.op.{name}"), args, kwargs, site)

    # Symbols

    def consume(self, value: Value) -> Value:
        """The rows of an ORM query that is being iterated over, which sends it; else the value."""
        if isinstance(value, Call) and database.is_query(value):
            return database.end_query(self, value, "iteration over a query")
        return value

    def _call_symbol(self, callee: Value, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        result = Call(callee, args, kwargs)
        if not isinstance(callee, Attribute):
            root = root_of(callee)
            if isinstance(callee, Call) and _is_foreign(root):
                return self._call_outside(callee, args, kwargs, site)
            return result
        target, name = callee.target, callee.name
        if database.is_query(result):
            if name in database.QUERY_ENDS:
                return database.end_query(self, result, site.source)
            return result
        root = root_of(target)
        reaches = has_handle(args) or has_handle(kwargs)
        if name in _CREATIONS and (reaches or site.for_effect) and not isinstance(root, Entity):
            database.create_or_drop(self, target, name, args, kwargs, site)
            return None
        if name == "execute" and site.for_effect and not args:
            database.execute(self, target, site)
            return Rows()
        if isinstance(root, Entity):
            if site.for_effect and name in COLLECTION_CHANGES:
                self.recorder.unresolved(
                    "a relationship of a loaded object is changed", site.source
                )
            return Unknown(site.source)
        unmapped = isinstance(root, Class) and table_name(target, self) is None
        if unmapped and reaches and name not in ("prepare", "reflect"):
            self._unresolved_call(f"{root.name}.{name}", site)
        if isinstance(root, Ref) and (
            root.folder or root.package not in ("sqlalchemy", "sqlmodel", "alembic")
        ):
            if root.package in STANDARD:
                return Unknown(site.source)
            return self._call_outside(callee, args, kwargs, site)
        return result

    def _call_sqlalchemy(self, ref: Ref, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        name = ref.name
        match name:
            case "inspect" | "from_engine" if has_handle(args) or has_handle(kwargs):
                return Inspector()
            case "Inspector":
                return Inspector()
            case "Session" | "AsyncSession" | "scoped_session":
                bind = kwargs.get("bind", args[0] if args else None)
                if isinstance(bind, Session):
                    return bind
                if isinstance(bind, Bound):
                    return self.call(bind, (), {}, site)
                return Session(own=isinstance(bind, Connection) and bind.own)
            case "sessionmaker" | "async_sessionmaker":
                return Bound(Ref("sqlalchemy.orm.Session"), args, kwargs)
            case "create_engine" | "engine_from_config" | "create_async_engine":
                return Connection(own=False)
            case "listen" | "listens_for" if ".event" in ref.path and site.for_effect:
                self.recorder.unresolved("an event listener may send SQL", site.source)
            case "flag_modified" if len(args) == 2 and isinstance(args[0], Entity):
                changed = known_text(args[1]) or self.hole(site.source)
                database.change_entity(self, args[0], changed, site.source)
            case "dialect" if "dialects" in ref.path:
                return Dialect()
            case "create_database" | "drop_database" | "create_view" | "create_materialized_view":
                self._unresolved_call(ref.path, site)
        return Call(ref, args, kwargs)

    # Alembic

    def _call_alembic(self, ref: Ref, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        if ref.path.startswith("alembic.op."):
            return self._call_op(ref.path.removeprefix("alembic.op."), args, kwargs, site)
        name = ref.name
        if ref.path.startswith("alembic.context."):
            return self._call_context(name, args, kwargs, site)
        if name == "configure" and "MigrationContext" in ref.path:
            return Context()
        if name == "Operations":
            return Ref("alembic.op")
        return Call(ref, args, kwargs)

    def _call_context(self, name: str, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        match name:
            case "get_context" | "get_impl":
                return Context()
            case "is_offline_mode":
                return False
            case "get_bind":
                return Connection()
            case "execute":
                database.execute(self, args[0] if args else kwargs.get("sql"), site)
        return Unknown(site.source)

    def _call_op(self, name: str, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
        match name:
            case "get_bind":
                return Connection()
            case "get_context":
                return Context()
            case "f" if args:
                return args[0]
            case "inline_literal" if args:
                return args[0]
            case "execute":
                self._execute(args, kwargs, site)
                return None
            case "batch_alter_table":
                return self._batch(args, kwargs)
            case "run_async" if args:
                return self.call(args[0], (Connection(), *args[1:]), kwargs, site)
            case "implementation_for" | "register_operation" | "impl":
                return Unknown(site.source)
        if name == "invoke":
            self.recorder.unresolved("op.invoke is given an operation object", site.source)
            return Unknown("op.invoke()")
        if not is_directive(name):
            self.recorder.unresolved(f"op.{name} is not a directive of Alembic", site.source)
            return Unknown(site.source)
        for chosen_args, chosen_kwargs, condition in _alternatives(args, kwargs):
            with self.recorder.under(condition):
                self.recorder.each(self._directive(name, chosen_args, chosen_kwargs, site))
        if name == "create_table":
            return Call(Ref("sqlalchemy.Table"), args, kwargs)
        return Unknown(f"op.{name}()")

    def _directive(
        self, name: str, args: _Args, kwargs: _Kwargs, site: CallSite, batch: Batch | None = None
    ) -> list[Operation]:
        if batch is not None:
            return [
                operation
                for chosen_args, chosen_kwargs, _ in _alternatives(args, kwargs)
                for operation in run_directive(self, name, chosen_args, chosen_kwargs, site, batch)
            ]
        return run_directive(self, name, args, kwargs, site)

    def _execute(self, args: _Args, kwargs: _Kwargs, site: CallSite) -> None:
        options = kwargs.get("execution_options")
        alone = isinstance(options, Mapping) and options.get("isolation_level") == "AUTOCOMMIT"
        if alone:
            self.recorder.statement((EnterAutocommit(),))
        database.execute(self, args[0] if args else kwargs.get("sqltext"), site)
        if alone:
            self.recorder.statement((LeaveAutocommit(),))

    def _batch(self, args: _Args, kwargs: _Kwargs) -> Batch:
        table = args[0] if args else kwargs.get("table_name")
        schema = args[1] if len(args) > 1 else kwargs.get("schema")
        return Batch(table, schema, recreate=kwargs.get("recreate") == "always")


def _may_migrate(function: Value) -> bool:
    """Whether a function that is handed to another may reach the database when it is called."""
    if isinstance(function, Ref):
        return function.path.startswith("alembic.op.")
    return has_handle(function) or (isinstance(function, Function) and function.module.migrates)


def _is_foreign(root: Value) -> bool:
    """Whether a name comes from a package whose source is not looked at."""
    return isinstance(root, Ref) and (
        bool(root.folder) or root.package not in (*STANDARD, "sqlalchemy", "sqlmodel", "alembic")
    )


def _may_change(args: _Args) -> None:
    """A function that cannot be followed may change the lists and dictionaries it is given."""
    for arg in args:
        if isinstance(arg, Items | Mapping):
            arg.more = True


def _nothing() -> None:
    """What most context managers do at their end."""


def _batch_table(batch: Batch) -> tuple[Name, ...]:
    name = text_of(batch.table)
    return () if name is None else (Name.of(name, known_text(batch.schema)),)


def _alternatives(args: _Args, kwargs: _Kwargs) -> list[tuple[_Args, _Kwargs, str | None]]:
    """The arguments with one alternative for each choice among them, and when it happens.

    An unknown flag that decides which lock is taken is a choice of true and false.
    """
    for index, value in enumerate(args):
        if isinstance(value, Choice):
            return [
                (found_args, found_kwargs, f"argument {index + 1} has one of its values")
                for option in value.values
                for found_args, found_kwargs, _ in _alternatives(
                    (*args[:index], option, *args[index + 1 :]), kwargs
                )
            ]
    for name, value in kwargs.items():
        if isinstance(value, Unknown) and name in _FLAGS:
            value = Choice((True, False))
        if isinstance(value, Choice):
            return [
                (found_args, found_kwargs, _one_of(name, option))
                for option in value.values
                for found_args, found_kwargs, _ in _alternatives(args, {**kwargs, name: option})
            ]
    return [(args, kwargs, None)]


def _one_of(name: str, option: Value) -> str:
    shown = repr(option) if is_known(option) else "one of its values"
    return f"{name} is {shown}"


def _annotated_names(cls: Class) -> list[str]:
    """The fields of a dataclass or NamedTuple, in order."""
    names: list[str] = []
    for base in cls.bases:
        if isinstance(base, Class):
            names += _annotated_names(base)
    for line in cls.node.body.body:
        for statement in (
            getattr(line, "body", ()) if isinstance(line, cst.SimpleStatementLine) else ()
        ):
            if isinstance(statement, cst.AnnAssign) and isinstance(statement.target, cst.Name):
                names.append(statement.target.value)
    return names


_NOWHERE = cst.Call(func=cst.Name("called"))
_STANDARD_HARMLESS = frozenset({
    "builtins", "logging", "warnings", "contextlib", "typing", "functools", "inspect", "copy",
    "collections", "itertools",
})  # fmt: skip
_CALLING_BACK = frozenset({
    "asyncio", "concurrent", "itertools", "multiprocessing", "re", "threading",
})  # fmt: skip
_CONTAINER_CHANGES = COLLECTION_CHANGES | {"update", "setdefault", "sort", "discard", "popitem"}
_CREATIONS = frozenset({"create", "drop", "create_all", "drop_all"})
_FLAGS = frozenset({"postgresql_concurrently", "nullable", "unique"})
