"""Whatever the text, the SQL reader answers with operations and never raises."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alembic_proof.linter.sql import read_expression, read_statements, read_type
from alembic_proof.objects import Expression, SqlType
from alembic_proof.operations import Operation, Unresolved

CORPUS = Path(__file__).parents[1] / "data" / "ddl.jsonl"
KNOWN = [json.loads(line)["sql"] for line in CORPUS.read_text("utf-8").splitlines()][::7]

PIECES = st.sampled_from(
    [
        "\n",
        "",
        "",
        "",
        "ALTER",
        "TABLE",
        "ADD",
        "COLUMN",
        "DROP",
        "CONSTRAINT",
        "CREATE",
        "INDEX",
        "UNIQUE",
        "ON",
        "USING",
        "WHERE",
        "SELECT",
        "FROM",
        "INSERT",
        "INTO\n",
        "",
        "",
        "",
        "VALUES",
        "UPDATE",
        "SET",
        "DELETE",
        "MERGE",
        "WITH",
        "AS",
        "DEFAULT",
        "NOT",
        "NULL",
        "CHECK",
        "REFERENCES",
        "TYPE",
        "ENUM",
        "DO",
        "BEGIN",
        "END\n",
        "",
        "",
        "",
        "IF",
        "THEN",
        "LOOP",
        "EXECUTE",
        "CASE",
        "WHEN",
        "RETURNING",
        "LIMIT",
        "GRANT",
        "TO",
        "COMMENT",
        "IS",
        "LOCK",
        "MODE",
        "IN",
        "VIEW",
        "FUNCTION\n",
        "",
        "",
        "",
        "RENAME",
        "VALIDATE",
        "ATTACH",
        "PARTITION",
        "OF",
        "FOR",
        "a",
        "b",
        "t",
        '"Q"',
        "'text'",
        "E'\\n'",
        "$$",
        "$x$",
        "1",
        "1.5",
        "..",
        "(",
        ")",
        "[",
        "]",
        ",",
        ";",
        ".",
        "::\n",
        "",
        "",
        "",
        ":=",
        "=",
        "<",
        "-",
        "--",
        "/*",
        "*/",
        ":",
        ":name",
        "%(x)s",
        "%s",
        "$1",
        "__hole__1",
        "\\",
        '"',
        "'",
        "\x00",
        "é\n",
        "",
        "",
        "",
        "",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(PIECES, max_size=25).map(" ".join),
    st.tuples(st.sampled_from(KNOWN), st.integers(0, 400), st.lists(PIECES, max_size=3)).map(
        lambda parts: parts[0][: parts[1]] + " ".join(parts[2]) + parts[0][parts[1] + 1 :]
    ),
)
THOROUGH = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@THOROUGH
@given(TEXTS)
def test_any_text_is_operations(text: str) -> None:
    statements = read_statements(text)
    for operations in statements:
        assert operations
        assert all(isinstance(operation, Operation) for operation in operations)


@THOROUGH
@given(TEXTS)
def test_any_text_inside_a_block_is_operations(text: str) -> None:
    body = text.replace("$do$", "")
    (operations,) = read_statements(f"DO $do$ BEGIN {body}; END $do$")
    assert operations


@THOROUGH
@given(TEXTS)
def test_any_text_is_an_expression_and_maybe_a_type(text: str) -> None:
    assert isinstance(read_expression(text), Expression)
    assert isinstance(read_type(text), SqlType | None)


def test_hostile_sizes_come_back() -> None:
    deep = "(" * 20_000
    for text in (
        f"SELECT {deep}1",
        f"SELECT {deep}1{')' * 20_000}",
        f"ALTER TABLE t ADD CHECK ({deep}a{')' * 20_000})",
        "ALTER TABLE t ADD CHECK (" + " AND ".join(["a = 1"] * 20_000) + ")",
        "+" * 200_000,
        "$" * 100_000,
        "'" * 99_999,
        "/*" * 50_000,
        "DO $$ BEGIN " + "IF a THEN " * 3_000 + "END $$",
        "x" * 1_000_000,
        "INSERT INTO t VALUES " + ",".join(["(1, 'x')"] * 50_000),
    ):
        assert read_statements(text)
    assert isinstance(read_statements(f"SELECT {deep}1")[0][0], Unresolved)


def test_many_rows_are_not_parsed_one_by_one() -> None:
    ((operation,),) = read_statements("INSERT INTO t VALUES " + ",".join(["(1, 'x')"] * 50_000))
    assert not isinstance(operation, Unresolved)
