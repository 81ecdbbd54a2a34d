"""Owns the phase of an operation and of a revision: expand, backfill, contract, neutral, mixed."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from alembic_proof.operations import (
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterView,
    ChangeColumnType,
    CreateFunction,
    CreateIndex,
    CreateTable,
    CreateType,
    CreateView,
    DeleteRows,
    DropColumn,
    DropDefault,
    DropFunction,
    DropNotNull,
    DropSchema,
    DropTable,
    DropType,
    DropView,
    InsertRows,
    MergeRows,
    Operation,
    RenameColumn,
    RenameEnumValue,
    RenameSchema,
    RenameTable,
    SetDefault,
    SetNotNull,
    SetTableSchema,
    Truncate,
    UpdateRows,
)
from alembic_proof.schema_model import SchemaModel


class Phase(enum.StrEnum):
    """What a revision means for the running code.

    ``EXPAND`` adds what running code survives; ``BACKFILL`` changes rows; ``CONTRACT`` takes away
    or tightens; ``NEUTRAL`` does none of these; ``MIXED`` both expands and contracts.
    """

    EXPAND = "expand"
    BACKFILL = "backfill"
    CONTRACT = "contract"
    NEUTRAL = "neutral"
    MIXED = "mixed"


def phase_of_operation(operation: Operation, schema: SchemaModel) -> Phase:
    """The phase of one operation, given the schema before it.

    Whatever is done to a table or column that is new in the release expands: no code uses it yet.
    """
    match operation:
        case (
            CreateTable()
            | CreateIndex()
            | CreateType()
            | CreateView()
            | CreateFunction()
            | AddEnumValue()
            | DropNotNull()
            | SetDefault()
        ):
            return Phase.EXPAND
        case AddColumn(table=table, column=column):
            given = column.default is not None or column.serial or column.identity
            required = not column.nullable and not given and column.generated is None
            return Phase.CONTRACT if required and not schema.is_new(table) else Phase.EXPAND
        case InsertRows(table=table) | UpdateRows(table=table) | DeleteRows(table=table):
            return Phase.EXPAND if schema.is_new(table) else Phase.BACKFILL
        case MergeRows(table=table):
            return Phase.EXPAND if schema.is_new(table) else Phase.BACKFILL
        case (
            DropTable(table=table)
            | RenameTable(table=table)
            | SetTableSchema(table=table)
            | DropColumn(table=table)
            | RenameColumn(table=table)
            | SetNotNull(table=table)
            | DropDefault(table=table)
            | ChangeColumnType(table=table)
            | AddConstraint(table=table)
        ):
            return Phase.EXPAND if schema.is_new(table) else Phase.CONTRACT
        case Truncate(tables=tables):
            return Phase.EXPAND if all(map(schema.is_new, tables)) else Phase.CONTRACT
        case (
            DropView()
            | AlterView()
            | DropType()
            | DropFunction()
            | DropSchema()
            | RenameSchema()
            | RenameEnumValue()
        ):
            return Phase.CONTRACT
        case _:
            return Phase.NEUTRAL


def phase_of_revision(phases: Iterable[Phase]) -> Phase:
    """The phase of a revision from those of its operations.

    Expanding and contracting together is mixed; otherwise the phase that weighs most for running
    code wins: contract, then backfill, then expand.
    """
    found = set(phases)
    if Phase.CONTRACT in found and found & {Phase.EXPAND, Phase.BACKFILL}:
        return Phase.MIXED
    for phase in (Phase.CONTRACT, Phase.BACKFILL, Phase.EXPAND):
        if phase in found:
            return phase
    return Phase.NEUTRAL
