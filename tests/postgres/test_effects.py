"""Every form of a statement: what is predicted is what PostgreSQL 15 and 18 are seen to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from alembic_proof.gate.observe import observe
from alembic_proof.gate.servers.base import Server
from alembic_proof.objects import Name
from alembic_proof.operations import Unresolved
from alembic_proof.postgres.effects import predict
from alembic_proof.schema_model import SchemaModel
from tests.postgres.forms import SCENARIOS
from tests.postgres.proving import (
    Form,
    Prediction,
    Scenario,
    differences,
    execute,
    model_of,
    observe_form,
    operations,
    predict_form,
    relations_of,
    statements_of,
)
from tests.servers import FreshDatabase

Connection = psycopg.Connection[Any]
Connect = Callable[[], Connection]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_forms(server: Server, scenario: Scenario, fresh_database: FreshDatabase) -> None:
    database = fresh_database(server)
    with _connected(server, database) as connection:
        execute(connection, scenario.setup)
        connection.execute("ANALYZE")
    model = model_of(scenario.setup)
    forms = [form for form in scenario.forms if server.major in form.majors]
    predictions = [(form, predict_form(form.sql, model, server.major)) for form in forms]
    problems: list[str] = []
    observed = 0
    with _connected(server, database) as connection:
        existing = relations_of(connection)
        for form, prediction in predictions:
            if prediction.outside_transaction:
                continue
            problems += _problems(form, prediction, connection, existing)
            problems += _problems_with_bad_rows(form, prediction, connection)
            observed += 1
    for form, prediction in predictions:
        if prediction.outside_transaction:
            clone = fresh_database(server, template=database)
            with _connected(server, clone) as runs, _connected(server, clone) as watches:
                problems += _problems(form, prediction, runs, existing, watches)
            observed += 1
    assert "\n".join(problems) == ""
    assert observed == len(forms)


def test_there_are_enough_forms() -> None:
    assert sum(len(scenario.forms) for scenario in SCENARIOS) >= 500


@contextmanager
def _connected(server: Server, database: str) -> Iterator[Connection]:
    with server.connect(database) as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        connection.execute("SET max_parallel_maintenance_workers = 0")
        yield connection


def _problems(
    form: Form,
    prediction: Prediction,
    connection: Connection,
    existing: frozenset[Name],
    watcher: Connection | None = None,
) -> list[str]:
    observation = observe_form(connection, form, watcher)
    if observation.error is not None:
        return [f"{form.sql}: {observation.error}"]
    found = differences(form, prediction, observation, existing)
    if form.doubtful and found and prediction.unknown:
        found = []
    if prediction.loses is not form.loses:
        found.append(f"predicted that data is {'lost' if prediction.loses else 'kept'}")
    return [f"{form.sql}: {line}" for line in found]


def _problems_with_bad_rows(
    form: Form, prediction: Prediction, connection: Connection
) -> list[str]:
    if not form.breaks:
        return []
    with connection.transaction(force_rollback=True):
        execute(connection, form.session)
        execute(connection, form.breaks)
        observation = observe(connection, statements_of(form.sql))
    if observation.error is None:
        return [f"{form.sql}: succeeds after {form.breaks}"]
    if observation.error.sqlstate not in prediction.sqlstates:
        return [f"{form.sql}: {observation.error}, predicted {sorted(prediction.sqlstates)}"]
    return []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_ignorance_never_makes_a_prediction_milder(scenario: Scenario) -> None:
    """With nothing known of the schema: as bad as with everything known, or it says what lacks."""
    model = model_of(scenario.setup)
    milder = []
    for form in scenario.forms:
        if len(operations(form.sql)) > 1:
            continue
        informed = predict_form(form.sql, model, 18)
        ignorant = predict_form(form.sql, SchemaModel(), 18)
        for table in _subjects(form.sql):
            knows, guesses = informed.tables.get(table), ignorant.tables.get(table)
            if knows is None or ignorant.unknown:
                continue
            if (
                guesses is None
                or guesses[0].rank < knows[0].rank
                or guesses[1].rank < knows[1].rank
            ):
                milder.append(f"{form.sql}: {table} {knows}, without knowledge {guesses}")
    assert "\n".join(milder) == ""


def _subjects(sql: str) -> list[Name]:
    """The tables that the operations themselves name as the ones they are about."""
    tables = [getattr(operation, "table", None) for operation in operations(sql)]
    return [table for table in tables if isinstance(table, Name)]


def test_what_could_not_be_understood_is_said() -> None:
    effects = predict(Unresolved(reason="it is dynamic"), SchemaModel(), 16)
    assert effects.unknown == "the operation could not be understood because it is dynamic"
