"""What a prediction says when the schema model, or the migration, does not tell enough."""

from __future__ import annotations

import pytest

from alembic_proof.effects import Effects, Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import Column, Expression, Name, SqlType
from alembic_proof.operations import (
    AddColumn,
    ChangeColumnType,
    CreateTable,
    DropIndex,
    Operation,
    Unresolved,
)
from alembic_proof.postgres.effects import predict
from alembic_proof.schema_model import SchemaModel
from tests.postgres.proving import model_of, operations

T = Name("t")


def predicted(sql: str, setup: str = "", version: int = 16) -> Effects:
    (operation,) = operations(sql)
    return predict(operation, model_of(setup), version)


@pytest.mark.parametrize(
    ("sql", "unknown"),
    [
        ("ALTER TABLE t ALTER c TYPE text", "the type of t.c before the change is not known"),
        (
            "ALTER TABLE t ADD COLUMN c geometry_like",
            "whether geometry_like is a domain with constraints is not known",
        ),
        (
            "ALTER TABLE t ADD COLUMN c int DEFAULT next_number()",
            "whether the function next_number is volatile is not known",
        ),
        ("DROP TABLE t", "the foreign keys from and to t may not all be known"),
        ("DROP INDEX i", "the table that the index i is on is not known"),
        ("REINDEX INDEX i", "the table that the index i is on is not known"),
        ("ALTER TABLE t DROP CONSTRAINT c", "the table that c refers to is not known"),
        (
            "ALTER TABLE t VALIDATE CONSTRAINT c",
            "what the constraint c of t requires is not known",
        ),
        (
            "ALTER TABLE t ADD PRIMARY KEY USING INDEX i",
            "the columns of the index i are not known",
        ),
        ("REFRESH MATERIALIZED VIEW v", "the tables that v reads are not known"),
        ("CLUSTER", "which tables were clustered before is not known"),
        ("VACUUM", "VACUUM visits every table of the database"),
        ("REINDEX DATABASE d", "REINDEX DATABASE visits every table there"),
        ("SELECT f()", "what the function f does is not known"),
        (
            "DROP FUNCTION f() CASCADE",
            "the triggers, defaults and views that use f are not known",
        ),
        (
            "DROP SEQUENCE s CASCADE",
            "the columns whose default uses the sequence s are not known",
        ),
        (
            "DROP EXTENSION e CASCADE",
            "the columns that use the extension e are not known",
        ),
        ("REASSIGN OWNED BY a TO b", "which tables REASSIGN OWNED changes is not known"),
    ],
)
def test_what_is_not_known_is_said(sql: str, unknown: str) -> None:
    assert predicted(sql).unknown == unknown


def test_nothing_is_unknown_where_everything_is_known() -> None:
    setup = "CREATE TABLE t (id int PRIMARY KEY, c varchar(5)); CREATE INDEX i ON t (c);"
    for sql in ("DROP TABLE t", "DROP INDEX i", "ALTER TABLE t ALTER c TYPE text"):
        assert predicted(sql, setup).unknown == ""


@pytest.mark.parametrize(
    ("operation", "work", "unknown"),
    [
        (
            ChangeColumnType(table=T, column="c", type=None),
            Work.REWRITE,
            "the new type of t.c is not known",
        ),
        (
            ChangeColumnType(
                table=T,
                column="c",
                type=SqlType("varchar", (20,)),
                existing_type=SqlType("varchar", (10,)),
            ),
            Work.CATALOG,
            "",
        ),
        (
            AddColumn(table=T, column=Column(name="c")),
            Work.CATALOG,
            "the type of the new column t.c is not known",
        ),
        (
            AddColumn(
                table=T,
                column=Column(
                    name="c",
                    type=SqlType("integer"),
                    default=Expression("f(?", opaque=True),
                ),
            ),
            Work.REWRITE,
            "whether the default f(? is volatile is not known",
        ),
    ],
)
def test_what_the_migration_does_not_tell(operation: Operation, work: Work, unknown: str) -> None:
    effects = predict(operation, SchemaModel(), 16)
    effect = effects.on(T)
    assert effect is not None
    assert (effect.lock, effect.work) == (LockMode.ACCESS_EXCLUSIVE, work)
    assert effects.unknown == unknown


def test_what_could_not_be_understood_is_said() -> None:
    effects = predict(Unresolved(reason="it is dynamic"), SchemaModel(), 16)
    assert effects.unknown == "the operation could not be understood because it is dynamic"


def test_the_table_that_alembic_names_for_an_index_is_believed() -> None:
    effects = predict(DropIndex(index=Name("i"), table=T), SchemaModel(), 16)
    effect = effects.on(T)
    assert effect is not None
    assert effect.lock is LockMode.ACCESS_EXCLUSIVE
    assert effects.unknown == ""


def test_a_created_table_is_locked_itself() -> None:
    effects = predict(CreateTable(table=T), SchemaModel(), 16)
    effect = effects.on(T)
    assert effect is not None
    assert (effect.lock, effect.work) == (LockMode.ACCESS_EXCLUSIVE, Work.CATALOG)


@pytest.mark.parametrize(
    ("sql", "work"),
    [
        ("UPDATE t SET a = 1 WHERE id = 5", Work.ROWS),
        ("DELETE FROM t WHERE id = 5", Work.ROWS),
        ("UPDATE t SET a = 1 WHERE name = 'x'", Work.SCAN),
        ("UPDATE t SET a = 1", Work.SCAN),
    ],
)
def test_a_row_of_an_unknown_table_is_found_by_id(sql: str, work: Work) -> None:
    effect = predicted(sql).on(T)
    assert effect is not None
    assert effect.work is work


def test_a_key_that_the_history_added_to_an_unknown_table_counts() -> None:
    setup = "ALTER TABLE t ADD CONSTRAINT u UNIQUE (name);"
    effect = predicted("UPDATE t SET a = 1 WHERE name = 'x'", setup).on(T)
    assert effect is not None
    assert effect.work is Work.ROWS


@pytest.mark.parametrize(("version", "outside"), [(13, False), (14, True)])
def test_reindex_of_partitioned_tables_commits_on_its_own_since_14(
    version: int, outside: bool
) -> None:
    setup = "CREATE TABLE t (id int) PARTITION BY RANGE (id);"
    assert predicted("REINDEX TABLE t", setup, version).outside_transaction is outside


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (
            "ALTER TABLE t ADD COLUMN a timestamptz DEFAULT clock_timestamp()",
            "the new column's default is volatile (clock_timestamp)",
        ),
        ("ALTER TABLE t ALTER c TYPE bigint", "c is converted from integer to bigint"),
        ("ALTER TABLE t ALTER c SET NOT NULL", "c must have no NULL in any row"),
        ("ALTER TABLE t ALTER d SET NOT NULL", "the CHECK dd proves that d has no NULL"),
        ("CREATE INDEX i ON t (c)", "the index i is built"),
        ("ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES u", "the new foreign key to u is validated"),
        ("DROP TABLE t", "t is dropped"),
    ],
)
def test_the_reason_is_in_the_users_words(sql: str, why: str) -> None:
    setup = "CREATE TABLE t (c int, d int, CONSTRAINT dd CHECK (d IS NOT NULL));"
    effect = predicted(sql, setup).on(T)
    assert effect is not None
    assert effect.why == why


@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("ALTER TABLE t ADD COLUMN a int NOT NULL", "t has any row"),
        ("ALTER TABLE t ALTER c SET NOT NULL", "a row of t has NULL in c"),
        ("ALTER TABLE t ADD UNIQUE (c, d)", "two rows of t have the same (c, d)"),
        ("ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES u", "(c) of a row of t has no match in u"),
        (
            "ALTER TABLE t ALTER c TYPE varchar(3)",
            "a value of t.c is longer than 3 characters",
        ),
    ],
)
def test_failures_complete_the_sentence_fails_if(sql: str, condition: str) -> None:
    effects = predicted(sql, "CREATE TABLE t (c text, d int);")
    (failure,) = effects.failures
    assert failure.condition == condition
