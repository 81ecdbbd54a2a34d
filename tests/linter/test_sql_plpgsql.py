"""DO blocks: the SQL that every branch of them runs."""

from __future__ import annotations

import pytest

from alembic_proof.linter.sql import read_statements
from alembic_proof.objects import Name
from alembic_proof.operations import (
    AddColumn,
    CallFunction,
    CommitTransaction,
    CreateType,
    DeleteRows,
    DropColumn,
    DropTable,
    NoOperation,
    Operation,
    SelectRows,
    Unresolved,
    UpdateRows,
)


def block(body: str, declare: str = "") -> tuple[Operation, ...]:
    (operations,) = read_statements(f"DO $do$ {declare} BEGIN {body} END $do$")
    return operations


def dropped(operations: tuple[Operation, ...]) -> list[str]:
    assert all(isinstance(operation, DropTable) for operation in operations), operations
    return [str(operation.table) for operation in operations if isinstance(operation, DropTable)]


def test_create_type_unless_it_exists() -> None:
    operations = block(
        "CREATE TYPE mood AS ENUM ('a', 'b'); EXCEPTION WHEN duplicate_object THEN NULL;"
    )
    assert operations == (CreateType(type=Name("mood"), kind="enum", values=("a", "b")),)


def test_every_branch_counts() -> None:
    operations = block(
        """
        IF EXISTS (SELECT 1 FROM pg_class) AND CASE WHEN x THEN true ELSE false END THEN
          DROP TABLE a;
        ELSIF y THEN DROP TABLE b;
        ELSE DROP TABLE c; END IF;
        CASE z WHEN 1 THEN DROP TABLE d; ELSE DROP TABLE e; END CASE;
        <<again>> LOOP DROP TABLE f; EXIT again WHEN done; END LOOP again;
        WHILE true LOOP DROP TABLE g; CONTINUE; END LOOP;
        FOR i IN REVERSE 10..1 BY 2 LOOP DROP TABLE h; END LOOP;
        FOREACH x IN ARRAY ARRAY[1, 2] LOOP DROP TABLE i; END LOOP;
        DECLARE inner_one int; BEGIN DROP TABLE j; END;
        BEGIN DROP TABLE k; EXCEPTION WHEN others OR sqlstate '42P01' THEN DROP TABLE l; END;
        """
    )
    assert dropped(operations) == list("abcdefghijkl")


def test_harmless_statements_do_nothing() -> None:
    operations = block(
        """
        NULL; x := 5; x = x + 1; r.a := lower('X'); a[1] := 2;
        RAISE NOTICE 'found % rows', x USING HINT = 'none';
        ASSERT x > 0; GET DIAGNOSTICS n = ROW_COUNT; PERFORM pg_sleep(1); RETURN;
        """,
        declare="DECLARE x int := 3; r record; n CONSTANT bigint DEFAULT 0; c CURSOR FOR SELECT 1;",
    )
    assert operations == (NoOperation(sql="DO"),)


def test_queries_inside_expressions_are_read() -> None:
    operations = block(
        """
        IF (SELECT count(*) FROM users) > 0 THEN NULL; END IF;
        n := (SELECT max(id) FROM items);
        n := id FROM parts LIMIT 1;
        FOR r IN SELECT * FROM baskets LOOP NULL; END LOOP;
        RAISE NOTICE '%', (SELECT 1 FROM notes);
        """,
        declare="DECLARE n int := (SELECT count(*) FROM orders);",
    )
    reads = [operation.reads for operation in operations if isinstance(operation, SelectRows)]
    names = ["orders", "users", "items", "parts", "baskets", "notes"]
    assert reads == [(Name(name),) for name in names]


def test_into_names_variables() -> None:
    operations = block(
        "SELECT a, b INTO STRICT x, y.z FROM t; DELETE FROM u RETURNING id INTO x;",
    )
    assert operations == (SelectRows(reads=(Name("t"),)), DeleteRows(table=Name("u")))


def test_variables_are_constants_in_conditions() -> None:
    (_, operation) = block(
        "FOR r IN SELECT id FROM t LOOP UPDATE t SET a = r.b WHERE id = r.id AND k = v; END LOOP;",
        declare="DECLARE r record; v int;",
    )
    assert isinstance(operation, UpdateRows)
    assert operation.by_key == ("id", "k")


def test_perform_and_commit() -> None:
    operations = block("PERFORM app.refresh(1); COMMIT;")
    assert operations == (
        CallFunction(function=Name("refresh", "app"), sql="PERFORM app.refresh(1)"),
        CommitTransaction(),
    )


# EXECUTE


def test_execute_of_constants_is_read() -> None:
    operations = block(
        """
        EXECUTE 'DROP TABLE a; DROP TABLE b';
        EXECUTE 'DROP ' || 'TABLE ' || 'c' INTO x;
        EXECUTE format('DROP TABLE %I.%I', 's', 'd');
        EXECUTE ('DROP TABLE e');
        """
    )
    assert dropped(operations) == ["a", "b", "c", "s.d", "e"]


@pytest.mark.parametrize(
    ("command", "tables"),
    [
        ("EXECUTE format('ALTER TABLE %I DROP COLUMN a', r.name)", ()),
        ("EXECUTE format('ALTER TABLE t DROP COLUMN %2$I', a, b)", (Name("t"),)),
        ("EXECUTE 'DROP TABLE ' || quote_ident(r.name)", ()),
        ("EXECUTE statement USING 1", ()),
    ],
)
def test_execute_of_what_is_computed_is_unresolved(command: str, tables: tuple[Name, ...]) -> None:
    operations = block(f"{command};")
    assert operations == (
        Unresolved(
            reason="part of the statement is computed at run time", source=command, tables=tables
        ),
    )


def test_computed_values_and_schema_names_do_not_hide_an_execute() -> None:
    updated, removed = block(
        """
        EXECUTE format('UPDATE t SET a = %L WHERE id = %s', v, r.id);
        EXECUTE format('ALTER TABLE %I.t DROP COLUMN b', r.schema_name);
        """
    )
    assert isinstance(updated, UpdateRows)
    assert updated.by_key == ("id",)
    assert removed == DropColumn(table=Name("t", "?"), column="b")


# What cannot be opened


def test_other_languages_and_broken_blocks_are_unresolved() -> None:
    for sql in (
        "DO LANGUAGE plpython3u $$ plpy.execute('DROP TABLE t') $$",
        "DO $$ BEGIN IF x THEN DROP TABLE t; END $$",
        "DO $$ DROP TABLE t $$",
        "DO",
    ):
        ((operation,),) = read_statements(sql)
        assert isinstance(operation, Unresolved)
        assert operation.source == sql


def test_a_statement_that_is_not_understood_stays_beside_the_others() -> None:
    first, second, third = block("DROP TABLE a; FROB b; ALTER TABLE c ADD d int;")
    assert first == DropTable(table=Name("a"))
    assert isinstance(second, Unresolved)
    assert second.source == "FROB b"
    assert isinstance(third, AddColumn)


def test_a_hole_in_a_block_spoils_only_its_statement() -> None:
    first, second = block("CREATE TYPE __hole__1 AS ENUM ('a'); DROP TABLE b;")
    assert isinstance(first, Unresolved)
    assert second == DropTable(table=Name("b"))
