"""What the schema model knows after SQL was replayed."""

from __future__ import annotations

import pytest

from alembic_proof.linter.sql import read_statements
from alembic_proof.objects import Name, SqlType
from alembic_proof.schema_model import SchemaModel, TableState
from alembic_proof.schema_replay import replay

ORDERS = Name("orders")


def replayed(*revisions: str, pending: tuple[str, ...] = ()) -> SchemaModel:
    """The model after some revisions, called r1, r2, …"""
    model = SchemaModel(pending)
    for number, sql in enumerate(revisions, start=1):
        for statement in read_statements(sql):
            for operation in statement:
                replay(model, operation, f"r{number}")
    return model


def table(model: SchemaModel, name: str) -> TableState:
    state = model.table(Name(name))
    assert state is not None
    return state


def columns(model: SchemaModel, name: str) -> list[str]:
    return list(table(model, name).columns)


def test_a_created_table_is_known_completely() -> None:
    model = replayed("CREATE TABLE orders (id serial PRIMARY KEY, note text DEFAULT 'x', n int)")
    state = table(model, "orders")
    assert state.complete
    assert state.primary_key == ("id",)
    assert model.type_of(ORDERS, "id") == SqlType("integer")
    assert model.is_nullable(ORDERS, "id") is False
    assert model.is_nullable(ORDERS, "n") is True
    assert state.columns["note"].has_default
    assert not state.columns["n"].has_default


def test_a_table_that_was_only_named_is_not_known() -> None:
    model = replayed("ALTER TABLE orders ADD COLUMN a int NOT NULL DEFAULT 1")
    assert not table(model, "orders").complete
    assert model.is_nullable(ORDERS, "a") is False
    assert model.is_nullable(ORDERS, "other") is None
    assert model.table(Name("elsewhere")) is None


def test_new_is_what_a_pending_revision_created() -> None:
    model = replayed("CREATE TABLE old (id int)", "CREATE TABLE new (id int)", pending=("r2",))
    assert not model.is_new(Name("old"))
    assert model.is_new(Name("new"))
    assert not model.is_new(Name("unknown"))


def test_a_new_partition_of_a_table_in_use_is_in_use() -> None:
    model = replayed(
        "CREATE TABLE m (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (2)",
        pending=("r2",),
    )
    assert not model.is_new(Name("m1"))


def test_replacing_a_view_does_not_make_it_new() -> None:
    model = replayed(
        "CREATE VIEW v AS SELECT 1 AS a",
        "CREATE OR REPLACE VIEW v AS SELECT 2 AS a",
        pending=("r2",),
    )
    assert not model.is_new(Name("v"))


@pytest.mark.parametrize(
    ("sql", "proved"),
    [
        ("ADD CONSTRAINT c CHECK (a IS NOT NULL)", True),
        ("ADD CONSTRAINT c CHECK (a IS NOT NULL AND a > 1)", True),
        ("ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID", False),
        ("ADD CONSTRAINT c CHECK (b IS NOT NULL)", False),
        ("ADD CONSTRAINT c CHECK (a IS NOT NULL OR b > 1)", False),
    ],
)
def test_a_validated_check_proves_not_null(sql: str, proved: bool) -> None:
    model = replayed("CREATE TABLE orders (a int, b int)", f"ALTER TABLE orders {sql}")
    assert (model.proof_of_not_null(ORDERS, "a") is not None) is proved


def test_validation_makes_the_proof_and_dropping_ends_it() -> None:
    steps = (
        "CREATE TABLE orders (a int)",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID",
        "ALTER TABLE orders VALIDATE CONSTRAINT c",
        "ALTER TABLE orders DROP CONSTRAINT c",
    )
    assert replayed(*steps[:2]).proof_of_not_null(ORDERS, "a") is None
    proof = replayed(*steps[:3]).proof_of_not_null(ORDERS, "a")
    assert proof is not None
    assert (proof.added_in, proof.validated_in) == ("r2", "r3")
    assert replayed(*steps).proof_of_not_null(ORDERS, "a") is None


def test_a_proof_follows_a_renamed_column_and_table() -> None:
    model = replayed(
        "CREATE TABLE orders (a int, CONSTRAINT c CHECK (a IS NOT NULL))",
        "ALTER TABLE orders RENAME a TO b; ALTER TABLE orders RENAME TO bills",
    )
    assert model.proof_of_not_null(Name("bills"), "b") is not None
    assert model.table(ORDERS) is None


def test_not_null_not_valid_counts_once_it_is_validated() -> None:
    model = replayed(
        "CREATE TABLE orders (a int)", "ALTER TABLE orders ADD CONSTRAINT n NOT NULL a NOT VALID"
    )
    assert model.is_nullable(ORDERS, "a") is True
    for operation in read_statements("ALTER TABLE orders VALIDATE CONSTRAINT n")[0]:
        replay(model, operation, "r3")
    assert model.is_nullable(ORDERS, "a") is False


def test_indexes_are_found_by_name_with_their_table() -> None:
    model = replayed(
        "CREATE TABLE app.orders (a int UNIQUE, b int); CREATE INDEX i ON app.orders (b)",
        "ALTER INDEX app.i RENAME TO j",
    )
    owner = Name("orders", "app")
    assert model.table_of_index(Name("j", "app")) == owner
    assert model.table_of_index(Name("j")) == owner
    assert model.table_of_index(Name("i", "app")) is None
    assert model.table_of_index(Name("orders_a_key", "app")) == owner
    assert model.unique_on(owner, ["a", "b"])
    assert not model.unique_on(owner, ["b"])


def test_an_index_that_becomes_a_constraint_takes_its_name() -> None:
    model = replayed(
        "CREATE TABLE orders (a int NOT NULL); CREATE UNIQUE INDEX i ON orders (a)",
        "ALTER TABLE orders ADD CONSTRAINT pk PRIMARY KEY USING INDEX i",
    )
    assert table(model, "orders").primary_key == ("a",)
    assert model.table_of_index(Name("i")) is None
    assert model.table_of_index(Name("pk")) == ORDERS


def test_dropping_a_column_takes_what_depends_on_it() -> None:
    model = replayed(
        "CREATE TABLE orders (id int PRIMARY KEY, a int, b int, CHECK (a < b))",
        "CREATE INDEX i ON orders (b) WHERE a > 1; CREATE INDEX k ON orders (b)",
        "ALTER TABLE orders DROP COLUMN a",
    )
    assert set(table(model, "orders").indexes) == {"orders_pkey", "k"}
    assert set(table(model, "orders").constraints) == {"orders_pkey"}


def test_dropping_a_table_with_cascade_takes_foreign_keys_views_and_partitions() -> None:
    model = replayed(
        "CREATE TABLE m (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (2)",
        "CREATE VIEW v AS SELECT id FROM m; CREATE VIEW w AS SELECT id FROM v",
        "CREATE TABLE line (m_id int REFERENCES m (id))",
        "DROP TABLE m CASCADE",
    )
    assert set(model.tables) == {Name("line")}
    assert list(model.foreign_keys(Name("line"))) == []


def test_a_partition_has_what_its_parent_has() -> None:
    model = replayed(
        "CREATE TABLE p (id int PRIMARY KEY)",
        "CREATE TABLE m (id int PRIMARY KEY, p_id int REFERENCES p (id), a varchar(10),"
        " CONSTRAINT c CHECK (a IS NOT NULL)) PARTITION BY RANGE (id)",
        "CREATE INDEX ON m (a)",
        "CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (2)",
        "ALTER TABLE m ADD COLUMN b int; ALTER TABLE m ALTER a TYPE text;"
        " ALTER TABLE m RENAME id TO key",
    )
    assert set(columns(model, "m1")) == {"key", "p_id", "a", "b"}
    assert table(model, "m1").complete
    assert model.type_of(Name("m1"), "a") == SqlType("text")
    assert model.proof_of_not_null(Name("m1"), "a") is not None
    assert table(model, "m1").primary_key == ("key",)
    assert {index.columns for index in table(model, "m1").indexes.values()} == {("key",), ("a",)}
    assert [key.table for key in model.foreign_keys(Name("m1"))] == [Name("p")]


def test_constraints_of_a_partitioned_table_come_and_go_with_it() -> None:
    steps = (
        "CREATE TABLE m (id int, a int) PARTITION BY RANGE (id)",
        "CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (2)",
        "ALTER TABLE m ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID",
        "ALTER TABLE m VALIDATE CONSTRAINT c",
        "ALTER TABLE m DROP CONSTRAINT c",
    )
    assert replayed(*steps[:3]).proof_of_not_null(Name("m1"), "a") is None
    assert replayed(*steps[:4]).proof_of_not_null(Name("m1"), "a") is not None
    assert replayed(*steps).proof_of_not_null(Name("m1"), "a") is None


def test_detached_and_attached_partitions() -> None:
    setup = (
        "CREATE TABLE m (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE m1 PARTITION OF m DEFAULT",
        "CREATE TABLE other (id int)",
        "ALTER TABLE m ATTACH PARTITION other FOR VALUES FROM (1) TO (2)",
    )
    model = replayed(*setup)
    assert set(model.partitions(Name("m"))) == {Name("m1"), Name("other")}
    assert model.default_partition(Name("m")) == Name("m1")
    gone = replayed(*setup, "ALTER TABLE m DETACH PARTITION m1")
    assert gone.default_partition(Name("m")) is None
    assert gone.partitions(Name("m")) == (Name("other"),)


def test_like_and_inherits_copy_columns() -> None:
    model = replayed(
        "CREATE TABLE orders (id int NOT NULL, a text)",
        "CREATE TABLE copy (LIKE orders, b int)",
        "CREATE TABLE child (c int) INHERITS (orders)",
        "CREATE TABLE filled AS SELECT * FROM orders",
    )
    assert set(columns(model, "copy")) == {"id", "a", "b"}
    assert set(columns(model, "child")) == {"id", "a", "c"}
    assert model.is_nullable(Name("copy"), "id") is False
    assert table(model, "copy").complete
    assert model.descendants(ORDERS) == (Name("child"),)
    assert not table(model, "filled").complete


def test_renaming_moves_every_reference() -> None:
    model = replayed(
        "CREATE TABLE orders (id int PRIMARY KEY)",
        "CREATE TABLE line (order_id int REFERENCES orders (id)); CREATE VIEW v AS SELECT * FROM orders",
        "ALTER TABLE orders RENAME TO bills; ALTER TABLE bills RENAME id TO number",
    )
    (key,) = model.foreign_keys(Name("line"))
    assert (key.table, key.referenced_columns) == (Name("bills"), ("number",))
    assert model.views_over(Name("bills")) == (Name("v"),)
    assert model.table_of_index(Name("orders_pkey")) == Name("bills")


def test_schema_names_move_and_go() -> None:
    model = replayed(
        "CREATE SCHEMA app; CREATE TABLE app.orders (id int PRIMARY KEY)",
        "ALTER SCHEMA app RENAME TO web",
    )
    assert model.table(Name("orders", "web")) is not None
    assert model.table(Name("orders", "app")) is None
    for operation in read_statements("DROP SCHEMA web CASCADE")[0]:
        replay(model, operation, "r3")
    assert model.tables == {}


def test_enums_keep_their_labels_in_order() -> None:
    model = replayed(
        "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE t (m mood)",
        "ALTER TYPE mood ADD VALUE 'fine' BEFORE 'glad'; ALTER TYPE mood ADD VALUE 'wild'",
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'; ALTER TYPE mood RENAME TO temper",
    )
    state = model.type(Name("temper"))
    assert state is not None
    assert state.values == ["low", "fine", "glad", "wild"]
    assert state.added_values == {"fine": "r2", "wild": "r2"}
    assert model.type_of(Name("t"), "m") == SqlType("temper")


def test_dropping_a_type_with_cascade_drops_its_columns() -> None:
    model = replayed("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (id int, m mood)")
    for operation in read_statements("DROP TYPE mood CASCADE")[0]:
        replay(model, operation, "r2")
    assert columns(model, "t") == ["id"]


def test_a_column_is_unfilled_until_something_may_fill_it() -> None:
    added = "ALTER TABLE orders ADD COLUMN a int, ADD COLUMN b int DEFAULT 1;"
    setup = "CREATE TABLE orders (id int)"
    assert replayed(setup, added).unfilled == {(ORDERS, "a")}
    assert replayed(setup, added + "UPDATE orders SET a = 1").unfilled == set()
    assert replayed(setup, added + "UPDATE orders SET b = 1").unfilled == {(ORDERS, "a")}
    assert replayed(setup, added, "SELECT 1").unfilled == set()


def test_nothing_known_is_no_reason_to_raise() -> None:
    model = replayed(
        "DROP TABLE a; DROP INDEX b; DROP VIEW c; DROP TYPE d; ALTER TABLE e DROP COLUMN f",
        "ALTER TABLE g DROP CONSTRAINT h; ALTER TABLE i VALIDATE CONSTRAINT j; DROP SCHEMA k",
        "ALTER TABLE l RENAME TO m; ALTER TABLE n RENAME o TO p; ALTER INDEX q RENAME TO r",
        "ALTER TABLE s DETACH PARTITION t; ALTER TABLE u RENAME CONSTRAINT v TO w; DROP SEQUENCE x",
    )
    assert not any(state.complete for state in model.tables.values())
