"""Every change from one common type to another, predicted and observed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, LiteralString

import psycopg
import pytest

from alembic_proof.effects import Work
from alembic_proof.gate.servers.base import Server
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from tests.postgres.proving import model_of, predict_form
from tests.servers import FreshDatabase

Connection = psycopg.Connection[Any]

_USER_TYPES: Final[LiteralString] = """
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TYPE temper AS ENUM ('a', 'b');
CREATE DOMAIN plain AS integer;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN short AS varchar(10);
CREATE DOMAIN required AS text NOT NULL;
"""

_TYPES: Final[tuple[LiteralString, ...]] = (
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "numeric(8)",
    "numeric(10,2)",
    "numeric(12,2)",
    "numeric(12,4)",
    "real",
    "double precision",
    "money",
    "boolean",
    "text",
    "varchar",
    "varchar(10)",
    "varchar(20)",
    "char(5)",
    "char(10)",
    "citext",
    "uuid",
    "json",
    "jsonb",
    "date",
    "timestamp",
    "timestamp(3)",
    "timestamptz",
    "timestamptz(3)",
    "time",
    "time(3)",
    "timetz",
    "interval",
    "interval(3)",
    "bytea",
    "inet",
    "cidr",
    "macaddr",
    "bit(8)",
    "varbit",
    "varbit(8)",
    "varbit(16)",
    "oid",
    "xml",
    "tsvector",
    "int4range",
    "integer[]",
    "bigint[]",
    "text[]",
    "varchar[]",
    "varchar(10)[]",
    "varchar(20)[]",
    "numeric(10,2)[]",
    "mood",
    "temper",
    "plain",
    "positive",
    "short",
    "required",
)
_ALSO_WITH_USING: Final = ("bigint", "numeric(12,2)", "varchar(20)", "text", "timestamptz")
"""Types to which an explicit cast is tried although the automatic one works."""
_WITHOUT_BTREE: Final = ("json", "xml")
_PARTS: Final = 4
_LEAST_POSSIBLE: Final = 8
"""Every type can become itself and the string types."""
_NO_CAST: Final = ("42804", "42846")
_NO_OPERATOR_CLASS: Final = "42704"
_NOT_AUTOMATIC: Final = "42804"

_STORAGE: Final[LiteralString] = """
SELECT pg_relation_filenode('t'),
       (SELECT max(pg_relation_filenode(indexrelid)) FROM pg_index WHERE indrelid = 't'::regclass),
       pg_stat_get_xact_numscans('t'::regclass)
"""


@pytest.mark.parametrize("part", range(_PARTS))
def test_prediction_is_what_the_server_does(
    server: Server, part: int, fresh_database: FreshDatabase
) -> None:
    with server.connect(fresh_database(server)) as connection:
        connection.execute(_USER_TYPES)
        # Another zone than UTC, in which timestamp and timestamptz are not the same bytes.
        connection.execute("SET TIME ZONE 'Europe/Paris'")
        for old in _TYPES[part::_PARTS]:
            compared = list(_compare_all(connection, old, server.major))
            assert [line for line in compared if line] == [], f"from {old}"
            assert len(compared) >= _LEAST_POSSIBLE, f"from {old}"


def _compare_all(connection: Connection, old: LiteralString, major: int) -> Iterator[str]:
    """One line for each disagreement, an empty one for each agreement."""
    setup = f"CREATE TABLE t (id int, c {old});"
    if old not in _WITHOUT_BTREE:
        setup += "CREATE INDEX t_c ON t (c);"
    filler: LiteralString = "''" if old == "required" else "NULL"
    connection.execute("DROP TABLE IF EXISTS t")
    connection.execute(setup.encode())
    connection.execute(f"INSERT INTO t SELECT g, {filler} FROM generate_series(1, 200) g")
    model = model_of(_USER_TYPES + setup)
    for new in _TYPES:
        automatic = False
        for using in ("", f" USING c::{new}"):
            if automatic and new not in _ALSO_WITH_USING:
                continue
            statement = f"ALTER TABLE t ALTER c TYPE {new}{using}"
            prediction = predict_form(statement, model, major)
            lock, predicted = prediction.tables[Name("t")]
            observed = _work_of(connection, statement)
            impossible = observed in _NO_CAST
            automatic = not impossible
            if not using and impossible != (_NOT_AUTOMATIC in prediction.sqlstates):
                yield f"{statement}: {observed}, predicted failures {set(prediction.sqlstates)}"
            elif impossible or observed == _NO_OPERATOR_CLASS:
                continue
            elif not isinstance(observed, Work):
                if observed not in prediction.sqlstates:
                    yield f"{statement}: {observed}, predicted {set(prediction.sqlstates)}"
            elif (lock, predicted) != (LockMode.ACCESS_EXCLUSIVE, observed):
                yield f"{statement}: observed {observed}, predicted {predicted}"
            else:
                yield ""


def _work_of(connection: Connection, statement: str) -> Work | str:
    """What the statement does to the table, or the SQLSTATE of its error."""
    try:
        with connection.transaction(force_rollback=True):
            before = connection.execute(_STORAGE).fetchone()
            connection.execute(statement.encode())
            after = connection.execute(_STORAGE).fetchone()
    except psycopg.Error as error:
        return error.sqlstate or ""
    assert before is not None
    assert after is not None
    if before[0] != after[0]:
        return Work.REWRITE
    if before[1] != after[1]:
        return Work.INDEX_BUILD
    return Work.SCAN if before[2] != after[2] else Work.CATALOG


_LONGEST: Final[dict[LiteralString, LiteralString]] = {
    "smallint": "-32768",
    "integer": "-2147483648",
    "bigint": "-9223372036854775808",
    "numeric": "1e400",
    "numeric(8)": "-99999999",
    "numeric(10,2)": "-99999999.99",
    "numeric(12,2)": "-9999999999.99",
    "numeric(12,4)": "-99999999.9999",
    "numeric(9,1)": "-99999999.9",
    "numeric(5,5)": "-0.99999",
    "numeric(45)": "9" * 45,
    "real": "-3.1234567e38",
    "double precision": "-1.2345678901234567e300",
    "boolean": "false",
    "text": "'" + "x" * 40 + "'",
    "varchar(10)": "'" + "x" * 10 + "'",
    "varchar(20)": "'" + "x" * 20 + "'",
    "char(5)": "'xxxxx'",
    "uuid": "'5c4a9a0e-46b6-4ed1-a1d4-7d3cbf3e4c8c'",
    "long_mood": "'rather long'",
}
"""For each type a value that needs the most room."""


def test_the_value_that_needs_most_room_fails_where_a_failure_is_predicted(
    server: Server, fresh_database: FreshDatabase
) -> None:
    types: LiteralString = "CREATE TYPE long_mood AS ENUM ('rather long');"
    wrong = []
    failing = 0
    with server.connect(fresh_database(server)) as connection:
        connection.execute(types)
        for old, value in _LONGEST.items():
            setup: LiteralString = f"CREATE TABLE t (id int, c {old});"
            model = model_of(types + setup)
            connection.execute("DROP TABLE IF EXISTS t")
            connection.execute(setup)
            connection.execute(f"INSERT INTO t VALUES (1, {value})")
            for new in _LONGEST:
                statement = f"ALTER TABLE t ALTER c TYPE {new}"
                predicted = predict_form(statement, model, server.major).sqlstates
                observed = _work_of(connection, statement)
                failing += observed in predicted
                if isinstance(observed, Work) == bool(predicted):
                    wrong.append(f"{old} to {new}: {observed}, predicted {set(predicted)}")
    assert wrong == []
    assert failing > len(_LONGEST)
