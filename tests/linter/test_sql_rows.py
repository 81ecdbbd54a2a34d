"""Statements about rows: what they change, read, and how many rows they can reach."""

from __future__ import annotations

import pytest

from alembic_proof.linter.sql import read_statements
from alembic_proof.objects import Name
from alembic_proof.operations import (
    CallFunction,
    CreateTable,
    DeleteRows,
    InsertRows,
    MergeRows,
    NoOperation,
    Operation,
    SelectRows,
    Unresolved,
    UpdateRows,
)


def read(sql: str) -> Operation:
    ((operation,),) = read_statements(sql)
    return operation


def changes(where: str, *, sources: str = "", before: str = "") -> UpdateRows:
    operation = read(f"{before} UPDATE t SET a = 1 {sources} WHERE {where}")
    assert isinstance(operation, UpdateRows)
    return operation


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("id = 1", ("id",)),
        ("t.id = :id AND (b) = 'x' AND c > 0", ("id", "b")),
        ("$1 = id", ("id",)),
        ("id IN (1, 2, %(three)s)", ("id",)),
        ("id = ANY(:ids)", ("id",)),
        ("(a, b) = (1, 2)", ("a", "b")),
        ("id = lower('X')", ("id",)),
        ("id = __hole__1", ("id",)),
        ("id = other.id", ("id",)),
        ("id = 1 OR b = 2", ()),
        ("id <> 1", ()),
        ("id = b", ()),
        ("lower(id) = 'x'", ()),
        ("id IN (SELECT id FROM o)", ()),
        ("id IN (__hole__1)", ()),
        ("NOT id = 1", ()),
    ],
)
def test_keys_are_columns_equal_to_constants(where: str, keys: tuple[str, ...]) -> None:
    assert changes(where).by_key == keys


def test_keys_are_not_columns_of_other_tables() -> None:
    assert changes("t.id = o.id AND o.x = 5", sources="FROM o").by_key == ()


def test_a_values_list_is_constant() -> None:
    operation = changes("t.id = v.id", sources="FROM (VALUES (1, 'x')) AS v (id, a)")
    assert operation.by_key == ("id",)
    assert operation.reads == ()


@pytest.mark.parametrize(
    ("where", "limited"),
    [
        ("id IN (SELECT id FROM t WHERE a IS NULL LIMIT 1000)", True),
        ("ctid = ANY (ARRAY(SELECT ctid FROM t LIMIT 10))", True),
        ("id = (SELECT id FROM t ORDER BY id FETCH FIRST 5 ROWS ONLY)", True),
        ("id BETWEEN :low AND :high", True),
        ("id >= 1 AND a IS NULL AND id < 1000", True),
        ("1 <= id AND 1000 > id", True),
        ("id > 5", False),
        ("id > 5 AND b < 7", False),
        ("id BETWEEN b AND c", False),
        ("id IN (SELECT id FROM o)", False),
        ("id IN (SELECT id FROM t LIMIT 5) OR b", False),
        ("CURRENT OF c", True),
    ],
)
def test_limited_statements_bound_their_rows(where: str, limited: bool) -> None:
    assert changes(where).limited is limited


def test_a_limited_common_table_expression_bounds_the_rows() -> None:
    batch = "WITH batch AS (SELECT id FROM t LIMIT 500 FOR UPDATE SKIP LOCKED)"
    assert changes("t.id = batch.id", sources="FROM batch", before=batch).limited
    assert changes("id IN (SELECT id FROM batch)", before=batch).limited


def test_update_without_where_changes_every_row() -> None:
    operation = read("UPDATE public.t AS x SET a = DEFAULT, (b, c) = (1, DEFAULT)")
    assert operation == UpdateRows(table=Name("t"), columns=("a", "b", "c"))


def test_is_distinct_from_begins_no_from() -> None:
    operation = read("UPDATE t SET a = b IS DISTINCT FROM c WHERE d IS NOT DISTINCT FROM e")
    assert isinstance(operation, UpdateRows)
    assert operation.reads == ()
    assert operation.where is not None
    assert operation.where.columns == ("d", "e")


def test_delete_with_using() -> None:
    operation = read("DELETE FROM ONLY t USING o, s.p WHERE t.id = o.id")
    assert isinstance(operation, DeleteRows)
    assert operation.reads == (Name("o"), Name("p", "s"))


def test_insert_reads_its_query() -> None:
    assert read("INSERT INTO t (a, b) SELECT x, f(y) FROM o ON CONFLICT DO NOTHING") == InsertRows(
        table=Name("t"), columns=("a", "b"), reads=(Name("o"),), on_conflict=True
    )
    assert read("INSERT INTO t DEFAULT VALUES") == InsertRows(table=Name("t"))
    assert read("COPY t (a) FROM STDIN WITH (FORMAT csv)") == InsertRows(
        table=Name("t"), columns=("a",)
    )


def test_merge_reads_its_source_and_its_subqueries() -> None:
    operation = read(
        "MERGE INTO t USING (SELECT * FROM s) AS s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET a = (SELECT max(x) FROM z)"
    )
    assert operation == MergeRows(table=Name("t"), reads=(Name("s"), Name("z")))


def test_a_with_that_changes_rows_gives_an_operation_for_each_change() -> None:
    ((deleted, inserted),) = read_statements(
        "WITH gone AS (DELETE FROM a WHERE id = 1 RETURNING *), extra AS (SELECT * FROM c) "
        "INSERT INTO b SELECT * FROM gone, extra"
    )
    assert isinstance(deleted, DeleteRows)
    assert deleted.by_key == ("id",)
    assert inserted == InsertRows(table=Name("b"), reads=(Name("c"),))


def test_common_table_expressions_hide_tables_only_where_they_are_visible() -> None:
    assert read("WITH orders AS (SELECT * FROM orders) SELECT * FROM orders") == SelectRows(
        reads=(Name("orders"),)
    )
    assert read("WITH RECURSIVE r AS (SELECT 1 UNION SELECT * FROM r) TABLE r") == NoOperation(
        sql="TABLE r"
    )


def test_catalogues_and_functions_are_not_tables() -> None:
    operation = read(
        "SELECT * FROM pg_class, information_schema.columns, generate_series(1, 2) g, unnest(:x)"
    )
    assert isinstance(operation, NoOperation)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT now(), version(), pg_advisory_xact_lock(1)",
        "SELECT setval(pg_get_serial_sequence('t', 'id'), 5)",
        "VALUES (1), (2)",
        "SELECT uuid_generate_v4()",
    ],
)
def test_queries_without_tables_do_nothing(sql: str) -> None:
    assert read(sql) == NoOperation(sql=sql)


def test_functions_that_are_not_built_in_are_calls() -> None:
    ((call, rows),) = read_statements("SELECT app.refresh(id), lower(name) FROM t LIMIT 5")
    assert isinstance(call, CallFunction)
    assert call.function == Name("refresh", "app")
    assert rows == SelectRows(reads=(Name("t"),), limited=True)
    assert isinstance(read("SELECT query_to_xml('DELETE FROM t', true, true, '')"), CallFunction)


def test_row_locks_are_seen_in_subqueries_too() -> None:
    assert read("SELECT * FROM (SELECT * FROM t FOR UPDATE) s") == SelectRows(
        reads=(Name("t"),), locks_rows=True
    )


def test_select_into_makes_a_table() -> None:
    assert read("SELECT * INTO TEMP TABLE x FROM t") == CreateTable(
        table=Name("x"), temporary=True, reads=(Name("t"),), complete=False
    )


def test_explain_runs_only_with_analyze() -> None:
    assert isinstance(read("EXPLAIN DELETE FROM t"), NoOperation)
    assert read("EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t") == DeleteRows(table=Name("t"))


# Holes


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("UPDATE __hole__1 SET a = 1", ()),
        ("UPDATE t SET __hole__1 = 1", (Name("t"),)),
        ("UPDATE t SET a = 1 FROM __hole__1 WHERE true", (Name("t"),)),
        ("DELETE FROM t __hole__1", (Name("t"),)),
        ("INSERT INTO t __hole__1", (Name("t"),)),
        ("INSERT INTO t (__hole__1) VALUES (1)", (Name("t"),)),
        ("SELECT * FROM t __hole__1", ()),
        ("SELECT * FROM t JOIN __hole__1 ON true", ()),
        ("SELECT __hole__1", ()),
        ("SELECT __hole__1(1)", ()),
        ("WITH __hole__1 SELECT 1", ()),
        ("__hole__1", ()),
    ],
)
def test_a_hole_in_the_structure_is_unresolved(sql: str, tables: tuple[Name, ...]) -> None:
    operation = read(sql)
    assert isinstance(operation, Unresolved)
    assert operation.reason == "part of the statement is computed at run time"
    assert operation.tables == tables
    assert "hole" not in operation.source


def test_a_hole_in_a_value_or_a_schema_name_is_understood() -> None:
    operation = read("UPDATE __hole__1.t SET a = '__hole__2', b = __hole__3 WHERE __hole__4")
    assert isinstance(operation, UpdateRows)
    assert operation.table == Name("t", "?")
    assert operation.columns == ("a", "b")
    assert operation.where is not None
    assert operation.where.opaque
    assert operation.where.text == "…"
    assert read("INSERT INTO t VALUES __hole__1") == InsertRows(table=Name("t"))
