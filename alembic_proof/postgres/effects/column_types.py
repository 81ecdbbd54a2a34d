"""Owns what a change of a column's type does: to its table, its indexes, and what depends on it."""

from __future__ import annotations

from typing import Final

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import Check, Name
from alembic_proof.operations import ChangeColumnType
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.postgres.type_changes import (
    TypeChange,
    depends_on_time_zone,
    type_change,
)
from alembic_proof.schema_model import IndexState

_ACCESS: Final = LockMode.ACCESS_EXCLUSIVE


def change_type(effects: Collector, operation: ChangeColumnType) -> None:
    """Add ALTER COLUMN … TYPE."""
    table, column = operation.table, operation.column
    change = _planned_change(effects, operation)
    if change.rewrites:
        effects.touch_tree(table, _ACCESS, Work.REWRITE, f"{column} {change.why}")
    else:
        effects.touch_tree(table, _ACCESS, why=f"the values of {column} stay as they are")
        _check_indexes(effects, operation, change)
        _check_checks(effects, table, column)
    for failure in change.failures:
        effects.fail(failure.sqlstate, failure.condition)
    if change.loss:
        effects.lose(table, change.loss)
    _check_foreign_keys(effects, table, column, change)


def _planned_change(effects: Collector, operation: ChangeColumnType) -> TypeChange:
    schema, table, column = effects.schema, operation.table, operation.column
    old = schema.type_of(table, column) or operation.existing_type
    new = operation.type
    subject = f"{table}.{column}"
    if new is None:
        effects.doubt(f"the new type of {subject} is not known")
        return TypeChange(rewrites=True, keeps_indexes=False, why="gets a type that is not known")
    if old is None:
        effects.doubt(f"the type of {subject} before the change is not known")
        return TypeChange(
            rewrites=True, keeps_indexes=False, why=f"may have had a type unlike {new}"
        )
    using = operation.using
    if using is not None and (using.cast_of != column or using.opaque):
        return TypeChange(
            rewrites=True, keeps_indexes=False, why=f"is computed anew by USING {using.text}"
        )
    explicit = using.cast_to if using is not None else None
    if depends_on_time_zone(old, new):
        effects.doubt(
            "the TimeZone of the session is not known; with UTC the table is not rewritten"
        )
    return type_change(schema, subject, old, new, explicit)


def _check_indexes(effects: Collector, operation: ChangeColumnType, change: TypeChange) -> None:
    """Add the indexes that are rebuilt although the table is not.

    PostgreSQL keeps the storage of an index only when operator classes and collations are the same
    and it has neither expressions nor a predicate (``CheckIndexCompatible``). The indexes that a
    partition has from its parent are never kept.
    """
    schema, column = effects.schema, operation.column
    state = schema.column(operation.table, column)
    collated = state is not None and state.collation != operation.collation
    for member in (operation.table, *schema.descendants(operation.table)):
        held = schema.table(member)
        for index in held.indexes.values() if held else ():
            if column not in _columns_of_index(index):
                continue
            plain = bool(index.columns) and index.where is None
            if change.keeps_indexes and plain and not collated and not (held and held.partitioned):
                continue
            for owner in (member, *schema.partitions(member)):
                effects.touch(
                    owner,
                    _ACCESS,
                    effects.own_work(owner, Work.INDEX_BUILD),
                    f"the index {index.name} must be rebuilt for the new type of {column}",
                )


def _columns_of_index(index: IndexState) -> set[str]:
    columns = {key.column for key in index.keys if key.column is not None}
    for key in index.keys:
        columns.update(key.expression.columns if key.expression else ())
    columns.update(index.where.columns if index.where else ())
    return columns


def _check_checks(effects: Collector, table: Name, column: str) -> None:
    """Add the CHECK constraints on the column: PostgreSQL makes each anew, and validates it."""
    state = effects.schema.table(table)
    for held in state.constraints.values() if state else ():
        constraint = held.constraint
        if isinstance(constraint, Check) and column in constraint.expression.columns and held.valid:
            effects.touch_tree(
                table, _ACCESS, Work.SCAN, f"the CHECK {held.name} on {column} is validated again"
            )


def _check_foreign_keys(effects: Collector, table: Name, column: str, change: TypeChange) -> None:
    """Add the foreign keys of the column: each is made anew, and validated if it was valid."""
    schema = effects.schema
    for owner, held, key in schema.foreign_key_constraints():
        own = owner == table and column in key.columns
        if not own and not (key.table == table and column in schema.referenced_columns(key)):
            continue
        work = Work.SCAN if held.valid and not change.keeps_operators else Work.CATALOG
        why = f"the foreign key {held.name} of {owner} is made anew"
        effects.touch_tree(owner, _ACCESS, work, why)
        effects.touch_tree(key.table, _ACCESS, work, why)
