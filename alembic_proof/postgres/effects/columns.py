"""Owns what DDL on columns does, other than a change of type."""

from __future__ import annotations

from typing import Final, assert_never

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import (
    Check,
    Column,
    Exclude,
    Expression,
    ForeignKey,
    Name,
    NotNull,
    PrimaryKey,
    Unique,
)
from alembic_proof.operations import (
    AddColumn,
    AlterColumnSetting,
    ChangeColumnType,
    ColumnSetting,
    DropColumn,
    DropDefault,
    DropNotNull,
    RenameColumn,
    SetDefault,
    SetNotNull,
)
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.postgres.effects.column_types import change_type
from alembic_proof.postgres.effects.constraints import add_foreign_key
from alembic_proof.postgres.type_changes import is_plain_type
from alembic_proof.postgres.volatility import is_volatile

ColumnOperation = (
    AddColumn
    | DropColumn
    | RenameColumn
    | ChangeColumnType
    | SetNotNull
    | DropNotNull
    | SetDefault
    | DropDefault
    | AlterColumnSetting
)

_ACCESS: Final = LockMode.ACCESS_EXCLUSIVE


def predict(effects: Collector, operation: ColumnOperation) -> None:
    """Add what one of these operations does."""
    table = operation.table
    match operation:
        case AddColumn():
            _add(effects, operation)
        case DropColumn():
            _drop(effects, operation)
        case RenameColumn(column=column, new_name=new_name):
            effects.touch_tree(table, _ACCESS, why=f"the column {column} is renamed to {new_name}")
        case ChangeColumnType():
            change_type(effects, operation)
        case SetNotNull(column=column):
            _set_not_null(effects, table, column)
        case DropNotNull(column=column):
            effects.touch_tree(table, _ACCESS, why=f"the column {column} may be NULL from now on")
        case SetDefault(column=column):
            effects.touch_tree(table, _ACCESS, why=f"the column {column} gets another default")
        case DropDefault(column=column):
            effects.touch_tree(table, _ACCESS, why=f"the column {column} loses its default")
        case AlterColumnSetting():
            _alter_setting(effects, operation)
        case _:
            assert_never(operation)


def _add(effects: Collector, operation: AddColumn) -> None:
    table, column = operation.table, operation.column
    effects.touch_tree(table, _ACCESS, why=f"the column {column.name} is added")
    known = effects.schema.column(table, column.name) is not None
    if operation.if_not_exists and known and not effects.schema.is_doubtful(table, column.name):
        return
    reason = _rewrite_reason(effects, operation)
    if reason:
        effects.touch_tree(table, _ACCESS, Work.REWRITE, reason)
    if _must_be_given(column):
        effects.touch_tree(table, _ACCESS, Work.SCAN, "no row may have NULL in the new column")
        effects.fail("23502", f"{table} has any row")
    _add_inline_constraints(effects, table, column)


def _has_default(column: Column) -> bool:
    if column.serial or column.identity or column.generated is not None:
        return True
    return column.default is not None and not column.default.is_null


def _must_be_given(column: Column) -> bool:
    required = not column.nullable or any(
        isinstance(item, PrimaryKey | NotNull) for item in column.constraints
    )
    return required and not _has_default(column)


def _rewrite_reason(effects: Collector, operation: AddColumn) -> str:
    """Why PostgreSQL has to write a value into every row; empty when it need not."""
    column = operation.column
    name = f"{operation.table}.{column.name}"
    if column.serial:
        return "the new column is serial: every row gets a number of its sequence"
    if column.identity:
        return "the new column is an identity: every row gets a number of its sequence"
    if column.generated is not None:
        return "the new column is generated and stored" if column.stored else ""
    if column.type is None:
        effects.doubt(f"the type of the new column {name} is not known")
    elif not is_plain_type(column.type):
        domain = effects.schema.type_named(column.type.name)
        if domain is None:
            effects.doubt(f"whether {column.type.name} is a domain with constraints is not known")
        elif domain.kind == "domain" and domain.constrained:
            return f"{column.type.name}, the new column's type, is a domain with constraints"
    if column.default is None or column.default.is_null:
        return ""
    return _volatile_default(effects, column.default)


def _volatile_default(effects: Collector, default: Expression) -> str:
    if default.opaque:
        effects.doubt(f"whether the default {default.text} is volatile is not known")
        return f"the new column's default may be volatile ({default.text})"
    for function in default.functions:
        volatile = is_volatile(function)
        if volatile:
            return f"the new column's default is volatile ({function})"
        if volatile is None:
            effects.doubt(f"whether the function {function} is volatile is not known")
            return f"the new column's default may be volatile ({function})"
    return ""


def _add_inline_constraints(effects: Collector, table: Name, column: Column) -> None:
    filled = _has_default(column)
    for constraint in column.constraints:
        match constraint:
            case PrimaryKey() | Unique() | Exclude():
                effects.touch_tree(
                    table, _ACCESS, Work.INDEX_BUILD, "the new column's key builds an index"
                )
                if column.default is not None and filled:
                    effects.fail("23505", f"{table} has two rows or more")
            case Check(expression=expression):
                effects.touch_tree(table, _ACCESS, Work.SCAN, "the new column's CHECK is validated")
                if filled or column.name in expression.proves_not_null:
                    effects.fail("23514", f"a row of {table} does not satisfy {expression.text}")
            case ForeignKey():
                add_foreign_key(
                    effects,
                    table,
                    constraint,
                    lock=_ACCESS,
                    validated=filled or column.default is not None,
                    all_null=not filled,
                )
            case NotNull():
                pass
            case _:
                assert_never(constraint)


def _drop(effects: Collector, operation: DropColumn) -> None:
    schema, table, column = effects.schema, operation.table, operation.column
    effects.touch_tree(table, _ACCESS, why=f"the column {column} is dropped")
    state = schema.table(table)
    if operation.if_exists and state is not None and state.complete and column not in state.columns:
        return
    effects.lose(table, f"every value of {table}.{column}")
    for key in schema.foreign_keys(table):
        if column in key.columns and key.table != table:
            effects.touch_tree(
                key.table, _ACCESS, why=f"the foreign key on {table}.{column} is dropped"
            )
    if not operation.cascade:
        return
    for other, key in schema.referencing(table):
        if other.name != table and column in schema.referenced_columns(key):
            effects.touch_tree(
                other.name, _ACCESS, why=f"its foreign key to {table}.{column} is dropped"
            )
    for view in schema.views_over(table):
        effects.touch(view, _ACCESS, why=f"CASCADE drops it if it uses {table}.{column}")


def _set_not_null(effects: Collector, table: Name, column: str) -> None:
    proof = effects.schema.proof_of_not_null(table, column)
    if effects.schema.is_nullable(table, column) is False:
        effects.touch_tree(table, _ACCESS, why=f"{column} is NOT NULL already")
    elif proof is not None:
        effects.touch_tree(
            table, _ACCESS, why=f"the CHECK {proof.name} proves that {column} has no NULL"
        )
    else:
        effects.touch_tree(table, _ACCESS, Work.SCAN, f"{column} must have no NULL in any row")
        effects.fail("23502", f"a row of {table} has NULL in {column}")


_SETTING_LOCKS: Final = {
    ColumnSetting.STATISTICS: LockMode.SHARE_UPDATE_EXCLUSIVE,
    ColumnSetting.STORAGE: _ACCESS,
    ColumnSetting.COMPRESSION: _ACCESS,
    ColumnSetting.OPTIONS: LockMode.SHARE_UPDATE_EXCLUSIVE,
    ColumnSetting.ADD_IDENTITY: _ACCESS,
    ColumnSetting.SET_IDENTITY: _ACCESS,
    ColumnSetting.DROP_IDENTITY: _ACCESS,
    ColumnSetting.SET_EXPRESSION: _ACCESS,
    ColumnSetting.DROP_EXPRESSION: _ACCESS,
}


def _alter_setting(effects: Collector, operation: AlterColumnSetting) -> None:
    table, column, setting = operation.table, operation.column, operation.setting
    work, why = Work.CATALOG, f"ALTER COLUMN {column} {setting}"
    if setting is ColumnSetting.SET_EXPRESSION:
        state = effects.schema.column(table, column)
        if state is None or state.stored:
            work, why = Work.REWRITE, f"{column} is generated and stored, and computed anew"
    effects.touch_tree(table, _SETTING_LOCKS[setting], work, why)
