"""Owns how an operation is called in a message: the SQL words and the user's own names."""

from __future__ import annotations

import re

from alembic_proof.objects import Check, Exclude, ForeignKey, NotNull, PrimaryKey, Unique
from alembic_proof.operations import (
    AddColumn,
    AddConstraint,
    AlterColumnSetting,
    AlterTableSetting,
    AlterType,
    AttachPartition,
    CallFunction,
    ChangeColumnType,
    Cluster,
    CreateIndex,
    CreateTable,
    CreateTrigger,
    CreateView,
    DeleteRows,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropTable,
    DropTrigger,
    DropView,
    InsertRows,
    LockTable,
    MergeRows,
    Operation,
    RefreshMaterializedView,
    Reindex,
    RenameColumn,
    RenameTable,
    SelectRows,
    SetDefault,
    SetNotNull,
    Truncate,
    Unresolved,
    UpdateRows,
    Vacuum,
    ValidateConstraint,
)

_CONSTRAINT_WORDS = {
    PrimaryKey: "PRIMARY KEY",
    Unique: "UNIQUE",
    ForeignKey: "FOREIGN KEY",
    Check: "CHECK",
    Exclude: "EXCLUDE",
    NotNull: "NOT NULL",
}


def words(operation: Operation) -> str:
    """The operation in a few words that can begin a message: ``ADD COLUMN orders.note``."""
    return (
        _column_words(operation)
        or _table_words(operation)
        or _rows_words(operation)
        or _index_words(operation)
        or _plain_words(operation)
    )


def _column_words(operation: Operation) -> str:
    match operation:
        case AddColumn(table=table, column=column):
            return f"ADD COLUMN {table}.{column.name}"
        case DropColumn(table=table, column=column):
            return f"DROP COLUMN {table}.{column}"
        case RenameColumn(table=table, column=column, new_name=new_name):
            return f"RENAME COLUMN {table}.{column} TO {new_name}"
        case ChangeColumnType(table=table, column=column, type=new_type):
            return f"ALTER COLUMN {table}.{column} TYPE{f' {new_type}' if new_type else ''}"
        case SetNotNull(table=table, column=column):
            return f"SET NOT NULL on {table}.{column}"
        case DropNotNull(table=table, column=column):
            return f"DROP NOT NULL on {table}.{column}"
        case SetDefault(table=table, column=column):
            return f"SET DEFAULT on {table}.{column}"
        case DropDefault(table=table, column=column):
            return f"DROP DEFAULT on {table}.{column}"
        case AlterColumnSetting(table=table, column=column, setting=setting):
            return f"ALTER COLUMN {table}.{column} {setting}"
        case _:
            return ""


def _table_words(operation: Operation) -> str:
    match operation:
        case CreateTable(table=table):
            return f"CREATE TABLE {table}"
        case DropTable(table=table):
            return f"DROP TABLE {table}"
        case RenameTable(table=table, new_name=new_name):
            return f"RENAME TABLE {table} TO {new_name}"
        case AlterTableSetting(table=table, setting=setting):
            return f"ALTER TABLE {table} {setting}"
        case AttachPartition(table=table, partition=partition):
            return f"ATTACH PARTITION {partition} to {table}"
        case DetachPartition(table=table, partition=partition):
            return f"DETACH PARTITION {partition} from {table}"
        case AddConstraint(table=table, constraint=constraint):
            kind = _CONSTRAINT_WORDS[type(constraint)]
            return f"ADD {kind} {constraint.name or ''} on {table}".replace("  ", " ")
        case ValidateConstraint(table=table, name=name):
            return f"VALIDATE CONSTRAINT {name} on {table}"
        case DropConstraint(table=table, name=name):
            return f"DROP CONSTRAINT {name or '(unnamed)'} on {table}"
        case CreateTrigger(table=table, name=name):
            return f"CREATE TRIGGER {name} on {table}"
        case DropTrigger(table=table, name=name):
            return f"DROP TRIGGER {name} on {table}"
        case CreateView(view=view, materialized=materialized):
            return f"CREATE {'MATERIALIZED ' if materialized else ''}VIEW {view}"
        case DropView(view=view, materialized=materialized):
            return f"DROP {'MATERIALIZED ' if materialized else ''}VIEW {view}"
        case RefreshMaterializedView(view=view):
            return f"REFRESH MATERIALIZED VIEW {view}"
        case AlterType(type=name, action=action):
            return f"ALTER TYPE {name} {action}".rstrip()
        case _:
            return ""


def _rows_words(operation: Operation) -> str:
    match operation:
        case InsertRows(table=table):
            return f"INSERT INTO {table}"
        case UpdateRows(table=table):
            return f"UPDATE {table}"
        case DeleteRows(table=table):
            return f"DELETE FROM {table}"
        case MergeRows(table=table):
            return f"MERGE INTO {table}"
        case SelectRows(reads=reads):
            return f"SELECT FROM {', '.join(map(str, reads))}" if reads else "SELECT"
        case CallFunction(function=function):
            return f"call of {function}()"
        case Truncate(tables=tables):
            return f"TRUNCATE {', '.join(map(str, tables))}"
        case LockTable(tables=tables):
            return f"LOCK TABLE {', '.join(map(str, tables))}"
        case Unresolved():
            return "an operation that could not be understood"
        case _:
            return ""


def _index_words(operation: Operation) -> str:
    match operation:
        case CreateIndex(name=name, table=table, unique=unique, concurrently=concurrently):
            kind = f"CREATE {'UNIQUE ' if unique else ''}INDEX"
            kind += " CONCURRENTLY" if concurrently else ""
            return f"{kind} {name}" if name else f"{kind} on {table}"
        case DropIndex(index=index, concurrently=concurrently):
            return f"DROP INDEX {'CONCURRENTLY ' if concurrently else ''}{index}"
        case Reindex(kind=kind, name=name, concurrently=concurrently):
            return f"REINDEX {kind} {'CONCURRENTLY ' if concurrently else ''}{name or ''}".rstrip()
        case Cluster(table=table):
            return f"CLUSTER {table or ''}".rstrip()
        case Vacuum(tables=tables, full=full):
            kind = "VACUUM FULL" if full else "VACUUM"
            return f"{kind} {', '.join(map(str, tables))}".rstrip()
        case _:
            return ""


def _plain_words(operation: Operation) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(operation).__name__).upper()
