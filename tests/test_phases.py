"""The phase of operations and revisions."""

from __future__ import annotations

import pytest

from alembic_proof.objects import Column, Expression, Name, SqlType
from alembic_proof.operations import (
    AddColumn,
    Comment,
    CreateTable,
    DropColumn,
    Operation,
    SetNotNull,
    UpdateRows,
)
from alembic_proof.phases import Phase, phase_of_operation, phase_of_revision
from alembic_proof.schema_model import SchemaModel
from alembic_proof.schema_replay import replay

ORDERS, NEW = Name("orders"), Name("parcels")
REQUIRED = Column(name="a", type=SqlType("integer"), nullable=False)
DEFAULTED = Column(name="a", type=SqlType("integer"), nullable=False, default=Expression("0"))


@pytest.fixture
def schema() -> SchemaModel:
    model = SchemaModel(pending={"2"})
    replay(model, CreateTable(table=ORDERS), "1")
    replay(model, CreateTable(table=NEW), "2")
    return model


@pytest.mark.parametrize(
    ("operation", "phase"),
    [
        (AddColumn(table=ORDERS, column=Column(name="a")), Phase.EXPAND),
        (AddColumn(table=ORDERS, column=DEFAULTED), Phase.EXPAND),
        (AddColumn(table=ORDERS, column=REQUIRED), Phase.CONTRACT),
        (AddColumn(table=NEW, column=REQUIRED), Phase.EXPAND),
        (DropColumn(table=ORDERS, column="a"), Phase.CONTRACT),
        (DropColumn(table=NEW, column="a"), Phase.EXPAND),
        (SetNotNull(table=ORDERS, column="a"), Phase.CONTRACT),
        (UpdateRows(table=ORDERS), Phase.BACKFILL),
        (UpdateRows(table=NEW), Phase.EXPAND),
        (Comment(kind="TABLE", name="orders"), Phase.NEUTRAL),
    ],
)
def test_operation(schema: SchemaModel, operation: Operation, phase: Phase) -> None:
    assert phase_of_operation(operation, schema) is phase


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ([], Phase.NEUTRAL),
        ([Phase.NEUTRAL, Phase.EXPAND], Phase.EXPAND),
        ([Phase.EXPAND, Phase.BACKFILL], Phase.BACKFILL),
        ([Phase.EXPAND, Phase.CONTRACT], Phase.MIXED),
        ([Phase.CONTRACT, Phase.NEUTRAL], Phase.CONTRACT),
    ],
)
def test_revision(phases: list[Phase], expected: Phase) -> None:
    assert phase_of_revision(phases) is expected
