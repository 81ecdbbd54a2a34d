"""What expressions name, prove and cast."""

from __future__ import annotations

import pytest

from alembic_proof.linter.sql import read_expression
from alembic_proof.objects import Name, SqlType


@pytest.mark.parametrize(
    ("text", "columns", "functions"),
    [
        ('lower(t.A) || "B"', ("a", "B"), ("lower",)),
        ("CURRENT_TIMESTAMP", (), ("now",)),
        ("current_timestamp(3)", (), ("now",)),
        ("nextval('s'::regclass)", (), ("nextval",)),
        ("gen_random_uuid()", (), ("gen_random_uuid",)),
        ("pg_catalog.upper(a)", ("a",), ("upper",)),
        ("EXTRACT(epoch FROM a)", ("a",), ("extract",)),
        ("a -> 'x' ->> 'y' = b #>> '{c}'", ("a", "b"), ()),
        ("a <-> point '(1,2)' < 5 AND @ b @@ c", ("a", "b", "c"), ()),
        ("a OPERATOR(pg_catalog.=) b", ("a", "b"), ()),
        ("a = :bind AND b = %(other)s AND c = $1 AND d = %s", ("a", "b", "c", "d"), ()),
        ("CASE WHEN a THEN f(b) ELSE 'it''s' END", ("a", "b"), ("f",)),
        ("'no column'", (), ()),
    ],
)
def test_columns_and_functions(
    text: str, columns: tuple[str, ...], functions: tuple[str, ...]
) -> None:
    expression = read_expression(text)
    assert not expression.opaque
    assert (expression.columns, expression.functions) == (columns, functions)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a IS NOT NULL", ("a",)),
        ("((a) IS NOT NULL) AND b > 0 AND t.c IS NOT NULL", ("a", "c")),
        ("NOT (a IS NULL)", ("a",)),
        ("NOT a IS NULL", ("a",)),
        ("a > 0", ()),
        ("a IS NOT NULL OR b IS NOT NULL", ()),
        ("NOT (a IS NOT NULL)", ()),
        ("a IS NULL", ()),
        ("a::text IS NOT NULL", ()),
        ("coalesce(a, b) IS NOT NULL", ()),
        ("(a IS NOT NULL) = true", ()),
    ],
)
def test_only_is_not_null_proves_not_null(text: str, columns: tuple[str, ...]) -> None:
    assert read_expression(text).proves_not_null == columns


@pytest.mark.parametrize(
    ("text", "column", "type_"),
    [
        ("a", "a", None),
        ("a::text", "a", SqlType("text")),
        ('("A")::character varying(5)', "A", SqlType("varchar", (5,))),
        ("CAST(t.a AS my.enum)", "a", SqlType("my.enum")),
        ("(a::timestamptz)", "a", SqlType("timestamptz")),
        ("a::text::my_enum", None, None),
        ("a::text || 'x'", None, None),
        ("lower(a)::text", None, None),
        ("'a'::text", None, None),
        ("NULL", None, None),
        ("a AT TIME ZONE 'UTC'", None, None),
    ],
)
def test_casts_of_a_column(text: str, column: str | None, type_: SqlType | None) -> None:
    expression = read_expression(text)
    assert (expression.cast_of, expression.cast_to) == (column, type_)


def test_subqueries_are_read() -> None:
    expression = read_expression("id IN (WITH w AS (SELECT 1) SELECT * FROM w, s.t, pg_class)")
    assert expression.reads == (Name("t", "s"),)


@pytest.mark.parametrize("text", ["", "1 x", "a +", "(a", "a) OR (b", "'open", "a FROM t", "\0"])
def test_what_cannot_be_parsed_is_opaque(text: str) -> None:
    assert read_expression(text).opaque


def test_the_text_keeps_its_spelling() -> None:
    assert read_expression("  Lower( a )  -- why\n").text == "Lower( a )"


# Holes


def test_a_hole_in_a_value_is_shown_and_is_no_column() -> None:
    expression = read_expression("a = __hole__1 AND b LIKE '%__hole__2%' AND c > 5__hole__3")
    assert expression.opaque
    expression = read_expression("a = __hole__1 AND b LIKE '%__hole__2%'")
    assert not expression.opaque
    assert expression.text == "a = … AND b LIKE '%…%'"
    assert expression.columns == ("a", "b")


@pytest.mark.parametrize(
    "text", ["__hole__1", "__hole__1(a)", "a::__hole__1", "id IN (SELECT a FROM __hole__1)"]
)
def test_a_hole_where_structure_should_be_is_opaque(text: str) -> None:
    expression = read_expression(text)
    assert expression.opaque
    assert "hole" not in expression.text
