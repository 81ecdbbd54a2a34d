"""Owns what each ``op.*`` directive makes PostgreSQL do, in the order in which Alembic sends it.

Sources: ``alembic/operations/toimpl.py``, ``alembic/ddl/impl.py`` and ``alembic/ddl/postgresql.py``
of Alembic 1.20. A batch on PostgreSQL is a series of plain ALTERs, sent when its block ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from alembic_proof.linter.python.sqlalchemy_core import clause, column_name, table_name, text_of
from alembic_proof.linter.python.sqlalchemy_schema import (
    ColumnParts,
    construct,
    exclude_columns,
    index_name,
    is_serial,
    names_of,
    read_column,
    read_constraint,
    read_key,
    server_default,
    type_checks,
    upper_text,
)
from alembic_proof.linter.python.sqlalchemy_types import EnumType, collation_of, sql_type
from alembic_proof.linter.python.values import (
    Batch,
    Call,
    Items,
    Mapping,
    Unknown,
    Value,
    known_text,
)
from alembic_proof.objects import (
    Check,
    Column,
    Constraint,
    Exclude,
    Expression,
    ForeignKey,
    IndexKey,
    Name,
    PrimaryKey,
    Unique,
)
from alembic_proof.operations import (
    AddColumn,
    AddConstraint,
    AlterColumnSetting,
    ChangeColumnType,
    ColumnSetting,
    Comment,
    CreateIndex,
    CreateTable,
    CreateType,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropTable,
    InsertRows,
    NoOperation,
    Operation,
    RenameColumn,
    RenameTable,
    SetDefault,
    SetNotNull,
    Unresolved,
)

if TYPE_CHECKING:
    from alembic_proof.linter.python.attributes import Resolver
    from alembic_proof.linter.python.evaluate import CallSite

_ABSENT = object()


class _UnknownArgumentError(Exception):
    """An argument that decides what the directive does cannot be told."""


@dataclass(slots=True)
class Arguments:
    """The arguments of one directive by name."""

    values: dict[str, Value]
    rest: tuple[Value, ...]
    reader: Resolver
    batch: Batch | None
    exact: bool

    def get(self, *names: str, default: Value = None) -> Value:
        """The argument of that name, or of its name in older releases."""
        for name in names:
            if name in self.values:
                return self.values[name]
        return default

    def text(self, *names: str, what: str) -> str:
        """An argument that must be a known text."""
        value = text_of(self.get(*names))
        if value is None:
            raise _UnknownArgumentError(f"the {what} is not a literal")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean argument; unknown ones count as false."""
        value = self.get(name, default=default)
        return value in (True,)

    @property
    def table(self) -> Name:
        """The table that the directive works on."""
        if self.batch is not None:
            name, schema = text_of(self.batch.table), self.batch.schema
        else:
            name, schema = text_of(self.get("table_name", "source_table")), self.schema
        if name is None:
            raise _UnknownArgumentError("the table name is not a literal")
        if schema is not None and text_of(schema) is None:
            raise _UnknownArgumentError("the schema name is not a literal")
        return Name.of(name, text_of(schema))

    @property
    def schema(self) -> Value:
        """The ``schema`` argument, whatever it is called."""
        return self.get("schema", "source_schema")


def run_directive(
    reader: Resolver,
    name: str,
    args: tuple[Value, ...],
    kwargs: dict[str, Value],
    site: CallSite,
    batch: Batch | None = None,
) -> list[Operation]:
    """The operations of ``op.<name>(*args, **kwargs)``, one SQL statement each."""
    signature, build = _DIRECTIVES[name]
    arguments = bind(signature, args, kwargs, reader, batch, exact=site.exact)
    if not site.exact and name not in ("create_table", "bulk_insert"):
        reason = "its arguments are unpacked from an unknown value"
        return [Unresolved(reason=reason, source=site.source, tables=_tables(arguments))]
    try:
        operations = list(build(arguments))
    except _UnknownArgumentError as error:
        return [Unresolved(reason=str(error), source=site.source, tables=_tables(arguments))]
    return operations or [NoOperation(sql=f"op.{name} without a change")]


def is_directive(name: str) -> bool:
    """Whether ``op.<name>`` is a directive of Alembic that changes the database."""
    return name in _DIRECTIVES


def bind(
    signature: str,
    args: tuple[Value, ...],
    kwargs: dict[str, Value],
    reader: Resolver,
    batch: Batch | None,
    *,
    exact: bool = True,
) -> Arguments:
    """Match arguments with the names in a signature; a batch leaves out the table."""
    names = signature.split()
    if batch is not None:
        names = [name for name in names if name not in ("table_name", "source_table")]
    values = dict(zip(names, args, strict=False))
    values.update(kwargs)
    return Arguments(values, args[len(names) :], reader, batch, exact)


def _tables(arguments: Arguments) -> tuple[Name, ...]:
    try:
        return (arguments.table,)
    except _UnknownArgumentError:
        return ()


# Tables


def _create_table(a: Arguments) -> Iterable[Operation]:
    table = a.table
    columns: list[ColumnParts] = []
    constraints: list[Constraint] = []
    indexes: list[Operation] = []
    complete = a.exact
    for item in a.rest:
        parts = read_column(item, a.reader)
        if parts is not None:
            columns.append(parts)
            continue
        if construct(item) == "Index":
            indexes.append(create_index_of(item, table, a.reader))
            continue
        found = read_constraint(item, a.reader)
        if found is None:
            complete = False
        elif not isinstance(found, list):
            constraints.append(found)
    return table_operations(
        table, columns, constraints, indexes, a.values, complete=complete, reader=a.reader
    )


def table_operations(
    table: Name,
    columns: list[ColumnParts],
    constraints: list[Constraint],
    indexes: list[Operation],
    options: dict[str, Value],
    *,
    complete: bool,
    reader: Resolver,
) -> Iterable[Operation]:
    """What creating a table sends: enum types, the table, its indexes, its comments."""
    for parts in columns:
        if parts.enum is not None and parts.enum.creates:
            yield from create_enum_once(parts.enum, reader)
    key = _primary_key(columns, constraints)
    if key is not None and key not in constraints:
        constraints = [key, *constraints]
    key_columns = key.columns if key is not None else ()
    referencing = {
        column for item in constraints if isinstance(item, ForeignKey) for column in item.columns
    }
    for parts in columns:
        constraints += parts.foreign_keys
        if parts.unique and not parts.index:
            constraints.append(Unique(columns=(parts.column.name,)))
        constraints += parts.checks
    prefixes = " ".join(str(item) for item in options.get("prefixes") or ()).upper()
    yield CreateTable(
        table=table,
        columns=tuple(_finished(parts, key_columns, referencing) for parts in columns),
        constraints=tuple(constraints),
        if_not_exists=options.get("if_not_exists") in (True,),
        temporary="TEMP" in prefixes,
        unlogged="UNLOGGED" in prefixes,
        partitioned=options.get("postgresql_partition_by") is not None,
        inherits=_inherits(options.get("postgresql_inherits")),
        complete=complete and options.get("postgresql_inherits") is None,
    )
    for parts in columns:
        if parts.index:
            yield _column_index(table, parts)
    yield from indexes
    comment = known_text(options.get("comment"))
    if comment is not None:
        yield Comment(kind="TABLE", name=str(table), table=table, text=comment)
    for parts in columns:
        if parts.column.comment is not None:
            yield _column_comment(table, parts.column.name, parts.column.comment)


def _inherits(value: Value) -> tuple[Name, ...]:
    names = value if isinstance(value, Items | tuple) else (value,)
    return tuple(Name.of(name) for name in names if isinstance(name, str))


def _primary_key(columns: list[ColumnParts], constraints: list[Constraint]) -> PrimaryKey | None:
    declared = next((item for item in constraints if isinstance(item, PrimaryKey)), None)
    inline = tuple(parts.column.name for parts in columns if parts.primary_key)
    if declared is not None:
        return declared
    return PrimaryKey(columns=inline) if inline else None


def _finished(parts: ColumnParts, key: tuple[str, ...], referencing: set[str]) -> Column:
    """The column as rendered: keys are NOT NULL, and serial where SQLAlchemy makes them so."""
    column = parts.column
    serial = is_serial(parts, key, references=column.name in referencing)
    return msgspec.structs.replace(
        column,
        nullable=column.nullable and column.name not in key,
        serial=serial,
        default=None if serial else column.default,
    )


def create_enum_once(enum: EnumType, reader: Resolver) -> Iterable[Operation]:
    """CREATE TYPE, unless this run of Alembic made the type for an earlier table already."""
    if enum.name in reader.created_enums:
        return
    reader.created_enums.add(enum.name)
    yield CreateType(type=enum.name, kind="enum", values=enum.values or ())


def _column_index(table: Name, parts: ColumnParts) -> CreateIndex:
    column = parts.column.name
    return CreateIndex(
        table=table,
        name=index_name(table, column),
        keys=(IndexKey(column=column),),
        unique=parts.unique,
    )


def _column_comment(table: Name, column: str, text: str | None) -> Comment:
    return Comment(kind="COLUMN", name=column, table=table, column=column, text=text)


def _drop_table(a: Arguments) -> Iterable[Operation]:
    yield DropTable(table=a.table, if_exists=a.flag("if_exists"))


def _rename_table(a: Arguments) -> Iterable[Operation]:
    name = text_of(a.get("old_table_name"))
    if name is None:
        raise _UnknownArgumentError("the table name is not a literal")
    schema = text_of(a.schema)
    yield RenameTable(
        table=Name.of(name, schema), new_name=a.text("new_table_name", what="new table name")
    )


def _table_comment(a: Arguments) -> Iterable[Operation]:
    table = a.table
    yield Comment(kind="TABLE", name=str(table), table=table, text=known_text(a.get("comment")))


# Columns


def _add_column(a: Arguments) -> Iterable[Operation]:
    table = a.table
    parts = read_column(a.get("column"), a.reader)
    if parts is None:
        raise _UnknownArgumentError("the column is not a literal")
    column = parts.column
    inline: list[Constraint] = list(parts.checks)
    keys: list[Constraint] = list(parts.foreign_keys)
    if a.flag("inline_references") and len(keys) == 1:
        inline, keys = [*inline, *keys], []
    if parts.primary_key and a.flag("inline_primary_key"):
        inline.append(PrimaryKey(columns=(column.name,)))
    own_key = (column.name,) if parts.primary_key else ()
    finished = _finished(parts, own_key, set())
    yield AddColumn(
        table=table,
        column=msgspec.structs.replace(finished, constraints=tuple(inline)),
        if_not_exists=a.flag("if_not_exists"),
    )
    for key in keys:
        yield AddConstraint(table=table, constraint=key)
    if parts.unique and not parts.index:
        yield AddConstraint(table=table, constraint=Unique(columns=(column.name,)))
    if parts.index:
        yield _column_index(table, parts)
    if column.comment is not None:
        yield _column_comment(table, column.name, column.comment)


def _drop_column(a: Arguments) -> Iterable[Operation]:
    name = column_name(a.get("column_name"), a.reader)
    if name is None:
        raise _UnknownArgumentError("the column name is not a literal")
    yield DropColumn(table=a.table, column=name, if_exists=a.flag("if_exists"))


def _alter_column(a: Arguments) -> Iterable[Operation]:
    table = a.table
    column = column_name(a.get("column_name"), a.reader)
    if column is None:
        raise _UnknownArgumentError("the column name is not a literal")
    kind, existing = a.get("type_"), a.get("existing_type")
    if kind is not None and existing is not None:
        for check in type_checks(existing, column, a.reader):
            yield DropConstraint(table=table, name=check.name, kind="check")
    if kind is not None:
        yield _change_type(a, table, column, kind)
    yield from _change_nullable(a, table, column)
    yield from _change_default(a, table, column)
    comment = a.get("comment", default=False)
    if comment is not False:
        yield _column_comment(table, column, known_text(comment))
    new_name = a.get("new_column_name", "name")
    if new_name is not None:
        text = text_of(new_name)
        if text is None:
            raise _UnknownArgumentError("the new column name is not a literal")
        yield RenameColumn(table=table, column=column, new_name=text)
    if kind is not None:
        for check in type_checks(kind, column, a.reader):
            yield AddConstraint(table=table, constraint=check)


def _change_type(a: Arguments, table: Name, column: str, kind: Value) -> Operation:
    using = a.get("postgresql_using")
    return ChangeColumnType(
        table=table,
        column=column,
        type=sql_type(kind, a.reader),
        using=None if using is None else clause(using, a.reader),
        collation=collation_of(kind),
        existing_type=sql_type(a.get("existing_type"), a.reader),
    )


def _change_nullable(a: Arguments, table: Name, column: str) -> Iterable[Operation]:
    nullable = a.get("nullable")
    if nullable is None:
        return
    if not isinstance(nullable, bool):
        yield Unresolved(
            reason="whether the column becomes nullable is not a literal",
            source=f"nullable={_shown(nullable)}",
            tables=(table,),
        )
    elif nullable:
        yield DropNotNull(table=table, column=column)
    else:
        yield SetNotNull(table=table, column=column)


def _change_default(a: Arguments, table: Name, column: str) -> Iterable[Operation]:
    default = a.get("server_default", default=False)
    existing = a.get("existing_server_default", default=False)
    if default is False:
        return
    if construct(default) == "Computed" or (default is None and construct(existing) == "Computed"):
        yield Unresolved(
            reason="Alembic cannot make a column generated or plain", source="", tables=(table,)
        )
    elif construct(default) == "Identity":
        known = existing is not None and existing is not False
        setting = ColumnSetting.SET_IDENTITY if known else ColumnSetting.ADD_IDENTITY
        always = default.kwargs.get("always") in (True,)
        value = f"{'ALWAYS' if always else 'BY DEFAULT'} AS IDENTITY"
        yield AlterColumnSetting(table=table, column=column, setting=setting, value=value)
    elif default is None and construct(existing) == "Identity":
        yield AlterColumnSetting(table=table, column=column, setting=ColumnSetting.DROP_IDENTITY)
    elif default is None:
        yield DropDefault(table=table, column=column)
    else:
        expression = server_default(default, a.reader) or Expression("…", opaque=True)
        yield SetDefault(table=table, column=column, default=expression)


def _shown(value: Value) -> str:
    return value.source if isinstance(value, Unknown) else "…"


# Constraints


def _add_constraint(table: Name, constraint: Constraint) -> Iterable[Operation]:
    yield AddConstraint(table=table, constraint=constraint)


def _columns(a: Arguments, *names: str) -> tuple[str, ...]:
    columns = names_of(a.get(*names), a.reader)
    if columns is None:
        raise _UnknownArgumentError("the columns are not literals")
    return columns


def _create_foreign_key(a: Arguments) -> Iterable[Operation]:
    table = a.table
    referent = text_of(a.get("referent_table", "referent"))
    if referent is None:
        raise _UnknownArgumentError("the referenced table is not a literal")
    return _add_constraint(
        table,
        ForeignKey(
            name=text_of(a.get("constraint_name", "name")),
            columns=_columns(a, "local_cols"),
            table=Name.of(referent, text_of(a.get("referent_schema"))),
            referenced_columns=_columns(a, "remote_cols"),
            not_valid=a.flag("postgresql_not_valid"),
            on_delete=upper_text(a.get("ondelete")),
            on_update=upper_text(a.get("onupdate")),
        ),
    )


def _create_unique(a: Arguments) -> Iterable[Operation]:
    name = text_of(a.get("constraint_name", "name"))
    return _add_constraint(a.table, Unique(name=name, columns=_columns(a, "columns", "local_cols")))


def _create_primary_key(a: Arguments) -> Iterable[Operation]:
    name = text_of(a.get("constraint_name", "name"))
    return _add_constraint(a.table, PrimaryKey(name=name, columns=_columns(a, "columns", "cols")))


def _create_check(a: Arguments) -> Iterable[Operation]:
    condition = a.get("condition")
    if condition is None or isinstance(condition, Unknown):
        raise _UnknownArgumentError("the condition is not a literal")
    return _add_constraint(
        a.table,
        Check(
            name=text_of(a.get("constraint_name", "name")),
            expression=clause(condition, a.reader),
            not_valid=a.flag("postgresql_not_valid"),
        ),
    )


def _create_exclude(a: Arguments) -> Iterable[Operation]:
    name = text_of(a.get("constraint_name", "name"))
    return _add_constraint(a.table, Exclude(name=name, columns=exclude_columns(a.rest, a.reader)))


def _drop_constraint(a: Arguments) -> Iterable[Operation]:
    name = a.get("constraint_name", "name", default=_ABSENT)
    if name is _ABSENT or (name is not None and text_of(name) is None):
        raise _UnknownArgumentError("the constraint name is not a literal")
    yield DropConstraint(
        table=a.table,
        name=text_of(name),
        kind=known_text(a.get("type_", "type")),
        if_exists=a.flag("if_exists"),
    )


# Indexes


def _create_index(a: Arguments) -> Iterable[Operation]:
    table = a.table
    columns = a.get("columns")
    items, more = a.reader.iterate(columns) if columns is not None else ([], True)
    if more or isinstance(columns, str):
        raise _UnknownArgumentError("the columns of the index are not literals")
    yield _index(table, a.get("index_name", "name"), items, a.values, a.reader)


def _index(
    table: Name, name: Value, items: list[Value], options: dict[str, Value], reader: Resolver
) -> Operation:
    keys = [read_key(item, reader) for item in items]
    if any(key is None for key in keys) or not keys:
        return Unresolved(
            reason="the columns of the index are not literals",
            source=f"index {text_of(name) or '…'}",
            tables=(table,),
        )
    concurrently = options.get("postgresql_concurrently")
    if not (concurrently is None or isinstance(concurrently, bool)):
        return Unresolved(
            reason="whether the index is built concurrently is not a literal",
            source=f"postgresql_concurrently={_shown(concurrently)}",
            tables=(table,),
        )
    where = options.get("postgresql_where")
    include = options.get("postgresql_include")
    return CreateIndex(
        table=table,
        name=text_of(name),
        keys=tuple(key for key in keys if key is not None),
        unique=options.get("unique") in (True,),
        concurrently=concurrently is True,
        if_not_exists=options.get("if_not_exists") in (True,),
        method=(known_text(options.get("postgresql_using")) or "btree").lower(),
        where=None if where is None else clause(where, reader),
        include=(names_of(include, reader) or ()) if include is not None else (),
    )


def create_index_of(item: Call, table: Name | None, reader: Resolver) -> Operation:
    """What creating a ``sa.Index`` sends."""
    name, *keys = item.args or (None,)
    if table is None:
        holder = next((key.target for key in keys if hasattr(key, "target")), None)
        table = table_name(getattr(holder, "target", holder), reader)
    if table is None:
        return Unresolved(reason="the table of the index is not known", source=str(name))
    return _index(table, name, list(keys), item.kwargs, reader)


def _drop_index(a: Arguments) -> Iterable[Operation]:
    name = a.text("index_name", "name", what="index name")
    try:
        table = a.table if a.batch is not None or a.get("table_name") is not None else None
    except _UnknownArgumentError:
        table = None
    schema = text_of(a.batch.schema if a.batch is not None else a.schema)
    concurrently = a.get("postgresql_concurrently")
    if not (concurrently is None or isinstance(concurrently, bool)):
        raise _UnknownArgumentError("whether the index is dropped concurrently is not a literal")
    yield DropIndex(
        index=Name.of(name, schema),
        table=table,
        concurrently=concurrently is True,
        if_exists=a.flag("if_exists"),
    )


# Rows


def _bulk_insert(a: Arguments) -> Iterable[Operation]:
    table = table_name(a.get("table"), a.reader)
    if table is None:
        raise _UnknownArgumentError("the table is not known")
    rows = a.get("rows")
    if isinstance(rows, Items) and not rows and not rows.more:
        return
    first = rows[0] if isinstance(rows, Items) and rows else None
    columns = (
        tuple(key for key in first if isinstance(key, str)) if isinstance(first, Mapping) else ()
    )
    yield InsertRows(table=table, columns=columns)


_Builder = Callable[[Arguments], Iterable[Operation]]
_DIRECTIVES: dict[str, tuple[str, _Builder]] = {
    "create_table": ("table_name", _create_table),
    "drop_table": ("table_name", _drop_table),
    "rename_table": ("old_table_name new_table_name", _rename_table),
    "create_table_comment": ("table_name comment", _table_comment),
    "drop_table_comment": ("table_name", _table_comment),
    "add_column": ("table_name column", _add_column),
    "drop_column": ("table_name column_name", _drop_column),
    "alter_column": ("table_name column_name nullable comment", _alter_column),
    "create_foreign_key": (
        "constraint_name source_table referent_table local_cols remote_cols",
        _create_foreign_key,
    ),
    "create_unique_constraint": ("constraint_name table_name columns", _create_unique),
    "create_primary_key": ("constraint_name table_name columns", _create_primary_key),
    "create_check_constraint": ("constraint_name table_name condition", _create_check),
    "create_exclude_constraint": ("constraint_name table_name", _create_exclude),
    "drop_constraint": ("constraint_name table_name type_", _drop_constraint),
    "create_index": ("index_name table_name columns", _create_index),
    "drop_index": ("index_name table_name", _drop_index),
    "bulk_insert": ("table rows", _bulk_insert),
}
