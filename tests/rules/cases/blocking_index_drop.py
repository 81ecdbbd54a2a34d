"""Cases of blocking-index-drop."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def drop_index():
    op.drop_index("ix_orders_state", table_name="orders")  # expect: AP102


def drop_index_without_table():
    op.drop_index("ix_orders_state")  # expect: AP102


def raw_sql():
    op.execute("DROP INDEX IF EXISTS ix_orders_state")  # expect: AP102


def concurrently():
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_state", table_name="orders", postgresql_concurrently=True)


def index_of_a_new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("a", sa.Text()))
    op.create_index("i", "fresh", ["a"])
    op.drop_index("i", table_name="fresh")
