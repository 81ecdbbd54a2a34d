"""Owns what DDL on constraints does."""

from __future__ import annotations

from typing import Final, assert_never

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import (
    Check,
    Exclude,
    ForeignKey,
    Name,
    NotNull,
    PrimaryKey,
    Unique,
)
from alembic_proof.operations import (
    AddConstraint,
    AlterConstraint,
    DropConstraint,
    RenameConstraint,
    ValidateConstraint,
)
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.postgres.versions import ADD_CONSTRAINT_LOCKS_TREE

ConstraintOperation = (
    AddConstraint | ValidateConstraint | DropConstraint | RenameConstraint | AlterConstraint
)

_ACCESS: Final = LockMode.ACCESS_EXCLUSIVE


def predict(effects: Collector, operation: ConstraintOperation) -> None:
    """Add what one of these operations does."""
    table = operation.table
    match operation:
        case AddConstraint():
            _add(effects, operation)
        case ValidateConstraint(name=name):
            _validate(effects, table, name)
        case DropConstraint():
            _drop(effects, operation)
        case RenameConstraint(name=name, new_name=new_name):
            _touch_owners(effects, table, name, f"its constraint {name} is renamed to {new_name}")
        case AlterConstraint():
            _alter(effects, operation)
        case _:
            assert_never(operation)


def add_foreign_key(
    effects: Collector,
    table: Name,
    key: ForeignKey,
    *,
    lock: LockMode = LockMode.SHARE_ROW_EXCLUSIVE,
    validated: bool,
    all_null: bool = False,
) -> None:
    """Add a foreign key; ``validated`` when rows are checked against the referenced table.

    PostgreSQL checks with one query that joins both tables (``RI_Initial_Check``), so each is read;
    but not the referenced one when the columns are ``all_null`` or the table is empty.
    """
    if not validated:
        why = f"the foreign key to {key.table} is added"
        effects.touch_tree(table, lock, why=why)
        effects.touch_tree(
            key.table, LockMode.SHARE_ROW_EXCLUSIVE, why=f"a foreign key of {table} refers to it"
        )
        return
    nothing_to_match = all_null or effects.schema.is_empty(table)
    effects.touch_tree(table, lock, Work.SCAN, f"the new foreign key to {key.table} is validated")
    effects.touch_tree(
        key.table,
        LockMode.SHARE_ROW_EXCLUSIVE,
        Work.CATALOG if nothing_to_match else Work.SCAN,
        f"the new foreign key of {table} is validated against it",
    )
    if not nothing_to_match:
        columns = ", ".join(key.columns)
        effects.fail("23503", f"({columns}) of a row of {table} has no match in {key.table}")


def _add(effects: Collector, operation: AddConstraint) -> None:
    table, constraint = operation.table, operation.constraint
    match constraint:
        case ForeignKey(not_valid=not_valid):
            unfilled = effects.schema.unfilled
            all_null = any((table, column) in unfilled for column in constraint.columns)
            add_foreign_key(effects, table, constraint, validated=not not_valid, all_null=all_null)
        case Check(expression=expression, not_valid=not_valid):
            if not_valid:
                effects.touch_tree(table, _ACCESS, why="the CHECK is added NOT VALID")
            else:
                effects.touch_tree(table, _ACCESS, Work.SCAN, "the new CHECK is validated")
                effects.fail("23514", f"a row of {table} does not satisfy {expression.text}")
        case NotNull(column=column, not_valid=not_valid):
            _add_not_null(effects, table, column, not_valid=not_valid)
        case PrimaryKey():
            _add_primary_key(effects, table, constraint)
        case Unique(using_index=str(index)):
            effects.touch_tree(table, _ACCESS, why=f"the index {index} becomes a constraint")
        case Unique(columns=columns):
            _build_key(effects, table, columns, "the new UNIQUE constraint builds its index")
        case Exclude(columns=columns):
            effects.touch_tree(
                table, _ACCESS, Work.INDEX_BUILD, "the new EXCLUDE constraint builds its index"
            )
            effects.fail("23P01", f"two rows of {table} conflict on ({', '.join(columns)})")
        case _:
            assert_never(constraint)


def _build_key(effects: Collector, table: Name, columns: tuple[str, ...], why: str) -> None:
    effects.touch(table, _ACCESS, effects.own_work(table, Work.INDEX_BUILD), why)
    below = LockMode.SHARE if effects.version < ADD_CONSTRAINT_LOCKS_TREE else _ACCESS
    for partition in effects.schema.partitions(table):
        effects.touch(partition, below, effects.own_work(partition, Work.INDEX_BUILD), why)
    effects.fail("23505", f"two rows of {table} have the same ({', '.join(columns)})")


def _add_primary_key(effects: Collector, table: Name, key: PrimaryKey) -> None:
    schema = effects.schema
    columns = key.columns
    if key.using_index is not None:
        state = schema.table(table)
        index = state.indexes.get(key.using_index) if state else None
        columns = index.columns if index else ()
        if index is None:
            effects.doubt(f"the columns of the index {key.using_index} are not known")
        effects.touch_tree(
            table, _ACCESS, why=f"the index {key.using_index} becomes the primary key"
        )
    else:
        _build_key(effects, table, columns, "the new PRIMARY KEY builds its index")
    unproved = [
        column
        for column in columns
        if schema.is_nullable(table, column) is not False
        and schema.proof_of_not_null(table, column) is None
    ]
    if unproved or (key.using_index is not None and not columns):
        named = ", ".join(unproved) or "a key column"
        effects.touch_tree(
            table, _ACCESS, Work.SCAN, f"the primary key makes {named} NOT NULL, which is checked"
        )
        effects.fail("23502", f"a row of {table} has NULL in {named}")


def _add_not_null(effects: Collector, table: Name, column: str, *, not_valid: bool) -> None:
    schema = effects.schema
    if not_valid:
        effects.touch_tree(table, _ACCESS, why=f"NOT NULL on {column} is added NOT VALID")
    elif (
        schema.is_nullable(table, column) is False
        or schema.proof_of_not_null(table, column) is not None
    ):
        effects.touch_tree(table, _ACCESS, why=f"{column} is known to have no NULL")
    else:
        effects.touch_tree(table, _ACCESS, Work.SCAN, f"{column} must have no NULL in any row")
        effects.fail("23502", f"a row of {table} has NULL in {column}")


def _validate(effects: Collector, table: Name, name: str) -> None:
    lock = LockMode.SHARE_UPDATE_EXCLUSIVE
    held = effects.schema.constraint(table, name)
    if held is not None and held.valid:
        effects.touch(table, lock, why=f"{name} is validated already")
        return
    effects.touch_tree(table, lock, Work.SCAN, f"the constraint {name} is validated")
    if held is None:
        effects.doubt(f"what the constraint {name} of {table} requires is not known")
        return
    match held.constraint:
        case ForeignKey(table=referenced):
            effects.touch_tree(
                referenced,
                LockMode.ROW_SHARE,
                Work.SCAN,
                f"the foreign key {name} of {table} is validated against it",
            )
            effects.fail("23503", f"a row of {table} has no match in {referenced}")
        case Check(expression=expression):
            effects.fail("23514", f"a row of {table} does not satisfy {expression.text}")
        case NotNull(column=column):
            effects.fail("23502", f"a row of {table} has NULL in {column}")
        case _:
            pass


def _drop(effects: Collector, operation: DropConstraint) -> None:
    schema, table, name = effects.schema, operation.table, operation.name
    _touch_owners(effects, table, name, f"its constraint {name or '?'} is dropped")
    held = schema.constraint(table, name) if name is not None else None
    if held is None:
        if operation.kind in (None, "foreignkey") and not operation.if_exists:
            effects.doubt(f"the table that {name or 'the constraint'} refers to is not known")
        return
    match held.constraint:
        case ForeignKey(table=referenced) if referenced != table:
            effects.touch_tree(
                referenced, _ACCESS, why=f"the foreign key {held.name} of {table} is dropped"
            )
        case PrimaryKey() | Unique() if operation.cascade:
            for other, key in schema.referencing(table):
                if other.name != table and set(schema.referenced_columns(key)) == set(
                    held.constraint.columns
                ):
                    effects.touch_tree(
                        other.name, _ACCESS, why=f"its foreign key to {table} is dropped"
                    )
        case _:
            pass


def _touch_owners(effects: Collector, table: Name, name: str | None, why: str) -> None:
    """Lock a table and what shares its constraint: keys are passed on to partitions only."""
    held = effects.schema.constraint(table, name) if name is not None else None
    if held is not None and isinstance(held.constraint, PrimaryKey | Unique | ForeignKey):
        for member in (table, *effects.schema.partitions(table)):
            effects.touch(member, _ACCESS, why=why)
    else:
        effects.touch_tree(table, _ACCESS, why=why)


def _alter(effects: Collector, operation: AlterConstraint) -> None:
    table, name = operation.table, operation.name
    effects.touch_tree(table, _ACCESS, why=f"its constraint {name} is altered")
    held = effects.schema.constraint(table, name)
    if held is not None and isinstance(held.constraint, ForeignKey) and _enforces(operation.value):
        add_foreign_key(effects, table, held.constraint, lock=_ACCESS, validated=True)


def _enforces(action: str) -> bool:
    words = action.upper().split()
    return "ENFORCED" in words and "NOT ENFORCED" not in " ".join(words)
