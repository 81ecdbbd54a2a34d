"""Which CHECK lets PostgreSQL attach a partition without reading it."""

from __future__ import annotations

import pytest

from alembic_proof.gate.observe import observe
from alembic_proof.gate.servers.base import Server
from alembic_proof.objects import Name
from alembic_proof.postgres.effects.bounds import implies_bound
from tests.servers import FreshDatabase

_YEAR = "FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')"
_RANGES = [
    ("at >= '2027-01-01' AND at < '2028-01-01'", _YEAR, True),
    ("at >= '2027-01-01'::date AND at < '2028-01-01'::date", _YEAR, True),
    ("at < '2028-01-01' AND at >= '2027-01-01'", _YEAR, True),
    ("at >= '2027-03-01' AND at < '2027-04-01'", _YEAR, True),
    ("at > '2027-01-01' AND at < '2028-01-01'", _YEAR, True),
    ("at BETWEEN '2027-01-01' AND '2027-12-31'", _YEAR, True),
    ("at BETWEEN '2027-01-01' AND '2028-01-01'", _YEAR, False),
    ("at = '2027-05-05'", _YEAR, True),
    ("at = '2028-01-01'", _YEAR, False),
    ("at >= '2027-01-01' AND at <= '2028-01-01'", _YEAR, False),
    ("at >= '2027-01-01' AND at <= '2027-12-30'", _YEAR, True),
    ("at >= '2026-12-31' AND at < '2028-01-01'", _YEAR, False),
    ("at >= '2027-01-01' AND at < '2028-01-02'", _YEAR, False),
    ("at >= '2027-01-01'", _YEAR, False),
    ("at < '2028-01-01'", _YEAR, False),
    ("at <> '2027-01-01'", _YEAR, False),
    ("at >= '2027-01-01' AND at < '2028-01-01' OR id = 1", _YEAR, False),
    ("at >= '2027-01-01'", "FOR VALUES FROM ('2027-01-01') TO (MAXVALUE)", True),
    ("at >= '2026-01-01'", "FOR VALUES FROM ('2027-01-01') TO (MAXVALUE)", False),
    ("at < '2028-01-01'", "FOR VALUES FROM (MINVALUE) TO ('2028-01-01')", True),
    ("at < '2029-01-01'", "FOR VALUES FROM (MINVALUE) TO ('2028-01-01')", False),
    ("at >= '2020-01-01'", "FOR VALUES FROM (MINVALUE) TO ('2028-01-01')", False),
]
_NUMBERS = [
    ("id >= 1000 AND id < 2000", "FOR VALUES FROM (1000) TO (2000)", True),
    ("id >= 1000 AND id < 20000", "FOR VALUES FROM (1000) TO (2000)", False),
    ("id >= 999 AND id < 2000", "FOR VALUES FROM (1000) TO (2000)", False),
    ("id >= -5 AND id < 5", "FOR VALUES FROM (-10) TO (10)", True),
    ("id >= 0 AND length(kind) < 5", "FOR VALUES FROM (0) TO (10)", False),
    ("id >= 0 AND at < '2020-01-01'", "FOR VALUES FROM (0) TO (10)", False),
    ("id >= 0 AND 1 + id < 5", "FOR VALUES FROM (0) TO (10)", False),
    ("(id >= 0) AND (id < 5)", "FOR VALUES FROM (0) TO (10)", True),
    ("id IS NOT NULL AND id >= 0 AND id < 5", "FOR VALUES FROM (0) TO (10)", True),
]
_LISTS = [
    ("kind IN ('a', 'b')", "FOR VALUES IN ('a', 'b')", True),
    ("kind IN ('a')", "FOR VALUES IN ('a', 'b')", True),
    ("kind = 'a'", "FOR VALUES IN ('a', 'b')", True),
    ("kind IN ('a', 'c')", "FOR VALUES IN ('a', 'b')", False),
    ("kind NOT IN ('a', 'b')", "FOR VALUES IN ('a', 'b')", False),
    ("kind <> 'a'", "FOR VALUES IN ('a', 'b')", False),
    ("length(kind) = 1", "FOR VALUES IN ('a', 'b')", False),
    ("kind LIKE 'a'", "FOR VALUES IN ('a', 'b')", False),
    ("kind > 'a'", "FOR VALUES IN ('a', 'b')", False),
]
_CASES = [
    *(("RANGE (at)", *case) for case in _RANGES),
    *(("RANGE (id)", *case) for case in _NUMBERS),
    *(("LIST (kind)", *case) for case in _LISTS),
]


def test_a_proof_is_seen_where_the_server_sees_one(
    server: Server, fresh_database: FreshDatabase
) -> None:
    wrong = []
    with server.connect(fresh_database(server)) as connection:
        for key, check, bound, proved in _CASES:
            with connection.transaction(force_rollback=True):
                columns = "id int NOT NULL, at date NOT NULL, kind text NOT NULL"
                connection.execute(f"CREATE TABLE m ({columns}) PARTITION BY {key}".encode())
                connection.execute(f"CREATE TABLE c ({columns}, CHECK ({check}))".encode())
                observation = observe(connection, [f"ALTER TABLE m ATTACH PARTITION c {bound}"])
                assert observation.error is None
                # The lock is that of CREATE TABLE: only work is a reason to name the table.
                effect = observation.on(Name("c"))
                if (effect is None) is not proved:
                    wrong.append(f"{check} for {bound}: {effect}")
    assert wrong == []


@pytest.mark.parametrize(("key", "check", "bound", "proved"), _CASES)
def test_the_plain_forms_are_recognised(key: str, check: str, bound: str, proved: bool) -> None:
    assert implies_bound(check, bound) is proved, key


@pytest.mark.parametrize(
    ("check", "bound"),
    [
        ("id % 2 = 0", "FOR VALUES WITH (MODULUS 2, REMAINDER 0)"),
        ("at >= now()", _YEAR),
        ("", _YEAR),
        ("id >= 0 AND id < 5", "FOR VALUES FROM ('-10') TO ('10')"),
        ("'2027-01-01' <= at AND '2028-01-01' > at", _YEAR),
    ],
)
def test_everything_else_proves_nothing(check: str, bound: str) -> None:
    assert not implies_bound(check, bound)
