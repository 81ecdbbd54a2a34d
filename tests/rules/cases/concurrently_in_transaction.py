"""Cases of concurrently-in-transaction."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create_index():
    op.create_index("i", "orders", ["total"], postgresql_concurrently=True)  # expect: AP501


def create_index_in_sql():
    op.execute("CREATE INDEX CONCURRENTLY i ON orders (total)")  # expect: AP501


def drop_index():
    op.drop_index("ix_orders_state", table_name="orders", postgresql_concurrently=True)  # expect: AP501


def vacuum():
    op.execute("VACUUM orders")  # expect: AP501


def after_raw_commit():
    op.execute("COMMIT")
    op.create_index("i", "orders", ["total"], postgresql_concurrently=True)  # expect: AP501


def after_the_autocommit_block():
    with op.get_context().autocommit_block():
        op.create_index("i", "orders", ["total"], postgresql_concurrently=True)
    op.create_index("j", "orders", ["total"], postgresql_concurrently=True)  # expect: AP501


def in_the_autocommit_block():
    with op.get_context().autocommit_block():
        op.execute("VACUUM orders")
        op.drop_index("ix_orders_state", table_name="orders", postgresql_concurrently=True)


def enum_value_needs_no_block():
    op.execute("ALTER TYPE order_kind ADD VALUE IF NOT EXISTS 'sample'")
