"""Compares what is predicted with what a server is seen to do, one form of a statement at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from alembic_proof.effects import Effects, TableEffect, Work
from alembic_proof.gate.observe import Observation, observe
from alembic_proof.linter.sql import read_statements
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import Operation, Unresolved
from alembic_proof.postgres.effects import predict
from alembic_proof.schema_model import SchemaModel
from alembic_proof.schema_replay import replay

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Form:
    """A statement, or several of one transaction, whose effects are predicted and observed.

    ``breaks`` is SQL that makes the form fail on the rows it leaves; the error must be a predicted
    one. ``session`` is SQL that sets up the session. ``majors`` limits the form to some servers.
    ``may_fail`` are predicted errors that no rows are made for here; no others may be predicted.
    ``loses`` says whether data is gone afterwards. A ``doubtful`` form may be observed to do something
    else than predicted, and then the prediction must say what it does not know. A ``fleeting`` one
    commits after each of several tables, so that some of its locks may be gone before they are
    seen: what is seen must be as predicted or less.
    """

    sql: str
    breaks: str = ""
    session: str = ""
    majors: tuple[int, ...] = (15, 18)
    loses: bool = False
    may_fail: tuple[str, ...] = ()
    doubtful: bool = False
    fleeting: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """Tables with rows and statistics, and the forms that are run on them."""

    name: str
    setup: str
    forms: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The effects of all operations of a form, added up."""

    tables: dict[Name, tuple[LockMode, Work]]
    sqlstates: frozenset[str]
    loses: bool
    outside_transaction: bool
    unknown: str


def operations(sql: str) -> list[Operation]:
    """The operations of SQL that the reader must understand."""
    found = [operation for statement in read_statements(sql) for operation in statement]
    for operation in found:
        assert not isinstance(operation, Unresolved), f"{operation.reason}: {sql}"
    return found


def model_of(sql: str) -> SchemaModel:
    """The schema that the SQL makes."""
    model = SchemaModel(pending={"form"})
    for operation in operations(sql):
        replay(model, operation, "base")
    return model


def predict_form(sql: str, model: SchemaModel, major: int) -> Prediction:
    """Predict every operation on the schema that the ones before it leave."""
    schema = copy.deepcopy(model)
    effects: list[Effects] = []
    for operation in operations(sql):
        effects.append(predict(operation, schema, major))
        for effect in effects[-1].tables:
            assert isinstance(effect.table, Name)
            assert effect.why, f"{sql}: no reason for the effect on {effect.table}"
        replay(schema, operation, "form")
    return Prediction(
        heaviest(table for effect in effects for table in effect.tables),
        frozenset(failure.sqlstate for effect in effects for failure in effect.failures),
        any(effect.losses for effect in effects),
        any(effect.outside_transaction for effect in effects),
        "; ".join(effect.unknown for effect in effects if effect.unknown),
    )


def heaviest(effects: Iterable[TableEffect]) -> dict[Name, tuple[LockMode, Work]]:
    """The strongest lock and the heaviest work for each table."""
    found: dict[Name, tuple[LockMode, Work]] = {}
    for effect in effects:
        lock, work = found.get(effect.table, (effect.lock, effect.work))
        found[effect.table] = (
            max(lock, effect.lock, key=lambda mode: mode.rank),
            max(work, effect.work, key=lambda item: item.rank),
        )
    return found


def observe_form(
    connection: Connection, form: Form, watcher: Connection | None = None
) -> Observation:
    """Run the form and observe it; in a transaction it is undone."""
    statements = statements_of(form.sql)
    if watcher is not None:
        return observe(connection, statements, watcher=watcher)
    with connection.transaction(force_rollback=True):
        execute(connection, form.session)
        return observe(connection, statements)


def statements_of(sql: str) -> list[str]:
    """The statements of a form, which are separated by semicolons at the end of a line."""
    return [part.strip() for part in sql.split(";\n") if part.strip()]


def execute(connection: Connection, sql: str) -> None:
    """Run SQL of our own that is not a literal."""
    if sql:
        connection.execute(sql.encode())


def relations_of(connection: Connection) -> frozenset[Name]:
    """The tables and views that exist."""
    query: LiteralString = """
        SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname NOT LIKE 'pg\\_%'
           AND nspname <> 'information_schema'"""
    return frozenset(Name.of(name, schema) for schema, name in connection.execute(query))


def differences(
    form: Form, prediction: Prediction, observation: Observation, existing: frozenset[Name]
) -> list[str]:
    """Where prediction and observation disagree about a relation that existed before."""
    seen = heaviest(observation.effects)
    lines = []
    for table in sorted(existing, key=str):
        predicted, observed = prediction.tables.get(table), seen.get(table)
        if form.fleeting and (observed is None or _covers(predicted, observed)):
            continue
        if predicted != observed:
            lines.append(f"{table}: predicted {_say(predicted)}, observed {_say(observed)}")
    return lines


def _covers(
    predicted: tuple[LockMode, Work] | None, observed: tuple[LockMode, Work] | None
) -> bool:
    return (
        predicted is not None
        and observed is not None
        and predicted[0].rank >= observed[0].rank
        and predicted[1].rank >= observed[1].rank
    )


def _say(effect: tuple[LockMode, Work] | None) -> str:
    return f"{effect[0]} / {effect[1]}" if effect else "nothing"
