"""Owns what DDL on sequences, functions, triggers, policies and the remaining objects does."""

from __future__ import annotations

from typing import Final, assert_never

from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import (
    AlterSequence,
    CallFunction,
    ChangeObject,
    ChangePolicy,
    ChangePrivileges,
    Comment,
    CreateExtension,
    CreateFunction,
    CreateSchema,
    CreateSequence,
    CreateStatistics,
    CreateTrigger,
    DropExtension,
    DropFunction,
    DropSchema,
    DropSequence,
    DropTrigger,
    RenameSchema,
    RenameTrigger,
)
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.postgres.effects.tables import drop_table
from alembic_proof.postgres.versions import GRANT_LOCKS

OtherOperation = (
    CreateSequence
    | AlterSequence
    | DropSequence
    | CreateFunction
    | DropFunction
    | CallFunction
    | CreateTrigger
    | DropTrigger
    | RenameTrigger
    | ChangePolicy
    | CreateStatistics
    | CreateExtension
    | DropExtension
    | CreateSchema
    | DropSchema
    | RenameSchema
    | Comment
    | ChangePrivileges
    | ChangeObject
)

_ACCESS: Final = LockMode.ACCESS_EXCLUSIVE


def predict(effects: Collector, operation: OtherOperation) -> None:
    """Add what one of these operations does."""
    match operation:
        case CreateSequence(owned_by=(table, column)) | AlterSequence(owned_by=(table, column)):
            effects.touch(
                table, LockMode.ACCESS_SHARE, why=f"the sequence is owned by its column {column}"
            )
        case CreateTrigger():
            _create_trigger(effects, operation)
        case DropTrigger(table=table, name=name, if_exists=if_exists):
            state = effects.schema.table(table)
            if if_exists and state and state.complete and name not in state.triggers:
                return
            effects.touch_tree(table, _ACCESS, why=f"its trigger {name} is dropped")
        case RenameTrigger(table=table, name=name):
            effects.touch_tree(table, _ACCESS, why=f"its trigger {name} is renamed")
        case ChangePolicy(verb=verb, table=table, name=name):
            effects.touch(table, _ACCESS, why=f"{verb} POLICY {name}")
        case CreateStatistics(table=table):
            effects.touch(
                table, LockMode.SHARE_UPDATE_EXCLUSIVE, why="extended statistics are declared"
            )
        case Comment():
            _comment(effects, operation)
        case DropSequence() | DropFunction() | DropExtension():
            _drop(effects, operation)
        case DropSchema():
            _drop_schema(effects, operation)
        case CallFunction(function=function):
            effects.doubt(f"what the function {function} does is not known")
        case ChangeObject():
            _change_object(effects, operation)
        case ChangePrivileges():
            _change_privileges(effects, operation)
        case (
            CreateSequence()
            | AlterSequence()
            | CreateFunction()
            | CreateExtension()
            | CreateSchema()
            | RenameSchema()
        ):
            pass
        case _:
            assert_never(operation)


def _change_privileges(effects: Collector, operation: ChangePrivileges) -> None:
    verb = operation.verb.upper()
    if verb.startswith(("REASSIGN", "DROP OWNED")):
        effects.doubt(f"which tables {verb} changes is not known")
    if effects.version >= GRANT_LOCKS:
        for table in operation.tables:
            effects.touch(table, LockMode.ACCESS_SHARE, why=f"{verb} names it")


_RELATION_KINDS: Final = ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "COLUMN")


def _comment(effects: Collector, operation: Comment) -> None:
    kind = operation.kind.upper()
    table = operation.table
    if table is None and kind in _RELATION_KINDS:
        schema, _, name = operation.name.rpartition(".")
        table = Name.of(name, schema or None)
    if table is None:
        return
    lock = LockMode.SHARE_UPDATE_EXCLUSIVE if kind in _RELATION_KINDS else LockMode.ACCESS_SHARE
    effects.touch(table, lock, why=f"COMMENT ON {kind}")


def _create_trigger(effects: Collector, operation: CreateTrigger) -> None:
    effects.touch_tree(
        operation.table,
        LockMode.SHARE_ROW_EXCLUSIVE,
        why=f"the trigger {operation.name} is created",
    )
    if operation.referenced is not None:
        effects.touch(
            operation.referenced,
            LockMode.ACCESS_SHARE,
            why=f"the constraint trigger {operation.name} refers to it",
        )


def _drop(effects: Collector, operation: DropSequence | DropFunction | DropExtension) -> None:
    if not operation.cascade:
        return
    match operation:
        case DropSequence(sequence=name):
            effects.doubt(f"the columns whose default uses the sequence {name} are not known")
        case DropFunction(function=name):
            effects.doubt(f"the triggers, defaults and views that use {name} are not known")
        case DropExtension(extension=extension):
            effects.doubt(f"the columns that use the extension {extension} are not known")
        case _:
            assert_never(operation)


def _drop_schema(effects: Collector, operation: DropSchema) -> None:
    if not operation.cascade:
        return
    for name, state in list(effects.schema.tables.items()):
        if name.schema != operation.schema:
            continue
        if state.kind == "table":
            drop_table(effects, name, cascade=True)
        else:
            effects.touch(name, _ACCESS, why=f"the schema name {operation.schema} is dropped")


_OBJECT_LOCKS: Final = {
    "RULE": LockMode.ACCESS_EXCLUSIVE,
    "PUBLICATION": LockMode.SHARE_UPDATE_EXCLUSIVE,
}
_OUTSIDE: Final = {
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("ALTER", "SYSTEM"),
}


def _change_object(effects: Collector, operation: ChangeObject) -> None:
    kind = operation.kind.upper()
    effects.outside_transaction = (operation.verb.upper(), kind) in _OUTSIDE
    lock = _OBJECT_LOCKS.get(kind)
    if lock is None:
        return
    for table in operation.tables:
        effects.touch(table, lock, why=f"{operation.verb} {kind} {operation.name}".strip())
