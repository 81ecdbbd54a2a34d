"""Owns what DDL on tables as a whole does: create, drop, rename, settings, partitions, storage."""

from __future__ import annotations

import re
from typing import Final, assert_never

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import Check, Expression, ForeignKey, Name
from alembic_proof.operations import (
    AlterTableSetting,
    Analyze,
    AttachPartition,
    Cluster,
    CreateTable,
    DetachPartition,
    DropTable,
    LockTable,
    RenameTable,
    SetTableSchema,
    TableSetting,
    Truncate,
    Vacuum,
)
from alembic_proof.postgres.effects.bounds import implies_bound
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.schema_model import TableState

TableOperation = (
    CreateTable
    | DropTable
    | RenameTable
    | SetTableSchema
    | AlterTableSetting
    | Truncate
    | LockTable
    | AttachPartition
    | DetachPartition
    | Cluster
    | Vacuum
    | Analyze
)


def predict(effects: Collector, operation: TableOperation) -> None:
    """Add what one of these operations does."""
    match operation:
        case CreateTable():
            _create(effects, operation)
        case DropTable():
            drop_table(effects, operation.table, cascade=operation.cascade)
        case RenameTable(table=table, new_name=new_name):
            effects.touch(table, LockMode.ACCESS_EXCLUSIVE, why=f"it is renamed to {new_name}")
        case SetTableSchema(table=table, schema=schema):
            effects.touch(
                table, LockMode.ACCESS_EXCLUSIVE, why=f"it moves to the schema name {schema}"
            )
        case AlterTableSetting():
            _alter_setting(effects, operation)
        case Truncate():
            _truncate(effects, operation)
        case LockTable(tables=tables, mode=mode):
            for table in tables:
                for relation in effects.schema.query_relations(table):
                    effects.touch_tree(relation, mode, why="LOCK TABLE asks for it")
        case AttachPartition():
            _attach(effects, operation)
        case DetachPartition():
            _detach(effects, operation)
        case Cluster():
            _cluster(effects, operation)
        case Vacuum():
            _vacuum(effects, operation)
        case Analyze(tables=tables):
            for table in tables:
                effects.touch_tree(
                    table, LockMode.SHARE_UPDATE_EXCLUSIVE, why="a sample of its rows is read"
                )
        case _:
            assert_never(operation)


def reference(effects: Collector, key: ForeignKey, owner: Name, why: str) -> None:
    """Add the lock that a new foreign key takes on the table it refers to."""
    if key.table != owner:
        effects.touch_tree(key.table, LockMode.SHARE_ROW_EXCLUSIVE, why=why)


def drop_table(effects: Collector, table: Name, *, cascade: bool) -> None:
    """Add the drop of a table and of everything that goes with it.

    The triggers behind a foreign key sit on both tables, so both are locked.
    """
    schema = effects.schema
    state = schema.table(table)
    if state is None or not state.complete:
        effects.doubt(f"the foreign keys from and to {table} may not all be known")
    if state is not None and state.partition_of is not None:
        _lock_parent_of_dropped(effects, state.partition_of, table)
    for member in (table, *schema.descendants(table)):
        effects.touch(member, LockMode.ACCESS_EXCLUSIVE, why=f"{table} is dropped")
        effects.lose(member, f"every row of {member}")
        for owner, held, key in schema.foreign_key_constraints():
            # The referenced table's triggers belong to the parent's foreign key, if there is one.
            if owner == member != key.table and not held.inherited:
                effects.touch_tree(
                    key.table,
                    LockMode.ACCESS_EXCLUSIVE,
                    why=f"a foreign key of {member} refers to it and is dropped",
                )
        for other, _ in schema.referencing(member):
            if other.name != member:
                effects.touch_tree(
                    other.name,
                    LockMode.ACCESS_EXCLUSIVE,
                    why=f"its foreign key to {member} is dropped",
                )
        if cascade:
            drop_dependent_views(effects, member)


def _lock_parent_of_dropped(effects: Collector, parent: Name, table: Name) -> None:
    effects.touch(parent, LockMode.ACCESS_EXCLUSIVE, why=f"its partition {table} is dropped")
    default = effects.schema.default_partition(parent)
    if default is not None and default != table:
        effects.touch(
            default,
            LockMode.ACCESS_EXCLUSIVE,
            why=f"the partition {table} beside it is dropped",
        )


def drop_dependent_views(effects: Collector, relation: Name) -> None:
    """Add the views that CASCADE drops with a relation."""
    for view in effects.schema.views_over(relation):
        effects.touch(view, LockMode.ACCESS_EXCLUSIVE, why=f"CASCADE drops it with {relation}")
        state = effects.schema.table(view)
        if state is not None and state.kind == "materialized view":
            effects.lose(view, f"the stored result of {view}")


def _create(effects: Collector, operation: CreateTable) -> None:
    schema, table = effects.schema, operation.table
    state = schema.table(table)
    created = state is not None and state.created_in is not None
    if operation.if_not_exists and created and not schema.is_doubtful(table):
        return
    effects.touch(table, LockMode.ACCESS_EXCLUSIVE, why="it is created")
    inline = [item for column in operation.columns for item in column.constraints]
    for constraint in (*inline, *operation.constraints):
        if isinstance(constraint, ForeignKey):
            reference(effects, constraint, table, f"the new table {table} refers to it")
    for parent in operation.inherits:
        effects.touch(
            parent, LockMode.SHARE_UPDATE_EXCLUSIVE, why=f"the new table {table} inherits from it"
        )
    if operation.partition_of is not None:
        _create_partition(effects, operation.partition_of, table)
    copied = operation.like
    effects.read(
        [name for name in operation.reads if name not in copied],
        LockMode.ACCESS_SHARE,
        Work.SCAN,
        f"the query that fills {table} reads it",
    )
    for name in copied:
        effects.touch(name, LockMode.ACCESS_SHARE, why=f"{table} is made like it")


def _create_partition(effects: Collector, parent: Name, table: Name) -> None:
    schema = effects.schema
    effects.touch(parent, LockMode.ACCESS_EXCLUSIVE, why=f"{table} becomes a partition of it")
    default = schema.default_partition(parent)
    if default is not None:
        _scan_default(effects, default, table)
    for key in schema.foreign_keys(parent):
        reference(effects, key, table, f"the new partition {table} refers to it")


def _scan_default(effects: Collector, default: Name, table: Name) -> None:
    effects.touch_tree(
        default,
        LockMode.ACCESS_EXCLUSIVE,
        Work.SCAN,
        f"it must hold no row that belongs in the partition {table}",
    )
    effects.fail("23514", f"{default} holds a row that belongs in {table}")


_SHARE_UPDATE: Final = LockMode.SHARE_UPDATE_EXCLUSIVE
_ACCESS: Final = LockMode.ACCESS_EXCLUSIVE

_SETTING_LOCKS: Final = {
    TableSetting.OPTIONS: _SHARE_UPDATE,
    TableSetting.LOGGED: _ACCESS,
    TableSetting.UNLOGGED: _ACCESS,
    TableSetting.TABLESPACE: _ACCESS,
    TableSetting.ACCESS_METHOD: _ACCESS,
    TableSetting.CLUSTER_ON: _SHARE_UPDATE,
    TableSetting.WITHOUT_CLUSTER: _SHARE_UPDATE,
    TableSetting.REPLICA_IDENTITY: _ACCESS,
    TableSetting.INHERIT: _ACCESS,
    TableSetting.NO_INHERIT: _ACCESS,
    TableSetting.ROW_SECURITY: _ACCESS,
    TableSetting.ENABLE_TRIGGER: LockMode.SHARE_ROW_EXCLUSIVE,
    TableSetting.DISABLE_TRIGGER: LockMode.SHARE_ROW_EXCLUSIVE,
    TableSetting.RULE: _ACCESS,
    TableSetting.OWNER: _ACCESS,
    TableSetting.OF_TYPE: _ACCESS,
}

_STRICT_OPTIONS: Final = re.compile(
    r"\b(user_catalog_table|security_barrier|security_invoker|check_option)\b", re.IGNORECASE
)
"""Options that need ACCESS EXCLUSIVE (``reloptions.c``); all others are SHARE UPDATE EXCLUSIVE."""


def _alter_setting(effects: Collector, operation: AlterTableSetting) -> None:
    table, setting = operation.table, operation.setting
    lock, work = _SETTING_LOCKS[setting], Work.CATALOG
    why = f"ALTER TABLE … {setting}"
    if setting is TableSetting.OPTIONS and _STRICT_OPTIONS.search(operation.value):
        lock = _ACCESS
    elif setting in (TableSetting.LOGGED, TableSetting.UNLOGGED):
        work = _change_persistence(effects, operation)
    elif setting is TableSetting.TABLESPACE:
        work, why = Work.REWRITE, "its storage is copied to the other tablespace"
    elif setting is TableSetting.ACCESS_METHOD and operation.value.strip('" ').lower() != "heap":
        work, why = Work.REWRITE, "its rows are copied to the other access method"
    elif setting is TableSetting.INHERIT and operation.other is not None:
        effects.touch(operation.other, _SHARE_UPDATE, why=f"{table} inherits from it")
    elif setting is TableSetting.NO_INHERIT and operation.other is not None:
        effects.touch(
            operation.other, LockMode.ACCESS_SHARE, why=f"{table} no longer inherits from it"
        )
    effects.touch(table, lock, work, why)
    if setting in _TRIGGER_SETTINGS and _has_triggers(effects, table, operation.value):
        effects.touch_tree(table, lock, work, why)


_TRIGGER_SETTINGS: Final = (TableSetting.ENABLE_TRIGGER, TableSetting.DISABLE_TRIGGER)


def _has_triggers(effects: Collector, table: Name, which: str) -> bool:
    """Whether the table may have a trigger that the setting means; ALL includes foreign keys'."""
    state = effects.schema.table(table)
    if state is None or not state.complete or state.triggers:
        return True
    keys = [*effects.schema.foreign_keys(table), *effects.schema.referencing(table)]
    return "ALL" in which.upper().split() and bool(keys)


def _change_persistence(effects: Collector, operation: AlterTableSetting) -> Work:
    to_unlogged = operation.setting is TableSetting.UNLOGGED
    state = effects.schema.table(operation.table)
    if state is not None and state.unlogged is to_unlogged:
        return Work.CATALOG
    return Work.REWRITE


def _truncate(effects: Collector, operation: Truncate) -> None:
    todo = list(operation.tables)
    done: set[Name] = set()
    while todo:
        table = todo.pop(0)
        if table in done:
            continue
        members = (table, *effects.schema.descendants(table))
        done.update(members)
        effects.touch_tree(
            table, LockMode.ACCESS_EXCLUSIVE, Work.REWRITE, "TRUNCATE gives it new, empty storage"
        )
        for member in members:
            effects.lose(member, f"every row of {member}")
            if operation.cascade:
                todo.extend(other.name for other, _ in effects.schema.referencing(member))


def _attach(effects: Collector, operation: AttachPartition) -> None:
    schema, parent, partition = effects.schema, operation.table, operation.partition
    effects.touch(parent, _SHARE_UPDATE, why=f"{partition} becomes a partition of it")
    work, why = Work.CATALOG, f"it becomes a partition of {parent}"
    if operation.bound is None and not _siblings(effects, parent, partition):
        why += ", as the only one and for every row"
    elif operation.bound is None:
        effects.doubt(f"the bounds of the other partitions of {parent} are not known")
        work, why = Work.SCAN, f"every row must fit no other partition of {parent}"
        effects.fail("23514", f"a row of {partition} belongs in another partition")
    elif not _proves_bound(schema.table(partition), operation.bound):
        work = Work.SCAN
        why = f"every row must fit the bound of its place in {parent}"
        effects.fail("23514", f"a row of {partition} does not fit the bound of the partition")
    effects.touch_tree(partition, LockMode.ACCESS_EXCLUSIVE, work, why)
    default = schema.default_partition(parent)
    if default is not None:
        _scan_default(effects, default, partition)
    _attach_indexes(effects, parent, partition)
    for key in schema.foreign_keys(parent):
        effects.touch_tree(
            key.table,
            LockMode.SHARE_ROW_EXCLUSIVE,
            Work.SCAN,
            f"the foreign key of the partition {partition} is validated against it",
        )
        effects.fail("23503", f"a row of {partition} has no match in {key.table}")
        effects.touch_tree(
            partition,
            LockMode.ACCESS_EXCLUSIVE,
            Work.SCAN,
            f"the foreign key of {parent} to {key.table} is validated",
        )


def _siblings(effects: Collector, parent: Name, partition: Name) -> bool:
    return any(name != partition for name in effects.schema.partitions(parent))


def _attach_indexes(effects: Collector, parent: Name, partition: Name) -> None:
    owner, joined = effects.schema.table(parent), effects.schema.table(partition)
    if owner is None:
        return
    present = (
        {(index.keys, index.unique, index.method) for index in joined.indexes.values()}
        if joined
        else set()
    )
    for index in owner.indexes.values():
        if (index.keys, index.unique, index.method) not in present:
            effects.touch_tree(
                partition,
                LockMode.ACCESS_EXCLUSIVE,
                Work.INDEX_BUILD,
                f"it has no index like {index.name} of {parent}",
            )
            if index.unique:
                keys = ", ".join(index.columns)
                effects.fail("23505", f"two rows of {partition} have the same ({keys})")


def _proves_bound(partition: TableState | None, bound: str | None) -> bool:
    """Whether a validated CHECK makes the scan of ATTACH unnecessary.

    PostgreSQL must be able to prove from it the bound and that the key is not NULL.
    """
    if partition is None or bound is None:
        return False
    for state in partition.constraints.values():
        if state.valid and isinstance(state.constraint, Check):
            expression = state.constraint.expression
            if _never_null(partition, expression) and implies_bound(expression.text, bound):
                return True
    return False


def _never_null(partition: TableState, expression: Expression) -> bool:
    states = partition.columns
    return all(
        column in expression.proves_not_null
        or (column in states and states[column].nullable is False)
        for column in expression.columns
    )


def _detach(effects: Collector, operation: DetachPartition) -> None:
    schema, parent, partition = effects.schema, operation.table, operation.partition
    gentle = operation.concurrently or operation.finalize
    effects.outside_transaction = operation.concurrently
    effects.touch(
        parent,
        _SHARE_UPDATE if gentle else LockMode.ACCESS_EXCLUSIVE,
        why=f"its partition {partition} is detached",
    )
    effects.touch_tree(partition, LockMode.ACCESS_EXCLUSIVE, why=f"it is detached from {parent}")
    default = schema.default_partition(parent)
    if default is not None and default != partition:
        effects.touch(
            default,
            LockMode.ACCESS_EXCLUSIVE,
            why=f"the partition {partition} beside it is detached",
        )
    for key in schema.foreign_keys(parent):
        reference(effects, key, partition, f"the detached {partition} keeps a foreign key to it")


def _cluster(effects: Collector, operation: Cluster) -> None:
    if operation.table is None:
        effects.outside_transaction = True
        effects.doubt("which tables were clustered before is not known")
        return
    state = effects.schema.table(operation.table)
    effects.outside_transaction = state is not None and state.partitioned
    effects.touch_tree(
        operation.table,
        LockMode.ACCESS_EXCLUSIVE,
        Work.REWRITE,
        "CLUSTER copies it in the order of an index",
    )


def _vacuum(effects: Collector, operation: Vacuum) -> None:
    effects.outside_transaction = True
    if not operation.tables:
        effects.doubt("VACUUM visits every table of the database")
    for table in operation.tables:
        if operation.full:
            effects.touch_tree(
                table, LockMode.ACCESS_EXCLUSIVE, Work.REWRITE, "VACUUM FULL copies it"
            )
        else:
            effects.touch_tree(table, _SHARE_UPDATE, Work.SCAN, "VACUUM reads it")
