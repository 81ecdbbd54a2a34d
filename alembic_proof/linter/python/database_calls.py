"""Owns what calls on connections, sessions, cursors and Alembic's context do to the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_proof.linter.python.alembic_calls import create_index_of, table_operations
from alembic_proof.linter.python.sql_text import (
    expression,
    literal,
    quoted,
    statements,
    unescape_binds,
    unescape_percent,
)
from alembic_proof.linter.python.sqlalchemy_core import (
    Renderer,
    column_name,
    primary_key_of,
    qualified,
    read_statement,
    table_name,
    text_of,
)
from alembic_proof.linter.python.sqlalchemy_schema import (
    ColumnParts,
    construct,
    read_column,
    read_constraint,
)
from alembic_proof.linter.python.sqlalchemy_types import argument, enum_of
from alembic_proof.linter.python.values import (
    Attribute,
    Autocommit,
    Call,
    Choice,
    Class,
    Connection,
    Context,
    Cursor,
    Entity,
    Instance,
    Items,
    Mapping,
    Method,
    Ref,
    Rows,
    Session,
    Unknown,
    Value,
    is_symbol,
    root_of,
)
from alembic_proof.objects import Constraint, Name
from alembic_proof.operations import (
    AddConstraint,
    BeginTransaction,
    CommitTransaction,
    CreateSchema,
    CreateSequence,
    CreateType,
    DropConstraint,
    DropIndex,
    DropSchema,
    DropSequence,
    DropTable,
    DropType,
    EnterAutocommit,
    InsertRows,
    NoOperation,
    Operation,
    RollbackTransaction,
    Savepoint,
    SelectRows,
    UpdateRows,
)

if TYPE_CHECKING:
    from alembic_proof.linter.python.attributes import Resolver
    from alembic_proof.linter.python.evaluate import CallSite

_Args = tuple[Value, ...]
_Kwargs = dict[str, Value]

EXECUTE = ("execute", "scalar", "scalars", "exec_driver_sql", "stream", "stream_scalars", "_exec")
QUERY_ENDS = frozenset({
    "all", "first", "one", "one_or_none", "scalar", "scalars", "count", "update", "delete", "get",
    "fetchall", "fetchone",
})  # fmt: skip
_ONE_ROW = frozenset({
    "first", "fetchone", "one", "one_or_none", "scalar", "scalar_one", "scalar_one_or_none", "get",
})  # fmt: skip
_DRIVER_SQL = ("exec_driver_sql",)


def call_connection(
    reader: Resolver,
    target: Connection,
    name: str,
    args: _Args,
    kwargs: _Kwargs,
    site: CallSite,
) -> Value:
    """A method of a SQLAlchemy connection or engine."""
    record = reader.recorder
    if name in EXECUTE:
        statement = args[0] if args else kwargs.get("statement", kwargs.get("object_"))
        parameters = args[1] if len(args) > 1 else kwargs.get("parameters")
        execute(reader, statement, site, parameters, driver=name in _DRIVER_SQL)
        return _result(name, Rows())
    match name:
        case "execution_options":
            if str(kwargs.get("isolation_level", "")).upper() == "AUTOCOMMIT":
                if not target.autocommit:
                    record.statement((EnterAutocommit(),))
                return Connection(own=target.own, autocommit=True)
            return target
        case "connect":
            return Connection(own=False, autocommit=target.autocommit, opened="connect")
        case "begin":
            if not target.own:
                record.statement((BeginTransaction(),))
            return Connection(
                own=target.own, autocommit=target.autocommit, opened="" if target.own else "begin"
            )
        case "begin_nested":
            record.statement((Savepoint(verb="SAVEPOINT"),))
            return Connection(own=target.own, opened="nested")
        case "commit":
            record.statement((_end_of(target),))
        case "rollback":
            nested = target.opened == "nested"
            record.statement(
                (Savepoint(verb="ROLLBACK TO") if nested else RollbackTransaction(raw=False),)
            )
        case "run_sync" | "run_callable":
            if args:
                return reader.apply(args[0], (target, *args[1:]), kwargs)
        case "cursor" | "raw_connection":
            return Cursor()
        case _ if name not in _HARMLESS:
            record.unresolved(f"the connection's method {name} is not known", site.source)
    return Unknown(site.source)


def _end_of(target: Connection) -> Operation:
    if target.opened == "nested":
        return Savepoint(verb="RELEASE")
    return CommitTransaction(raw=False)


def call_session(
    reader: Resolver,
    target: Session,
    name: str,
    args: _Args,
    kwargs: _Kwargs,
    site: CallSite,
) -> Value:
    """A method of an ORM session."""
    record = reader.recorder
    if name in EXECUTE:
        statement = args[0] if args else kwargs.get("statement")
        parameters = args[1] if len(args) > 1 else kwargs.get("params")
        execute(reader, statement, site, parameters)
        return _result(name, Rows(_selected_entity(statement)))
    match name:
        case "query":
            return Call(Method(target, "query"), args, kwargs)
        case "add" | "merge" if args:
            _add(reader, args[0], site)
            return args[0]
        case "add_all" | "bulk_save_objects" | "save_objects" if args:
            objects, more = reader.iterate(args[0])
            for item in objects:
                if more:
                    with record.repeating():
                        _add(reader, item, site)
                else:
                    _add(reader, item, site)
        case "bulk_insert_mappings" | "bulk_update_mappings" if args:
            _bulk(reader, name, args, site)
        case "delete" if args:
            _delete(reader, args[0], site)
        case "get" if args:
            _select_by_key(reader, args[0], site)
            return Entity(args[0])
        case "begin_nested":
            record.statement((Savepoint(verb="SAVEPOINT"),))
            return Connection(own=True, opened="nested")
        case "begin":
            return target
        case "commit":
            # A session on Alembic's connection cannot end the transaction that Alembic began:
            # SQLAlchemy's join_transaction_mode "conditional_savepoint" makes it a flush.
            record.statement(
                (
                    NoOperation(sql="session.commit()")
                    if target.own
                    else CommitTransaction(raw=False),
                )
            )
        case "rollback":
            record.statement((RollbackTransaction(raw=False),))
        case "connection" | "get_bind":
            return Connection()
        case "run_sync":
            if args:
                return reader.apply(args[0], (target, *args[1:]), kwargs)
        case _ if name not in _HARMLESS:
            record.unresolved(f"the session's method {name} is not known", site.source)
    return Unknown(site.source)


def call_cursor(
    reader: Resolver,
    _target: Cursor,
    name: str,
    args: _Args,
    _kwargs: _Kwargs,
    site: CallSite,
) -> Value:
    """A method of a DBAPI connection or cursor."""
    record = reader.recorder
    match name:
        case "execute" | "executemany" | "copy_expert" | "mogrify":
            if name != "mogrify":
                execute(reader, args[0] if args else None, site, driver=True)
            return Rows()
        case "cursor":
            return Cursor()
        case "commit":
            record.statement((CommitTransaction(raw=False),))
        case "rollback":
            record.statement((RollbackTransaction(raw=False),))
        case "set_isolation_level" | "set_session":
            record.statement((EnterAutocommit(),))
        case _ if name not in _HARMLESS:
            record.unresolved(f"the cursor's method {name} is not known", site.source)
    return Unknown(site.source)


def call_context(
    reader: Resolver,
    target: Context,
    name: str,
    args: _Args,
    kwargs: _Kwargs,
    site: CallSite,
) -> Value:
    """A method of Alembic's MigrationContext or of its ``impl``."""
    match name:
        case "autocommit_block":
            return Autocommit()
        case "execute" | "_exec":
            execute(reader, args[0] if args else kwargs.get("sql"), site)
            return Rows()
        case "begin_transaction" | "get_current_revision" | "get_current_heads" | "get_context":
            return target if name == "get_context" else Unknown(site.source)
        case "static_output" | "is_transactional_ddl" | "_ensure_version_table":
            return Unknown(site.source)
    reader.recorder.unresolved(f"the context's method {name} is not known", site.source)
    return Unknown(site.source)


def call_rows(target: Rows, name: str, site: CallSite) -> Value:
    """A method of a query result: it reads what was fetched already."""
    if name in _ONE_ROW:
        return Entity(target.entity) if target.entity is not None else Unknown(site.source)
    if name in ("rowcount", "keys", "close"):
        return Unknown(site.source)
    return target


def _result(name: str, rows: Rows) -> Value:
    return Unknown("a value from the database") if name == "scalar" else rows


_HARMLESS = frozenset({
    "close", "detach", "invalidate", "in_transaction", "get_isolation_level", "get_transaction",
    "flush", "expunge", "expunge_all", "refresh", "expire", "expire_all", "no_autoflush", "info",
    "get_nested_transaction", "in_nested_transaction", "dispose", "is_active", "is_modified",
    "default_isolation_level", "schema_for_object", "fetchone", "fetchall", "fetchmany", "fileno",
    "get_dialect", "__enter__", "__exit__", "closed", "url", "enable_relationship_loading", "remove",
    "aclose", "get_execution_options", "merge_result", "has_table", "reset", "fetchval", "fetch",
    "description", "rowcount", "nextset", "configure", "registry",
})  # fmt: skip


# Statements


def execute(
    reader: Resolver,
    statement: Value,
    site: CallSite,
    parameters: Value = None,
    *,
    driver: bool = False,
) -> None:
    """Record what executing the statement does."""
    record = reader.recorder
    if isinstance(statement, Choice):
        for option in statement.values:
            with record.under("one of several statements"):
                execute(reader, option, site, parameters, driver=driver)
        return
    text = statement_text(statement)
    if text is not None:
        sql = unescape_percent(text) if driver else unescape_binds(text)
        for operations in statements(sql) or ((NoOperation(sql=sql.strip()),),):
            record.statement(operations)
        return
    found = read_statement(statement, reader, parameters, site.source)
    if found is None:
        found = [(operation,) for operation in _ddl(reader, statement)]
    for operations in found:
        record.statement(operations)
    if not any(found):
        record.unresolved(_why_unknown(statement), site.source)


def statement_text(value: Value) -> str | None:
    """The SQL of a text or a ``sa.text(…)`` with whatever is chained on it; None for other values."""
    if isinstance(value, str):
        return value
    while isinstance(value, Call):
        if isinstance(value.callee, Attribute):
            value = value.callee.target
            continue
        if isinstance(value.callee, Ref) and value.callee.name in (
            "text",
            "TextClause",
            "DDL",
            "SQL",
        ):
            text = argument(value, 0, "text")
            return text if isinstance(text, str) else statement_text(text)
        return None
    return None


def _why_unknown(statement: Value) -> str:
    if isinstance(statement, Unknown):
        return f"the SQL comes from {statement.source}"
    if isinstance(statement, Instance):
        return f"the statement is a {statement.cls.name} of the project"
    root = root_of(statement)
    if isinstance(root, Ref) and root.package not in ("sqlalchemy", "builtins"):
        return f"the SQL comes from {root.path}"
    return "the SQL is not a literal"


def _ddl(reader: Resolver, value: Value) -> list[Operation]:
    """The DDL elements of ``sqlalchemy.schema`` given to execute."""
    kind = construct(value)
    if not isinstance(value, Call):
        return []
    element = value.args[0] if value.args else value.kwargs.get("element", value.kwargs.get("name"))
    missing = value.kwargs.get("if_not_exists") is True
    existing = value.kwargs.get("if_exists") is True
    cascade = value.kwargs.get("cascade") is True
    match kind:
        case "CreateSchema" | "DropSchema":
            name = text_of(element)
            if name is None:
                return []
            if kind == "CreateSchema":
                return [CreateSchema(schema=name, if_not_exists=missing)]
            return [DropSchema(schema=name, if_exists=existing, cascade=cascade)]
        case (
            "CreateSequence"
            | "DropSequence"
            | "CreateTable"
            | "DropTable"
            | "CreateIndex"
            | "DropIndex"
        ):
            return schema_item(reader, element, kind.startswith("Create"), missing, existing)
        case "CreateEnumType" | "DropEnumType":
            return schema_item(reader, element, kind.startswith("Create"), missing, existing)
        case "AddConstraint" | "DropConstraint":
            return _constraint(reader, element, kind)
        case "Sequence" if element is not None:
            return list(statements(f"SELECT nextval({literal(text_of(element) or '')})")[0])
    if ".func." in getattr(value.callee, "path", ""):
        found = statements(f"SELECT {Renderer(reader).render(value)}")
        return list(found[0]) if found else []
    return []


def _constraint(reader: Resolver, item: Value, kind: str) -> list[Operation]:
    found = read_constraint(item, reader)
    if not isinstance(item, Call) or found is None or isinstance(found, list):
        return []
    table = next(
        (
            name
            for arg in item.args
            if isinstance(arg, Attribute)
            and (name := table_name(getattr(arg.target, "target", arg.target), reader)) is not None
        ),
        None,
    )
    if table is None:
        return []
    if kind == "AddConstraint":
        return [AddConstraint(table=table, constraint=found)]
    return [DropConstraint(table=table, name=found.name)]


def schema_item(
    reader: Resolver,
    item: Value,
    creates: bool,
    missing: bool = False,
    existing: bool = False,
) -> list[Operation]:
    """What ``item.create(bind)`` or ``item.drop(bind)`` sends; nothing if it is not understood.

    ``missing`` and ``existing`` are IF NOT EXISTS and IF EXISTS, or SQLAlchemy's ``checkfirst``.
    """
    enum = enum_of(item, reader)
    if enum is not None:
        if creates:
            reader.created_enums.add(enum.name)
            if enum.values is None:
                return []
            return [
                CreateType(type=enum.name, kind="enum", values=enum.values, if_not_exists=missing)
            ]
        reader.created_enums.discard(enum.name)
        return [DropType(type=enum.name, if_exists=existing)]
    kind = construct(item)
    if kind == "Sequence":
        name = text_of(argument(item, 0, "name"))
        if name is None:
            return []
        sequence = Name.of(name, text_of(item.kwargs.get("schema")))
        if creates:
            return [CreateSequence(sequence=sequence, if_not_exists=missing)]
        return [DropSequence(sequence=sequence, if_exists=existing)]
    if kind == "Index":
        if creates:
            return [create_index_of(item, None, reader)]
        name = text_of(item.args[0]) if item.args else None
        return [] if name is None else [DropIndex(index=Name.of(name), if_exists=existing)]
    if kind in ("Enum", "ENUM"):
        return [] if item.kwargs.get("native_enum", True) is not False else [NoOperation(sql="")]
    table = table_name(item, reader)
    if table is None:
        return []
    if not creates:
        return [DropTable(table=table, if_exists=existing)]
    return _create_table(reader, item, table, missing)


def _create_table(reader: Resolver, item: Value, table: Name, missing: bool) -> list[Operation]:
    """``Table.create``: the columns come from the Table or from the mapped class."""
    if isinstance(item, Attribute):
        item = item.target
    members: list[tuple[str, Value]]
    options: dict[str, Value] = {"if_not_exists": missing}
    if isinstance(item, Class):
        members = list(reader.members(item).items())
        arguments = reader.find_member(item, "__table_args__")
        members += [("", value) for value in (arguments if isinstance(arguments, tuple) else ())]
    elif isinstance(item, Call):
        members = [("", value) for value in item.args[1:]]
        options |= {key: value for key, value in item.kwargs.items() if key != "if_not_exists"}
    else:
        members = []
    columns: list[ColumnParts] = []
    constraints: list[Constraint] = []
    indexes: list[Operation] = []
    for name, value in members:
        parts = _named_column(name, value, reader)
        if parts is not None:
            columns.append(parts)
        elif construct(value) == "Index":
            indexes.append(create_index_of(value, table, reader))
        else:
            found = read_constraint(value, reader)
            if found is not None and not isinstance(found, list):
                constraints.append(found)
    return list(
        table_operations(
            table, columns, constraints, indexes, options, complete=bool(columns), reader=reader
        )
    )


def _named_column(name: str, value: Value, reader: Resolver) -> ColumnParts | None:
    if construct(value) not in ("Column", "mapped_column"):
        return None
    if name and not (value.args and isinstance(value.args[0], str)):
        value = Call(value.callee, (name, *value.args), value.kwargs)
    return read_column(value, reader)


def create_or_drop(
    reader: Resolver, target: Value, name: str, args: _Args, kwargs: _Kwargs, site: CallSite
) -> None:
    """``item.create(bind)``, ``item.drop(bind)``, ``metadata.create_all(bind)``."""
    if name in ("create_all", "drop_all"):
        tables = kwargs.get("tables", args[1] if len(args) > 1 else None)
        found = [
            operation
            for item in (tables if isinstance(tables, Items | tuple) else ())
            for operation in schema_item(reader, item, name == "create_all", True, True)
        ]
    else:
        checks = kwargs.get("checkfirst", args[1] if len(args) > 1 else _checks_first(target, name))
        found = schema_item(
            reader, target, name == "create", checks is not False, checks is not False
        )
    if found:
        reader.recorder.each(found)
    else:
        reader.recorder.unresolved(f"what {name}() sends is not in the file", site.source)


def _checks_first(target: Value, name: str) -> bool:
    """SQLAlchemy's default for ``checkfirst``."""
    kind = construct(target)
    return not (kind == "Index" or (kind == "Enum" and name == "drop"))


# The ORM


def end_query(reader: Resolver, value: Call, site_source: str) -> Value:
    """Record the query that ``.all()``, ``.update()``, iteration … sends, and return its rows."""
    found = read_statement(value, reader, None, site_source)
    for operations in found or []:
        reader.recorder.statement(operations)
    first = root_call(value)
    rows = Rows(_whole_object(first.args[0]) if len(first.args) == 1 else None)
    name = value.callee.name if isinstance(value.callee, Attribute) else ""
    if name in _ONE_ROW:
        return Entity(rows.entity) if rows.entity is not None else Unknown(site_source)
    return Unknown(site_source) if name in ("count", "update", "delete") else rows


def root_call(value: Value) -> Call:
    """The first call of a chain: ``session.query(…)``."""
    while isinstance(value, Call) and isinstance(value.callee, Attribute):
        value = value.callee.target
    return value if isinstance(value, Call) else Call(value)


def is_query(value: Value) -> bool:
    """Whether the value is an ORM query that has not been sent."""
    first = root_call(value)
    return (
        isinstance(first.callee, Method)
        and isinstance(first.callee.receiver, Session)
        and first.callee.name == "query"
    )


def _whole_object(value: Value) -> Value:
    if isinstance(value, Class):
        return value
    if isinstance(value, Attribute) and isinstance(value.target, Class):
        return None
    if isinstance(value, Ref | Unknown) or (is_symbol(value) and "classes" in repr(value)[:400]):
        return value
    return None


def _selected_entity(statement: Value) -> Value:
    first = root_call(statement)
    if construct(first) == "select" and len(first.args) == 1:
        return _whole_object(first.args[0])
    return None


def _add(reader: Resolver, item: Value, site: CallSite) -> None:
    if isinstance(item, Entity):
        return
    cls = item.cls if isinstance(item, Instance) else None
    if isinstance(item, Call):
        cls = item.callee
    table = table_name(cls, reader) if cls is not None else None
    if table is None:
        reader.recorder.unresolved("the table of the added object is not known", site.source)
        return
    given = item.arguments.get("kwargs", {}) if isinstance(item, Instance) else item.kwargs
    columns = tuple(column_name(Attribute(cls, key), reader) or key for key in given)
    reader.recorder.statement((InsertRows(table=table, columns=columns),))


def _bulk(reader: Resolver, name: str, args: _Args, site: CallSite) -> None:
    table = table_name(args[0], reader)
    if table is None:
        reader.recorder.unresolved("the table of the rows is not known", site.source)
        return
    rows = args[1] if len(args) > 1 else None
    first = rows[0] if isinstance(rows, Items) and rows else None
    keys = first if isinstance(first, Mapping) else ()
    columns = tuple(column_name(Attribute(args[0], key), reader) or str(key) for key in keys)
    if name == "bulk_insert_mappings":
        reader.recorder.statement((InsertRows(table=table, columns=columns),))
    else:
        reader.recorder.statement((_update_by_key(reader, args[0], table, columns),))


def _update_by_key(
    reader: Resolver, cls: Value, table: Name, columns: tuple[str, ...]
) -> UpdateRows:
    key = _key_of(reader, cls)
    changed = tuple(column for column in columns if column not in key)
    where = expression(" AND ".join(f"{quoted(column)} = :{column}" for column in key))
    return UpdateRows(table=table, columns=changed, where=where, by_key=key)


def _key_of(reader: Resolver, cls: Value) -> tuple[str, ...]:
    return (primary_key_of(cls, reader) if isinstance(cls, Class) else ()) or ("id",)


def _delete(reader: Resolver, item: Value, site: CallSite) -> None:
    table = table_name(item.cls, reader) if isinstance(item, Entity | Instance) else None
    if table is None:
        reader.recorder.unresolved("the table of the deleted object is not known", site.source)
        return
    key = " AND ".join(f"{quoted(column)} = :{column}" for column in _key_of(reader, item.cls))
    _delete_rows(reader, table, key)


def _select_by_key(reader: Resolver, cls: Value, site: CallSite) -> None:
    table = table_name(cls, reader)
    if table is None:
        reader.recorder.unresolved("the table of the object is not known", site.source)
        return
    reader.recorder.statement((SelectRows(reads=(table,), limited=True),))


def change_collection(reader: Resolver, entity: Entity, name: str, source: str) -> None:
    """Objects are added to a relationship or taken out of it: rows change at the next flush."""
    adds = name in ("append", "add", "extend", "insert")
    if entity.secondary is not None:
        table = table_name(entity.secondary, reader)
        if table is None:
            reader.recorder.unresolved("the table behind a relationship is not known", source)
        elif adds:
            reader.recorder.statement((InsertRows(table=table),))
        else:
            _delete_rows(reader, table, "id = :id")
        return
    table = table_name(entity.cls, reader)
    if table is None:
        reader.recorder.unresolved("the table behind a relationship is not known", source)
        return
    reader.recorder.statement((_update_by_key(reader, entity.cls, table, ()),))


def _delete_rows(reader: Resolver, table: Name, condition: str) -> None:
    # S608: this text is read by our own SQL reader and never sent anywhere.
    for operations in statements(f"DELETE FROM {qualified(table)} WHERE {condition}"):  # noqa: S608
        reader.recorder.statement(operations)


def change_entity(reader: Resolver, entity: Entity, name: str, source: str) -> None:
    """An attribute of a loaded object is set: its row is updated at the next flush."""
    table = table_name(entity.cls, reader)
    if table is None:
        reader.recorder.unresolved("the table of the changed object is not known", source)
        return
    column = column_name(Attribute(entity.cls, name), reader) or name
    if column in entity.changed:
        return
    entity.changed.append(column)
    update = _update_by_key(reader, entity.cls, table, tuple(entity.changed))
    if entity.step is not None:
        reader.recorder.amend(entity.step, update)
    elif not reader.recorder.muted:
        entity.step = len(reader.recorder.steps)
        reader.recorder.statement((update,))
