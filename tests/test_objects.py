"""Names as PostgreSQL knows them."""

from __future__ import annotations

from alembic_proof.objects import Name, SqlType


def test_public_and_no_schema_name_are_the_same() -> None:
    assert Name.of("orders", "public") == Name.of("orders") == Name("orders")
    assert str(Name.of("orders", "shop")) == "shop.orders"


def test_names_with_and_without_a_schema_name_can_be_sorted() -> None:
    names = [Name("b"), Name("a", "shop"), Name("a")]
    assert [str(name) for name in sorted(names)] == ["a", "b", "shop.a"]


def test_types_are_written_as_in_ddl() -> None:
    assert str(SqlType("numeric", (10, 2), 1)) == "numeric(10,2)[]"
