"""Owns what DDL on indexes does to the tables they are on."""

from __future__ import annotations

from typing import Final, assert_never

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import (
    AlterIndex,
    CreateIndex,
    DropIndex,
    Reindex,
    RenameIndex,
)
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.postgres.versions import REINDEX_PARTITIONED

IndexOperation = CreateIndex | DropIndex | RenameIndex | AlterIndex | Reindex

_CONCURRENT: Final = LockMode.SHARE_UPDATE_EXCLUSIVE


def predict(effects: Collector, operation: IndexOperation) -> None:
    """Add what one of these operations does."""
    match operation:
        case CreateIndex():
            _create(effects, operation)
        case DropIndex():
            _drop(effects, operation)
        case RenameIndex():
            pass
        case AlterIndex():
            _alter(effects, operation)
        case Reindex():
            _reindex(effects, operation)
        case _:
            assert_never(operation)


def _create(effects: Collector, operation: CreateIndex) -> None:
    table, name = operation.table, operation.name
    lock = _CONCURRENT if operation.concurrently else LockMode.SHARE
    effects.outside_transaction = operation.concurrently
    state = effects.schema.table(table)
    known = state is not None and name in state.indexes
    if operation.if_not_exists and known and not effects.schema.is_doubtful(table, name or ""):
        effects.touch(table, lock, why=f"the index {name} exists already")
        return
    why = f"the index {name or 'without a name'} is built"
    if operation.only and state is not None and state.partitioned:
        effects.touch(table, lock, why=f"{why} on ONLY the parent, without its partitions")
        return
    effects.touch(table, lock, effects.own_work(table, Work.INDEX_BUILD), why)
    for partition in effects.schema.partitions(table):
        effects.touch(partition, lock, effects.own_work(partition, Work.INDEX_BUILD), why)
    if operation.unique:
        keys = ", ".join(
            key.column or (key.expression.text if key.expression else "?") for key in operation.keys
        )
        where = f" where {operation.where.text}" if operation.where else ""
        effects.fail("23505", f"two rows of {table} have the same ({keys}){where}")


def _owner(effects: Collector, index: Name) -> Name | None:
    owner = effects.schema.table_of_index(index)
    if owner is None:
        effects.doubt(f"the table that the index {index} is on is not known")
    return owner


def _drop(effects: Collector, operation: DropIndex) -> None:
    effects.outside_transaction = operation.concurrently
    table = operation.table or _owner(effects, operation.index)
    if table is None:
        return
    why = f"its index {operation.index} is dropped"
    if operation.concurrently:
        effects.touch(table, _CONCURRENT, why=why)
        return
    effects.touch(table, LockMode.ACCESS_EXCLUSIVE, why=why)
    for partition in effects.schema.partitions(table):
        effects.touch(partition, LockMode.ACCESS_EXCLUSIVE, why=why)


def _alter(effects: Collector, operation: AlterIndex) -> None:
    action = operation.value.upper()
    if "SET TABLESPACE" not in action:
        return
    table = _owner(effects, operation.index)
    if table is not None:
        effects.touch(
            table,
            LockMode.ACCESS_EXCLUSIVE,
            Work.INDEX_BUILD,
            f"its index {operation.index} is copied under a lock that every query needs",
        )


def _reindex(effects: Collector, operation: Reindex) -> None:
    lock = _CONCURRENT if operation.concurrently else LockMode.SHARE
    effects.outside_transaction = operation.concurrently
    match operation.kind:
        case "INDEX":
            table = _owner(effects, operation.name) if operation.name else None
            why = f"its index {operation.name} is rebuilt; queries on it wait for that too"
        case "TABLE":
            table, why = operation.name, "its indexes are rebuilt"
        case "SCHEMA" | "DATABASE" | "SYSTEM":
            effects.outside_transaction = True
            effects.doubt(f"REINDEX {operation.kind} visits every table there")
            return
        case _:
            assert_never(operation.kind)
    if table is None:
        return
    state = effects.schema.table(table)
    if state is not None and state.partitioned and effects.version >= REINDEX_PARTITIONED:
        effects.outside_transaction = True
    effects.touch(table, lock, effects.own_work(table, Work.INDEX_BUILD), why)
    for partition in effects.schema.partitions(table):
        # The list of partitions is made under SHARE, CONCURRENTLY or not (ReindexPartitions).
        listed = LockMode.SHARE if operation.kind == "TABLE" else lock
        effects.touch(partition, listed, effects.own_work(partition, Work.INDEX_BUILD), why)
