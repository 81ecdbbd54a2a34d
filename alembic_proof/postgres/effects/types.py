"""Owns what DDL on enums, domains and composite types does to the tables that use them."""

from __future__ import annotations

import re
from typing import Final, assert_never

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import Check
from alembic_proof.operations import (
    AddEnumValue,
    AlterType,
    CreateType,
    DropType,
    RenameEnumValue,
)
from alembic_proof.postgres.effects.collector import Collector

TypeOperation = CreateType | DropType | AddEnumValue | RenameEnumValue | AlterType


def predict(effects: Collector, operation: TypeOperation) -> None:
    """Add what one of these operations does."""
    match operation:
        case CreateType() | AddEnumValue() | RenameEnumValue():
            pass
        case DropType():
            _drop(effects, operation)
        case AlterType():
            _alter(effects, operation)
        case _:
            assert_never(operation)


def _drop(effects: Collector, operation: DropType) -> None:
    if not operation.cascade:
        return
    for table, column in effects.schema.columns_of_type(operation.type):
        effects.touch(
            table,
            LockMode.ACCESS_EXCLUSIVE,
            why=f"CASCADE drops its column {column.name} with the type {operation.type}",
        )
        effects.lose(table, f"every value of {table}.{column.name}")


_VALIDATES: Final = re.compile(r"\s*VALIDATE\b", re.IGNORECASE)
_SETS_NOT_NULL: Final = re.compile(r"\s*SET\s+NOT\s+NULL\b", re.IGNORECASE)


def _alter(effects: Collector, operation: AlterType) -> None:
    constraint, action = operation.constraint, operation.action
    checks = (
        (constraint is not None and not getattr(constraint, "not_valid", False))
        or _VALIDATES.match(action)
        or _SETS_NOT_NULL.match(action)
    )
    if not checks:
        return
    for table, column in effects.schema.columns_of_type(operation.type):
        effects.touch(
            table,
            LockMode.SHARE,
            effects.own_work(table, Work.SCAN),
            f"the domain {operation.type} of {column.name} is checked in every row",
        )
        if isinstance(constraint, Check):
            text = constraint.expression.text
            effects.fail("23514", f"a value of {table}.{column.name} does not satisfy {text}")
        elif _SETS_NOT_NULL.match(action):
            effects.fail("23502", f"a row of {table} has NULL in {column.name}")
