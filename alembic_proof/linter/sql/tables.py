"""Owns CREATE TABLE, and ALTER TABLE with every subcommand."""

from __future__ import annotations

from typing import Final

import msgspec

from alembic_proof.linter.sql.columns import (
    column_definition,
    is_table_constraint,
    table_constraint,
)
from alembic_proof.linter.sql.cursor import Cursor, Unreadable, read_type_at
from alembic_proof.linter.sql.queries import known_expression_of, query_of
from alembic_proof.linter.sql.tokens import Kind
from alembic_proof.objects import (
    Column,
    Constraint,
    Name,
    PrimaryKey,
)
from alembic_proof.operations import (
    AddColumn,
    AddConstraint,
    AlterColumnSetting,
    AlterConstraint,
    AlterTableSetting,
    AttachPartition,
    ChangeColumnType,
    ColumnSetting,
    CreateTable,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropNotNull,
    Operation,
    RenameColumn,
    RenameConstraint,
    RenameTable,
    SetDefault,
    SetNotNull,
    SetTableSchema,
    TableSetting,
    Unresolved,
    ValidateConstraint,
)

# CREATE TABLE


class _TableParts:
    """The parenthesised part of a CREATE TABLE while it is being read."""

    def __init__(self) -> None:
        self.columns: list[Column] = []
        self.constraints: list[Constraint] = []
        self.copied: list[Name] = []

    def read(self, cursor: Cursor, *, typed: bool) -> None:
        """Take every element between the parentheses."""
        for element in cursor.split():
            if element.accept("LIKE"):
                self.copied.append(element.name())
                _like_options(element)
            elif is_table_constraint(element):
                self.constraints.append(table_constraint(element))
            else:
                self.columns.append(column_definition(element, typed=typed))
            element.finish()
        primary = {
            name for key in self.constraints if isinstance(key, PrimaryKey) for name in key.columns
        }
        self.columns = [
            msgspec.structs.replace(column, nullable=False) if column.name in primary else column
            for column in self.columns
        ]


def _like_options(cursor: Cursor) -> None:
    while cursor.accept_any("INCLUDING", "EXCLUDING"):
        cursor.identifier()


def create_table(cursor: Cursor, *, temporary: bool, unlogged: bool) -> list[Operation]:
    """Take CREATE TABLE from after the word TABLE."""
    if_not_exists = cursor.if_not_exists()
    table = cursor.name()
    parts = _TableParts()
    parent, default, complete = None, False, True
    if cursor.accept("PARTITION", "OF"):
        parent, complete = cursor.name(), False
        if cursor.at("("):
            parts.read(cursor.group(), typed=False)
        default = _partition_bound(cursor) is None
    elif cursor.accept("OF"):
        cursor.name()
        complete = False
        if cursor.at("("):
            parts.read(cursor.group(), typed=False)
    elif cursor.at("(") and not _is_column_list_of_query(cursor):
        parts.read(cursor.group(), typed=True)
    elif cursor.at("("):
        cursor.identifiers()
    inherits = cursor.group().list_of(Cursor.name) if cursor.accept("INHERITS") else ()
    partitioned = _partition_by(cursor)
    _storage_clauses(cursor)
    reads: tuple[Name, ...] = ()
    if cursor.accept("AS"):
        complete = False
        reads = _table_query(cursor)
    cursor.finish()
    return [
        CreateTable(
            table=table,
            columns=tuple(parts.columns),
            constraints=tuple(parts.constraints),
            if_not_exists=if_not_exists,
            temporary=temporary,
            unlogged=unlogged,
            partitioned=partitioned,
            partition_of=parent,
            default_partition=default,
            inherits=inherits,
            like=tuple(parts.copied),
            reads=reads,
            complete=complete and not parts.copied and not inherits,
        )
    ]


def _is_column_list_of_query(cursor: Cursor) -> bool:
    """Whether the parentheses hold bare names, as in ``CREATE TABLE t (a, b) AS SELECT``."""
    look = Cursor(cursor.tokens, cursor.source)
    look.index = cursor.index
    inside = look.group()
    return bool(inside.tokens) and all(
        token.kind in (Kind.WORD, Kind.QUOTED) if place % 2 == 0 else token.word == ","
        for place, token in enumerate(inside.tokens)
    )


def _partition_bound(cursor: Cursor) -> str | None:
    """Take FOR VALUES … or DEFAULT; None for DEFAULT."""
    if cursor.accept("DEFAULT"):
        return None
    start = cursor.peek().start
    cursor.expect("FOR", "VALUES")
    if cursor.accept("IN") or cursor.accept("WITH"):
        cursor.group()
    else:
        cursor.expect("FROM")
        cursor.group()
        cursor.expect("TO")
        cursor.group()
    return cursor.text_since(start)


def _partition_by(cursor: Cursor) -> bool:
    if not cursor.accept("PARTITION", "BY"):
        return False
    cursor.identifier()
    cursor.group()
    return True


def _storage_clauses(cursor: Cursor) -> None:
    """Take USING method, WITH (…), ON COMMIT and TABLESPACE."""
    while True:
        if cursor.accept("USING") or cursor.accept("TABLESPACE"):
            cursor.identifier()
        elif cursor.accept("WITH"):
            cursor.group()
        elif cursor.accept("ON", "COMMIT"):
            if not (cursor.accept("PRESERVE", "ROWS") or cursor.accept("DELETE", "ROWS")):
                cursor.expect("DROP")
        elif not cursor.accept("WITHOUT", "OIDS"):
            return


def _table_query(cursor: Cursor) -> tuple[Name, ...]:
    if cursor.at("EXECUTE"):
        raise Unreadable("the query is a prepared statement")
    return query_of(query_before_with_data(cursor)[0]).reads


def query_before_with_data(cursor: Cursor) -> tuple[Cursor, bool]:
    """Take the query after AS, and WITH [NO] DATA; whether there will be data."""

    def data_clause(at: Cursor) -> bool:
        return at.at("WITH", "DATA") or at.at("WITH", "NO", "DATA")

    query = cursor.until(data_clause)
    with_data = not cursor.accept("WITH", "NO", "DATA")
    cursor.accept("WITH", "DATA")
    return query, with_data


# ALTER TABLE


def alter_table(cursor: Cursor) -> list[Operation]:
    """Take ALTER TABLE from after the word TABLE: one operation for each subcommand."""
    if cursor.at("ALL", "IN", "TABLESPACE"):
        raise Unreadable("it moves every table of a tablespace")
    if_exists = cursor.if_exists()
    cursor.accept("ONLY")
    table = cursor.name()
    cursor.accept("*")
    if cursor.done:
        raise cursor.unexpected()
    operations: list[Operation] = []
    for subcommand in cursor.split():
        try:
            operation = _subcommand(subcommand, table, if_exists=if_exists)
            subcommand.finish()
        except Unreadable as unreadable:
            subcommand.index = 0
            operation = Unresolved(
                reason=unreadable.reason,
                source=f"ALTER TABLE {table} {subcommand.text}".rstrip(),
                tables=(table,),
            )
        operations.append(operation)
    return operations


def _subcommand(cursor: Cursor, table: Name, *, if_exists: bool) -> Operation:
    match cursor.peek().word:
        case "ADD":
            cursor.next()
            return _add(cursor, table)
        case "DROP":
            cursor.next()
            return _drop(cursor, table)
        case "ALTER":
            cursor.next()
            return _alter(cursor, table)
        case "RENAME":
            cursor.next()
            return _rename(cursor, table, if_exists=if_exists)
        case "VALIDATE":
            cursor.next()
            cursor.expect("CONSTRAINT")
            return ValidateConstraint(table=table, name=cursor.identifier())
        case "SET":
            cursor.next()
            return _set(cursor, table)
        case "ATTACH" | "DETACH":
            return _partition(cursor, table)
        case _:
            return _table_setting(cursor, table)


def _add(cursor: Cursor, table: Name) -> Operation:
    if is_table_constraint(cursor):
        return AddConstraint(table=table, constraint=table_constraint(cursor))
    cursor.accept("COLUMN")
    if_not_exists = cursor.if_not_exists()
    return AddColumn(table=table, column=column_definition(cursor), if_not_exists=if_not_exists)


def _drop(cursor: Cursor, table: Name) -> Operation:
    if cursor.accept("CONSTRAINT"):
        if_exists = cursor.if_exists()
        name = cursor.identifier()
        return DropConstraint(table=table, name=name, if_exists=if_exists, cascade=cursor.cascade())
    cursor.accept("COLUMN")
    if_exists = cursor.if_exists()
    column = cursor.identifier()
    return DropColumn(table=table, column=column, if_exists=if_exists, cascade=cursor.cascade())


def _rename(cursor: Cursor, table: Name, *, if_exists: bool) -> Operation:
    if cursor.accept("TO"):
        return RenameTable(table=table, new_name=cursor.identifier(), if_exists=if_exists)
    if cursor.accept("CONSTRAINT"):
        name = cursor.identifier()
        cursor.expect("TO")
        return RenameConstraint(table=table, name=name, new_name=cursor.identifier())
    cursor.accept("COLUMN")
    column = cursor.identifier()
    cursor.expect("TO")
    return RenameColumn(table=table, column=column, new_name=cursor.identifier())


def _alter(cursor: Cursor, table: Name) -> Operation:
    if cursor.accept("CONSTRAINT"):
        name = cursor.identifier()
        return AlterConstraint(table=table, name=name, value=cursor.known_text())
    cursor.accept("COLUMN")
    column = cursor.identifier()
    if cursor.accept("SET", "DATA", "TYPE") or cursor.accept("TYPE"):
        return _change_type(cursor, table, column)
    if cursor.accept("SET", "NOT", "NULL"):
        return SetNotNull(table=table, column=column)
    if cursor.accept("DROP", "NOT", "NULL"):
        return DropNotNull(table=table, column=column)
    if cursor.accept("DROP", "DEFAULT"):
        return DropDefault(table=table, column=column)
    if cursor.accept("SET", "DEFAULT"):
        return SetDefault(table=table, column=column, default=known_expression_of(cursor))
    return _column_setting(cursor, table, column)


def _change_type(cursor: Cursor, table: Name, column: str) -> ChangeColumnType:
    column_type = read_type_at(cursor)
    collation = str(cursor.name()) if cursor.accept("COLLATE") else None
    using = known_expression_of(cursor) if cursor.accept("USING") else None
    return ChangeColumnType(
        table=table, column=column, type=column_type, using=using, collation=collation
    )


_COLUMN_SETTINGS: Final = {
    ("SET", "STATISTICS"): ColumnSetting.STATISTICS,
    ("SET", "STORAGE"): ColumnSetting.STORAGE,
    ("SET", "COMPRESSION"): ColumnSetting.COMPRESSION,
    ("SET", "EXPRESSION", "AS"): ColumnSetting.SET_EXPRESSION,
    ("DROP", "EXPRESSION"): ColumnSetting.DROP_EXPRESSION,
    ("DROP", "IDENTITY"): ColumnSetting.DROP_IDENTITY,
    ("ADD", "GENERATED"): ColumnSetting.ADD_IDENTITY,
}


def _column_setting(cursor: Cursor, table: Name, column: str) -> AlterColumnSetting:
    for words, setting in _COLUMN_SETTINGS.items():
        if cursor.accept(*words):
            value = cursor.known_text()
            return AlterColumnSetting(table=table, column=column, setting=setting, value=value)
    if cursor.at("SET", "(") or cursor.at("RESET", "("):
        setting = ColumnSetting.OPTIONS
    elif cursor.at_any("SET", "RESTART"):
        setting = ColumnSetting.SET_IDENTITY
        _expect_identity_options(cursor)
    else:
        raise cursor.unexpected()
    return AlterColumnSetting(
        table=table, column=column, setting=setting, value=cursor.known_text()
    )


_IDENTITY_OPTIONS: Final = (
    "GENERATED",
    "INCREMENT",
    "START",
    "MINVALUE",
    "MAXVALUE",
    "CACHE",
    "CYCLE",
    "NO",
)


def _expect_identity_options(cursor: Cursor) -> None:
    """Refuse a SET that PostgreSQL does not have for identity columns; take nothing."""
    if cursor.at("SET") and cursor.peek(1).word not in _IDENTITY_OPTIONS:
        cursor.next()
        raise cursor.unexpected()


def _set(cursor: Cursor, table: Name) -> Operation:
    if cursor.accept("SCHEMA"):
        return SetTableSchema(table=table, schema=cursor.identifier())
    for words, setting in (
        (("LOGGED",), TableSetting.LOGGED),
        (("UNLOGGED",), TableSetting.UNLOGGED),
        (("WITHOUT", "CLUSTER"), TableSetting.WITHOUT_CLUSTER),
    ):
        if cursor.accept(*words):
            return AlterTableSetting(table=table, setting=setting)
    if cursor.accept("TABLESPACE"):
        setting, value = TableSetting.TABLESPACE, cursor.identifier()
    elif cursor.accept("ACCESS", "METHOD"):
        setting, value = TableSetting.ACCESS_METHOD, cursor.identifier()
    elif cursor.at("("):
        setting, value = TableSetting.OPTIONS, cursor.known_text()
    else:
        raise cursor.unexpected()
    return AlterTableSetting(table=table, setting=setting, value=value)


def _partition(cursor: Cursor, table: Name) -> Operation:
    attach = cursor.next().word == "ATTACH"
    cursor.expect("PARTITION")
    partition = cursor.name()
    if attach:
        return AttachPartition(table=table, partition=partition, bound=_partition_bound(cursor))
    how = cursor.accept_any("CONCURRENTLY", "FINALIZE")
    return DetachPartition(
        table=table,
        partition=partition,
        concurrently=how == "CONCURRENTLY",
        finalize=how == "FINALIZE",
    )


_TABLE_SETTINGS: Final = {
    ("CLUSTER", "ON"): TableSetting.CLUSTER_ON,
    ("REPLICA", "IDENTITY"): TableSetting.REPLICA_IDENTITY,
    ("OWNER", "TO"): TableSetting.OWNER,
    ("OF",): TableSetting.OF_TYPE,
    ("DISABLE", "TRIGGER"): TableSetting.DISABLE_TRIGGER,
    ("ENABLE", "TRIGGER"): TableSetting.ENABLE_TRIGGER,
}


def _table_setting(cursor: Cursor, table: Name) -> AlterTableSetting:
    for words, setting in _TABLE_SETTINGS.items():
        if cursor.accept(*words):
            value = cursor.known_text()
            if not value:
                raise cursor.unexpected()
            return AlterTableSetting(table=table, setting=setting, value=value)
    if cursor.at("RESET", "("):
        return AlterTableSetting(
            table=table, setting=TableSetting.OPTIONS, value=cursor.known_text()
        )
    if cursor.accept("NOT", "OF"):
        return AlterTableSetting(table=table, setting=TableSetting.OF_TYPE, value="NOT OF")
    for words, setting in (
        (("INHERIT",), TableSetting.INHERIT),
        (("NO", "INHERIT"), TableSetting.NO_INHERIT),
    ):
        if cursor.accept(*words):
            parent = cursor.name()
            return AlterTableSetting(table=table, setting=setting, value=str(parent), other=parent)
    return _switched(cursor, table)


def _switched(cursor: Cursor, table: Name) -> AlterTableSetting:
    """Take ENABLE, DISABLE and FORCE of row security, and of triggers and rules by replica role."""
    value = cursor.text
    words = [cursor.peek(ahead).word for ahead in range(3)]
    if words[0] not in ("ENABLE", "DISABLE", "FORCE", "NO"):
        raise cursor.unexpected()
    if "ROW" in words:
        cursor.until_words("ROW")
        cursor.expect("ROW", "LEVEL", "SECURITY")
        return AlterTableSetting(table=table, setting=TableSetting.ROW_SECURITY, value=value)
    if words[0] == "ENABLE" and words[1] in ("ALWAYS", "REPLICA") and words[2] == "TRIGGER":
        return AlterTableSetting(
            table=table, setting=TableSetting.ENABLE_TRIGGER, value=cursor.known_text()
        )
    if "RULE" in words:
        return AlterTableSetting(table=table, setting=TableSetting.RULE, value=cursor.known_text())
    raise cursor.unexpected()
