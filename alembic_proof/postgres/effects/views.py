"""Owns what DDL on views and materialized views does."""

from __future__ import annotations

import re
from typing import Final, assert_never

from alembic_proof.effects import Work
from alembic_proof.locks import LockMode
from alembic_proof.operations import AlterView, CreateView, DropView, RefreshMaterializedView
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.postgres.effects.tables import drop_dependent_views

ViewOperation = CreateView | DropView | AlterView | RefreshMaterializedView

_ACCESS: Final = LockMode.ACCESS_EXCLUSIVE
_GENTLE: Final = re.compile(
    r"\s*(?:SET\s*\(|RESET\s*\(|CLUSTER\s+ON|SET\s+WITHOUT\s+CLUSTER|ALTER\b.*\bSTATISTICS\b)",
    re.IGNORECASE | re.DOTALL,
)
"""What ALTER MATERIALIZED VIEW does under SHARE UPDATE EXCLUSIVE, as ALTER TABLE does."""


def predict(effects: Collector, operation: ViewOperation) -> None:
    """Add what one of these operations does."""
    match operation:
        case CreateView():
            _create(effects, operation)
        case DropView(view=view, cascade=cascade, materialized=materialized):
            effects.touch(view, _ACCESS, why="it is dropped")
            if materialized:
                effects.lose(view, f"the stored result of {view}")
            if cascade:
                drop_dependent_views(effects, view)
        case AlterView(view=view, action=action, materialized=materialized):
            gentle = materialized and _GENTLE.match(action)
            lock = LockMode.SHARE_UPDATE_EXCLUSIVE if gentle else _ACCESS
            effects.touch(view, lock, why=f"it is altered ({action})")
        case RefreshMaterializedView():
            _refresh(effects, operation)
        case _:
            assert_never(operation)


def _create(effects: Collector, operation: CreateView) -> None:
    view = operation.view
    effects.touch(view, _ACCESS, why="it is created")
    if operation.materialized and operation.with_data:
        effects.read(
            operation.reads, LockMode.ACCESS_SHARE, Work.SCAN, f"the query of {view} is run"
        )
        return
    for relation in operation.reads:
        effects.touch(relation, LockMode.ACCESS_SHARE, why=f"the query of {view} names it")


def _refresh(effects: Collector, operation: RefreshMaterializedView) -> None:
    view = operation.view
    state = effects.schema.table(view)
    if state is None or not state.reads:
        effects.doubt(f"the tables that {view} reads are not known")
    if operation.concurrently:
        effects.touch(view, LockMode.EXCLUSIVE, Work.SCAN, "it is compared with its new result")
    else:
        effects.touch(view, _ACCESS, Work.REWRITE, "its result is stored anew")
    if state is not None and operation.with_data:
        effects.read(state.reads, LockMode.ACCESS_SHARE, Work.SCAN, f"the query of {view} is run")
