"""Owns what statements on rows do, foreign keys included."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, assert_never

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import ForeignKey, Name
from alembic_proof.operations import DeleteRows, InsertRows, MergeRows, SelectRows, UpdateRows
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.schema_model import TableState

RowOperation = InsertRows | UpdateRows | DeleteRows | MergeRows | SelectRows

_WRITE: Final = LockMode.ROW_EXCLUSIVE
_CASCADING: Final = ("CASCADE", "SET NULL", "SET DEFAULT")


def predict(effects: Collector, operation: RowOperation) -> None:
    """Add what one of these operations does."""
    match operation:
        case InsertRows(table=table, columns=columns, reads=reads):
            _insert(effects, table)
            _check_parents(effects, table, columns or None)
            _read(effects, reads)
        case UpdateRows():
            work, why = _reach(effects, operation)
            _write(effects, operation.table, work, f"{why} to be updated")
            _check_parents(effects, operation.table, operation.columns)
            _check_children_of_update(effects, operation.table, operation.columns)
            _read(effects, operation.reads)
        case DeleteRows():
            work, why = _reach(effects, operation)
            _write(effects, operation.table, work, f"{why} to be deleted")
            if operation.where is None:
                effects.lose(operation.table, f"every row of {operation.table}")
            _check_children_of_delete(effects, operation.table, set())
            _read(effects, operation.reads)
        case MergeRows(table=table, reads=reads):
            _write(effects, table, Work.SCAN, "every row may be read for MERGE")
            _check_parents(effects, table, None)
            _read(effects, reads)
        case SelectRows(reads=reads, locks_rows=locks_rows, limited=limited):
            lock = LockMode.ROW_SHARE if locks_rows else LockMode.ACCESS_SHARE
            work = Work.ROWS if limited else Work.SCAN
            effects.read(reads, lock, work, "the migration queries it")
        case _:
            assert_never(operation)


def _read(effects: Collector, reads: Collection[Name]) -> None:
    effects.read(reads, LockMode.ACCESS_SHARE, Work.SCAN, "the statement reads it")


def _write(effects: Collector, table: Name, work: Work, why: str) -> None:
    """Lock what a statement writes: for a view also the tables behind it."""
    for relation in effects.schema.query_relations(table):
        state = effects.schema.table(relation)
        if state is not None and state.kind == "view":
            effects.touch(relation, _WRITE, why=why)
        else:
            effects.touch_tree(relation, _WRITE, work, why)


def _insert(effects: Collector, table: Name) -> None:
    """Lock what rows are inserted into: partitions too, but no table that merely inherits."""
    for relation in effects.schema.query_relations(table):
        for member in (relation, *effects.schema.partitions(relation)):
            state = effects.schema.table(member)
            is_view = state is not None and state.kind == "view"
            work = Work.CATALOG if is_view else effects.own_work(member, Work.ROWS)
            effects.touch(member, _WRITE, work, "rows are inserted")


def _reach(effects: Collector, operation: UpdateRows | DeleteRows) -> tuple[Work, str]:
    """How the statement finds its rows."""
    table, key = operation.table, operation.by_key
    if operation.where is None:
        return Work.SCAN, "every row is read"
    if operation.limited:
        return Work.ROWS, "a bounded number of rows is read"
    state = effects.schema.table(table)
    if key and (state is None or not state.complete or effects.schema.unique_on(table, key)):
        named = ", ".join(key)
        if state is None or not state.complete:
            known = effects.schema.unique_on(table, key)
            if not known and "id" not in key:
                return Work.SCAN, "every row is read"
        return Work.ROWS, f"the row is found by {named}"
    return Work.SCAN, "every row is read"


def _check_parents(effects: Collector, table: Name, columns: Collection[str] | None) -> None:
    """Add the rows that foreign keys look up; ``columns`` are those written, None for all."""
    for member in (table, *effects.schema.descendants(table)):
        for key in effects.schema.foreign_keys(member):
            if columns is None or set(key.columns) & set(columns):
                effects.touch_tree(
                    key.table,
                    LockMode.ROW_SHARE,
                    Work.ROWS,
                    f"a foreign key of {member} looks up each new value",
                )


def _check_children_of_update(effects: Collector, table: Name, columns: Collection[str]) -> None:
    for other, key in list(effects.schema.referencing(table)):
        if set(effects.schema.referenced_columns(key)) & set(columns):
            _check_child(effects, other, key, key.on_update, "updated")


def _check_children_of_delete(effects: Collector, table: Name, seen: set[Name]) -> None:
    if table in seen:
        return
    seen.add(table)
    for other, key in list(effects.schema.referencing(table)):
        _check_child(effects, other, key, key.on_delete, "deleted")
        if (key.on_delete or "").upper() == "CASCADE":
            _check_children_of_delete(effects, other.name, seen)


def _check_child(
    effects: Collector, other: TableState, key: ForeignKey, action: str | None, verb: str
) -> None:
    writes = (action or "").upper().startswith(_CASCADING)
    indexed = any(
        set(index.columns[: len(key.columns)]) == set(key.columns) and index.where is None
        for index in other.indexes.values()
    )
    reason = f"its foreign key to {key.table} is followed for each {verb} row"
    effects.touch_tree(
        other.name,
        _WRITE if writes else LockMode.ROW_SHARE,
        Work.ROWS if indexed else Work.SCAN,
        reason if indexed else f"{reason}, without an index on ({', '.join(key.columns)})",
    )
    if not writes:
        effects.fail("23503", f"a row of {other.name} still refers to a {verb} row of {key.table}")
