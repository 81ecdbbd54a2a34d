"""Owns ALTER of everything but tables, and DROP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alembic_proof.linter.sql.columns import table_constraint
from alembic_proof.linter.sql.cursor import Cursor, Unreadable
from alembic_proof.linter.sql.definitions import (
    Parser,
    object_kind,
    object_name,
    publication_tables,
    sequence_options,
)
from alembic_proof.linter.sql.tables import alter_table
from alembic_proof.objects import Name
from alembic_proof.operations import (
    AddEnumValue,
    AlterIndex,
    AlterSequence,
    AlterType,
    AlterView,
    ChangeObject,
    ChangePolicy,
    ChangePrivileges,
    DropExtension,
    DropFunction,
    DropIndex,
    DropSchema,
    DropSequence,
    DropTable,
    DropTrigger,
    DropType,
    DropView,
    Operation,
    RenameEnumValue,
    RenameIndex,
    RenameSchema,
    RenameTrigger,
)

# ALTER


def alter(cursor: Cursor) -> list[Operation]:
    """Take ALTER … from after the word ALTER."""
    if cursor.accept("DEFAULT", "PRIVILEGES"):
        sql = cursor.known_text()
        return [
            ChangePrivileges(verb="ALTER DEFAULT PRIVILEGES", sql=f"ALTER DEFAULT PRIVILEGES {sql}")
        ]
    if cursor.accept("MATERIALIZED", "VIEW"):
        return _alter_view(cursor, materialized=True)
    for word, parser in _ALTER.items():
        if cursor.accept(word):
            return parser(cursor)
    return _alter_other(cursor)


def _alter_view(cursor: Cursor, *, materialized: bool = False) -> list[Operation]:
    if cursor.at("ALL", "IN", "TABLESPACE"):
        raise Unreadable("it moves every view of a tablespace")
    cursor.if_exists()
    view = cursor.name()
    action, new_name = _action(cursor)
    return [AlterView(view=view, action=action, materialized=materialized, new_name=new_name)]


def _action(cursor: Cursor) -> tuple[str, str | None]:
    """Take what follows the name of an object: its text, and the new name of RENAME TO."""
    action = cursor.text
    if not action:
        raise cursor.unexpected()
    if cursor.accept("RENAME", "TO"):
        new_name = cursor.identifier()
        cursor.finish()
        return action, new_name
    return cursor.known_text(), None


def _alter_index(cursor: Cursor) -> list[Operation]:
    if cursor.at("ALL", "IN", "TABLESPACE"):
        raise Unreadable("it moves every index of a tablespace")
    cursor.if_exists()
    index = cursor.name()
    value, new_name = _action(cursor)
    if new_name is not None:
        return [RenameIndex(index=index, new_name=new_name)]
    return [AlterIndex(index=index, value=value)]


def _alter_sequence(cursor: Cursor) -> list[Operation]:
    cursor.if_exists()
    sequence = cursor.name()
    if cursor.at_any("RENAME", "OWNER") or cursor.at("SET", "SCHEMA"):
        action, new_name = _action(cursor)
        return [AlterSequence(sequence=sequence, action=action, new_name=new_name)]
    action = cursor.text
    if not action:
        raise cursor.unexpected()
    owned_by = sequence_options(cursor)
    return [AlterSequence(sequence=sequence, action=action, owned_by=owned_by)]


def _alter_type(cursor: Cursor) -> list[Operation]:
    type_ = cursor.name()
    if cursor.accept("ADD", "VALUE"):
        if_not_exists = cursor.if_not_exists()
        value = cursor.string()
        before = cursor.string() if cursor.accept("BEFORE") else None
        after = cursor.string() if cursor.accept("AFTER") else None
        cursor.finish()
        return [
            AddEnumValue(
                type=type_, value=value, before=before, after=after, if_not_exists=if_not_exists
            )
        ]
    if cursor.accept("RENAME", "VALUE"):
        value = cursor.string()
        cursor.expect("TO")
        new_value = cursor.string()
        cursor.finish()
        return [RenameEnumValue(type=type_, value=value, new_value=new_value)]
    action, new_name = _action(cursor)
    return [AlterType(type=type_, action=action, new_name=new_name)]


def _alter_domain(cursor: Cursor) -> list[Operation]:
    domain = cursor.name()
    if not cursor.at("ADD"):
        action, new_name = _action(cursor)
        return [AlterType(type=domain, action=action, new_name=new_name)]
    action = cursor.text
    cursor.expect("ADD")
    if cursor.at("NOT", "NULL") or (cursor.at("CONSTRAINT") and cursor.peek(2).word == "NOT"):
        action = f"ADD {cursor.known_text()}"
        return [AlterType(type=domain, action=action)]
    constraint = table_constraint(cursor)
    cursor.finish()
    return [AlterType(type=domain, action=action, constraint=constraint)]


def _alter_schema(cursor: Cursor) -> list[Operation]:
    schema = cursor.identifier()
    action, new_name = _action(cursor)
    if new_name is not None:
        return [RenameSchema(schema=schema, new_name=new_name)]
    sql = f"ALTER SCHEMA {schema} {action}"
    return [ChangeObject(verb="ALTER", kind="SCHEMA", name=schema, sql=sql)]


def _alter_trigger(cursor: Cursor) -> list[Operation]:
    name = cursor.identifier()
    cursor.expect("ON")
    table = cursor.name()
    action, new_name = _action(cursor)
    if new_name is not None:
        return [RenameTrigger(table=table, name=name, new_name=new_name)]
    sql = f"ALTER TRIGGER {name} ON {table} {action}"
    return [ChangeObject(verb="ALTER", kind="TRIGGER", name=name, tables=(table,), sql=sql)]


def _alter_policy(cursor: Cursor) -> list[Operation]:
    name = cursor.identifier()
    cursor.expect("ON")
    table = cursor.name()
    if not cursor.at_any("RENAME", "TO", "USING", "WITH"):
        raise cursor.unexpected()
    cursor.rest()
    return [ChangePolicy(verb="ALTER", table=table, name=name)]


def _alter_named(kind: str) -> Parser:
    """A parser for ALTER of an object that is a ``ChangeObject`` of this kind."""

    def parser(cursor: Cursor) -> list[Operation]:
        sql = f"ALTER {kind} {cursor.text}"
        name = str(cursor.name())
        cursor.known_text()
        return [ChangeObject(verb="ALTER", kind=kind, name=name, sql=sql)]

    return parser


def _alter_other(cursor: Cursor) -> list[Operation]:
    cursor.accept("TRUSTED")
    sql = f"ALTER {cursor.text}"
    kind = object_kind(cursor)
    cursor.if_exists()
    name = object_name(cursor, kind)
    tables: tuple[Name, ...] = ()
    if kind == "RULE":
        cursor.expect("ON")
        tables = (cursor.name(),)
    elif kind == "PUBLICATION" and cursor.accept_any("ADD", "SET", "DROP"):
        tables = publication_tables(cursor) if cursor.accept("TABLE") else ()
    cursor.known_text()
    return [ChangeObject(verb="ALTER", kind=kind, name=name, tables=tables, sql=sql)]


_ALTER: Final[dict[str, Parser]] = {
    "TABLE": alter_table,
    "INDEX": _alter_index,
    "SEQUENCE": _alter_sequence,
    "TYPE": _alter_type,
    "DOMAIN": _alter_domain,
    "VIEW": _alter_view,
    "SCHEMA": _alter_schema,
    "TRIGGER": _alter_trigger,
    "POLICY": _alter_policy,
    "FUNCTION": _alter_named("FUNCTION"),
    "PROCEDURE": _alter_named("PROCEDURE"),
    "ROUTINE": _alter_named("ROUTINE"),
    "EXTENSION": _alter_named("EXTENSION"),
    "STATISTICS": _alter_named("STATISTICS"),
}


# DROP

_Make = Callable[[Name, bool, bool], Operation]

_DROP: Final[dict[str, _Make]] = {
    "TABLE": lambda name, missing_ok, cascade: DropTable(
        table=name, if_exists=missing_ok, cascade=cascade
    ),
    "VIEW": lambda name, missing_ok, cascade: DropView(
        view=name, if_exists=missing_ok, cascade=cascade
    ),
    "MATERIALIZED VIEW": lambda name, missing_ok, cascade: DropView(
        view=name, materialized=True, if_exists=missing_ok, cascade=cascade
    ),
    "SEQUENCE": lambda name, missing_ok, cascade: DropSequence(
        sequence=name, if_exists=missing_ok, cascade=cascade
    ),
    "TYPE": lambda name, missing_ok, cascade: DropType(
        type=name, if_exists=missing_ok, cascade=cascade
    ),
    "DOMAIN": lambda name, missing_ok, cascade: DropType(
        type=name, if_exists=missing_ok, cascade=cascade
    ),
    "SCHEMA": lambda name, missing_ok, cascade: DropSchema(
        schema=name.name, if_exists=missing_ok, cascade=cascade
    ),
    "EXTENSION": lambda name, missing_ok, cascade: DropExtension(
        extension=name.name, if_exists=missing_ok, cascade=cascade
    ),
}
_ROUTINES: Final = ("FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE")


def drop(cursor: Cursor) -> list[Operation]:
    """Take DROP … from after the word DROP: one operation for each object."""
    if cursor.at("OWNED", "BY"):
        raise Unreadable("it drops whatever the role owns")
    if cursor.accept("INDEX"):
        return _drop_index(cursor)
    for kind, make in _DROP.items():
        if cursor.accept(*kind.split()):
            return _drop_names(cursor, make)
    if cursor.accept_any(*_ROUTINES):
        return _drop_routines(cursor)
    if cursor.at_any("TRIGGER", "POLICY", "RULE"):
        return _drop_from_table(cursor)
    return _drop_other(cursor)


def _drop_names(cursor: Cursor, make: _Make) -> list[Operation]:
    if_exists = cursor.if_exists()
    names = cursor.list_of(Cursor.name)
    cascade = cursor.cascade()
    cursor.finish()
    return [make(name, if_exists, cascade) for name in names]


def _drop_index(cursor: Cursor) -> list[Operation]:
    concurrently = cursor.accept("CONCURRENTLY")
    return _drop_names(
        cursor,
        lambda name, missing_ok, cascade: DropIndex(
            index=name, concurrently=concurrently, if_exists=missing_ok, cascade=cascade
        ),
    )


def _drop_routines(cursor: Cursor) -> list[Operation]:
    def routine(item: Cursor) -> Name:
        name = item.name()
        if item.at("("):
            item.group()
        return name

    if_exists = cursor.if_exists()
    names = cursor.list_of(routine)
    cascade = cursor.cascade()
    cursor.finish()
    return [DropFunction(function=name, if_exists=if_exists, cascade=cascade) for name in names]


def _drop_from_table(cursor: Cursor) -> list[Operation]:
    """Take DROP of something that is named together with its table."""
    sql = f"DROP {cursor.text}"
    kind = cursor.next().word
    if_exists = cursor.if_exists()
    name = cursor.identifier()
    cursor.expect("ON")
    table = cursor.name()
    cascade = cursor.cascade()
    cursor.finish()
    if kind == "TRIGGER":
        return [DropTrigger(table=table, name=name, if_exists=if_exists, cascade=cascade)]
    if kind == "POLICY":
        return [ChangePolicy(verb="DROP", table=table, name=name)]
    return [ChangeObject(verb="DROP", kind=kind, name=name, tables=(table,), sql=sql)]


def _drop_other(cursor: Cursor) -> list[Operation]:
    sql = f"DROP {cursor.text}"
    kind = "STATISTICS" if cursor.accept("STATISTICS") else object_kind(cursor)
    cursor.if_exists()
    name = object_name(cursor, kind)
    cursor.known_text()
    return [ChangeObject(verb="DROP", kind=kind, name=name, sql=sql)]
