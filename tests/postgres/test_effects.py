"""Every form of a statement: what is predicted is what PostgreSQL 15 and 18 are seen to do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from alembic_proof.gate.observe import observe
from alembic_proof.gate.servers.base import Server
from alembic_proof.objects import Name
from alembic_proof.operations import DeleteRows, UpdateRows
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
    _make_tablespace(server)
    database = fresh_database(server)
    with _connected(server, database) as connection:
        execute(connection, scenario.setup)
        connection.execute("ANALYZE")
        existing = relations_of(connection)
    model = model_of(scenario.setup)
    forms = [form for form in scenario.forms if server.major in form.majors]
    predictions = [(form, predict_form(form.sql, model, server.major)) for form in forms]
    outside = [pair for pair in predictions if pair[1].outside_transaction]
    problems: list[str] = []
    # These first: what the others undo leaves dead rows, which VACUUM would take its time over.
    for form, prediction in outside:
        clone = fresh_database(server, template=database)
        with _connected(server, clone) as runs, _connected(server, clone) as watches:
            problems += _problems(form, prediction, runs, existing, watches)
    with _connected(server, database) as connection:
        for form, prediction in predictions:
            if not prediction.outside_transaction:
                problems += _problems(form, prediction, connection, existing)
                problems += _problems_with_bad_rows(form, prediction, connection)
    assert "\n".join(problems) == ""
    assert forms


def _make_tablespace(server: Server) -> None:
    """Make the tablespace that some forms move tables to; it goes when the server goes."""
    with server.connect() as connection:
        connection.execute("SET allow_in_place_tablespaces = on")
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute("CREATE TABLESPACE proof_space LOCATION ''")


def test_there_are_enough_forms() -> None:
    assert sum(len(scenario.forms) for scenario in SCENARIOS) >= 550


@contextlib.contextmanager
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
    if prediction.loses is not form.loses:
        found.append(f"predicted that data is {'lost' if prediction.loses else 'kept'}")
    if not form.breaks and prediction.sqlstates != set(form.may_fail):
        found.append(f"predicted errors {sorted(prediction.sqlstates)}")
    if form.doubtful and prediction.unknown:
        return []
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
        found = operations(form.sql)
        if len(found) > 1 or isinstance(found[0], UpdateRows | DeleteRows):
            # A row found by a column called id is taken to be found by key, known or not.
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
