"""Cases of breaking-drop."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def drop_column():
    op.drop_column("orders", "note")  # expect: AP201


def in_batch():
    with op.batch_alter_table("orders") as batch_op:
        batch_op.drop_column("note")  # expect: AP201


def raw_sql():
    op.execute("ALTER TABLE orders DROP COLUMN IF EXISTS note CASCADE")  # expect: AP201


def drop_table():
    op.drop_table("payments")  # expect: AP201


def drop_two_tables_in_sql():
    op.execute("DROP TABLE IF EXISTS payments, shop.items")  # expect: AP201, AP201


def drop_view():
    op.execute("DROP VIEW open_orders")  # expect: AP201


def drop_schema():
    op.execute("DROP SCHEMA shop CASCADE")  # expect: AP201


def type_with_its_columns():
    op.execute("DROP TYPE order_kind CASCADE")  # expect: AP201


def type_that_is_still_used():
    op.execute("DROP TYPE order_kind")


def extension_with_its_columns():
    op.execute("DROP EXTENSION citext CASCADE")  # expect: AP201


def column_added_in_the_release():
    op.add_column("orders", sa.Column("a", sa.Text()))
    # next revision
    op.drop_column("orders", "a")


def table_created_in_the_release():
    op.create_table("scratch", sa.Column("id", sa.Integer()))
    op.drop_table("scratch")


def temporary_table():
    op.execute("CREATE TEMPORARY TABLE scratch AS SELECT id FROM customers")
    op.execute("DROP TABLE scratch")


def view_that_is_made_again():
    op.execute("DROP VIEW IF EXISTS open_orders")
    op.execute("CREATE VIEW open_orders AS SELECT id, note, total FROM orders WHERE state = 'open'")


def drop_default():
    op.alter_column("orders", "state", existing_type=sa.String(20), server_default=None)


def drop_constraint():
    op.drop_constraint("orders_total_check", "orders", type_="check")
