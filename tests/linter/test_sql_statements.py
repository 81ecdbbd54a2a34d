"""What single statements become: the misread traps, the splitting, what stays unresolved."""

from __future__ import annotations

import pytest

from alembic_proof.linter.sql import read_statements, read_type
from alembic_proof.locks import LockMode
from alembic_proof.objects import Column, Expression, IndexKey, Name, SqlType
from alembic_proof.operations import (
    AddColumn,
    AlterTableSetting,
    BeginTransaction,
    CallFunction,
    ChangeObject,
    ChangePrivileges,
    Comment,
    CommitTransaction,
    CreateFunction,
    CreateIndex,
    CreateSchema,
    CreateTable,
    DropColumn,
    DropTable,
    LockTable,
    NoOperation,
    Operation,
    RenameColumn,
    RenameTable,
    RollbackTransaction,
    Savepoint,
    SetParameter,
    TableSetting,
    Unresolved,
)


def read(sql: str) -> Operation:
    ((operation,),) = read_statements(sql)
    return operation


# Names


def test_names_fold_unless_quoted() -> None:
    ((first, second),) = read_statements('DROP TABLE Orders, "Order ""Lines"""')
    assert first == DropTable(table=Name("orders"))
    assert second == DropTable(table=Name('Order "Lines"'))


def test_public_is_dropped_and_other_schema_names_are_kept() -> None:
    assert read("DROP TABLE public.t") == DropTable(table=Name("t"))
    assert read('DROP TABLE "Sales".t') == DropTable(table=Name("t", "Sales"))
    assert read('DROP TABLE U&"d\\0061t\\+000061"') == DropTable(table=Name("data"))


# What sqlglot misreads or cannot structure


def test_rename_without_the_word_column_renames_a_column() -> None:
    expected = RenameColumn(table=Name("t"), column="a", new_name="b")
    assert read("ALTER TABLE t RENAME a TO b") == expected
    assert read("ALTER TABLE t RENAME TO b") == RenameTable(table=Name("t"), new_name="b")


def test_serial_is_an_integer_with_a_sequence_and_not_an_identity() -> None:
    operation = read("ALTER TABLE t ADD COLUMN id bigserial")
    column = Column(name="id", type=SqlType("bigint"), nullable=False, serial=True)
    assert operation == AddColumn(table=Name("t"), column=column)


def test_every_subcommand_is_an_operation_and_an_unknown_one_is_beside_them() -> None:
    ((first, second, third),) = read_statements(
        "ALTER TABLE IF EXISTS t DROP COLUMN a, FROBNICATE b, DROP COLUMN c CASCADE"
    )
    assert first == DropColumn(table=Name("t"), column="a")
    assert second == Unresolved(
        reason="FROBNICATE is not expected there",
        source="ALTER TABLE t FROBNICATE b",
        tables=(Name("t"),),
    )
    assert third == DropColumn(table=Name("t"), column="c", cascade=True)


def test_not_valid_is_refused_where_postgresql_has_none() -> None:
    operation = read("ALTER TABLE t ADD CONSTRAINT u UNIQUE (a) NOT VALID")
    assert isinstance(operation, Unresolved)
    assert operation.tables == (Name("t"),)


def test_default_ends_where_the_next_clause_begins() -> None:
    operation = read("ALTER TABLE t ADD a timestamp DEFAULT now() AT TIME ZONE 'utc' NOT NULL")
    assert isinstance(operation, AddColumn)
    assert operation.column.nullable is False
    assert operation.column.default == Expression("now() AT TIME ZONE 'utc'", functions=("now",))
    operation = read('ALTER TABLE t ADD a text DEFAULT NULL NULL COLLATE "C" UNIQUE')
    assert isinstance(operation, AddColumn)
    assert operation.column.default is not None
    assert operation.column.default.is_null
    assert operation.column.collation == "C"
    assert len(operation.column.constraints) == 1


def test_index_keys_are_columns_or_expressions() -> None:
    operation = read("CREATE INDEX i ON t (a DESC, lower(b) text_pattern_ops, (c -> 'x'))")
    assert isinstance(operation, CreateIndex)
    assert operation.keys == (
        IndexKey("a"),
        IndexKey(expression=Expression("lower(b)", columns=("b",), functions=("lower",))),
        IndexKey(expression=Expression("c -> 'x'", columns=("c",))),
    )


def test_table_settings_keep_their_value() -> None:
    assert read("ALTER TABLE t NO INHERIT s.p") == AlterTableSetting(
        table=Name("t"), setting=TableSetting.NO_INHERIT, value="s.p", other=Name("p", "s")
    )
    assert read("ALTER TABLE t NO FORCE ROW LEVEL SECURITY") == AlterTableSetting(
        table=Name("t"), setting=TableSetting.ROW_SECURITY, value="NO FORCE ROW LEVEL SECURITY"
    )


def test_create_schema_with_elements_makes_the_tables_in_it() -> None:
    ((schema, table),) = read_statements("CREATE SCHEMA s CREATE TABLE t (a int)")
    assert schema == CreateSchema(schema="s")
    assert isinstance(table, CreateTable)
    assert table.table == Name("t", "s")


def test_function_bodies_are_kept_and_not_opened() -> None:
    ((operation,), (after,)) = read_statements(
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC\n"
        "  SELECT CASE WHEN true THEN 1 END; DROP TABLE t; END; SELECT 1"
    )
    assert isinstance(operation, CreateFunction)
    assert operation.body.startswith("BEGIN ATOMIC")
    assert operation.body.endswith("END")
    assert after == NoOperation(sql="SELECT 1")


# Session, transaction, privileges


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET lock_timeout = '5s'", SetParameter(parameter="lock_timeout", value="5s")),
        (
            "SET LOCAL lock_timeout TO 0",
            SetParameter(parameter="lock_timeout", value="0", local=True),
        ),
        ("SET SESSION work_mem TO DEFAULT", SetParameter(parameter="work_mem", value=None)),
        (
            'SET search_path TO "A", public',
            SetParameter(parameter="search_path", value="A, public"),
        ),
        ("SET TIME ZONE 'UTC'", SetParameter(parameter="timezone", value="UTC")),
        ("SET my.flag = on", SetParameter(parameter="my.flag", value="on")),
        ("RESET ALL", SetParameter(parameter="all", value=None)),
        (
            "SELECT pg_catalog.set_config('Search_Path', '', false)",
            SetParameter(parameter="search_path", value=""),
        ),
        (
            "SELECT set_config('x.y', :value, true)",
            SetParameter(parameter="x.y", value="…", local=True),
        ),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", BeginTransaction()),
        ("START TRANSACTION", BeginTransaction()),
        ("COMMIT AND CHAIN", CommitTransaction()),
        ("END", CommitTransaction()),
        ("ABORT", RollbackTransaction()),
        ("ROLLBACK WORK TO SAVEPOINT a", Savepoint(verb="ROLLBACK TO")),
        ("RELEASE a", Savepoint(verb="RELEASE")),
        ("LOCK t", LockTable(tables=(Name("t"),), mode=LockMode.ACCESS_EXCLUSIVE)),
        ("SHOW server_version", NoOperation(sql="SHOW server_version")),
        ("CALL s.p(1)", CallFunction(function=Name("p", "s"), sql="CALL s.p(1)")),
        ("COMMENT ON TABLE s.t IS NULL", Comment(kind="TABLE", name="s.t", table=Name("t", "s"))),
        (
            "COMMENT ON CONSTRAINT c ON t IS 'x'",
            Comment(kind="CONSTRAINT", name="c", table=Name("t"), text="x"),
        ),
        (
            "GRANT SELECT ON TABLE a, s.b TO app",
            ChangePrivileges(
                verb="GRANT",
                tables=(Name("a"), Name("b", "s")),
                sql="GRANT SELECT ON TABLE a, s.b TO app",
            ),
        ),
        (
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM app",
            ChangePrivileges(
                verb="REVOKE", sql="REVOKE ALL ON ALL TABLES IN SCHEMA public FROM app"
            ),
        ),
        (
            "CREATE PUBLICATION p FOR TABLE a, b",
            ChangeObject(
                verb="CREATE",
                kind="PUBLICATION",
                name="p",
                tables=(Name("a"), Name("b")),
                sql="CREATE PUBLICATION p FOR TABLE a, b",
            ),
        ),
    ],
)
def test_session_statements(sql: str, expected: Operation) -> None:
    assert read(sql) == expected


# Splitting


def test_splitting_respects_quotes_comments_and_parentheses() -> None:
    text = """
        -- a comment; with a semicolon
        SELECT ';', E'\\';', $$;$$, $x$ ; $$ ; $x$ /* ; /* nested ; */ ; */;;
        CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b);
        SELECT 1 ; -- the end
    """
    assert [len(operations) for operations in read_statements(text)] == [1, 1, 1]


def test_text_without_statements_has_no_operations() -> None:
    assert read_statements("") == ()
    assert read_statements(" ; ;; -- nothing\n /* at all */") == ()


# Unresolved


@pytest.mark.parametrize(
    ("sql", "reason", "tables"),
    [
        ("\\connect other", "it is a command of psql, not SQL", ()),
        ("SELECT 'never closed", "a quote is not closed or a character is not SQL", ()),
        ("PRAGMA foreign_keys = ON", "PRAGMA does not begin a statement that is known here", ()),
        ("ALTER TABLE t MODIFY a int", "MODIFY is not expected there", (Name("t"),)),
        ("CREATE INDEX i ON t", "it ends too early", (Name("t"),)),
        ("DROP TABLE t, ", "it ends too early", (Name("t"),)),
        ("DROP OWNED BY someone", "it drops whatever the role owns", ()),
        ("PREPARE TRANSACTION 'x'", "two-phase commit hides what the transaction did", ()),
        ("EXECUTE prepared", "it runs a prepared statement", ()),
        ("DELETE FROM t WHERE", "it ends too early", (Name("t"),)),
        ("SELECT (1", "a parenthesis is not closed", ()),
        ("SELECT 1 +", "it cannot be parsed", ()),
        ("SELECT 1 /* open", "a quote is not closed or a character is not SQL", ()),
    ],
)
def test_what_is_not_understood_is_unresolved(
    sql: str, reason: str, tables: tuple[Name, ...]
) -> None:
    operation = read(sql)
    assert isinstance(operation, Unresolved)
    assert operation.source == sql.strip()
    assert operation.tables == tables
    assert operation.reason.startswith(reason)


def test_a_statement_that_is_not_understood_does_not_hide_the_next() -> None:
    first, second = read_statements("FROB t; DROP TABLE t")
    assert isinstance(first[0], Unresolved)
    assert second == (DropTable(table=Name("t")),)


# Types


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INT4", SqlType("integer")),
        ("character varying(20)[]", SqlType("varchar", (20,), 1)),
        ("char", SqlType("char", (1,))),
        ('"char"', SqlType("char")),
        ("timestamp (3) with time zone", SqlType("timestamptz", (3,))),
        ("timestamp without time zone", SqlType("timestamp")),
        ("time with time zone[][3]", SqlType("timetz", (), 2)),
        ("decimal(10, 2)", SqlType("numeric", (10, 2))),
        ("numeric(3,-2)", SqlType("numeric", (3, -2))),
        ("float(24)", SqlType("real")),
        ("FLOAT", SqlType("double precision")),
        ("double precision", SqlType("double precision")),
        ("bit varying(5)", SqlType("varbit", (5,))),
        ("interval day to second(2)", SqlType("interval day to second", (2,))),
        ("pg_catalog.int8", SqlType("bigint")),
        ("public.My_Enum", SqlType("my_enum")),
        ('myschema."My Enum"', SqlType("myschema.My Enum")),
        ("geometry(Point, 4326)", SqlType("geometry(point,4326)")),
        ("integer ARRAY[4]", SqlType("integer", (), 1)),
        ("serial", SqlType("serial")),
        ("", None),
        ("int int", None),
        ("t.a%TYPE", None),
        ("varchar(__hole__1)", None),
    ],
)
def test_types_are_canonical(text: str, expected: SqlType | None) -> None:
    assert read_type(text) == expected
