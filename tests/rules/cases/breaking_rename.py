"""Cases of breaking-rename."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def rename_column():
    op.alter_column("orders", "note", new_column_name="remark", existing_type=sa.Text())  # expect: AP202


def rename_column_in_sql():
    op.execute("ALTER TABLE orders RENAME note TO remark")  # expect: AP202


def rename_table():
    op.rename_table("payments", "receipts")  # expect: AP202


def rename_table_in_sql():
    op.execute("ALTER TABLE payments RENAME TO receipts")  # expect: AP202


def move_to_another_schema():
    op.execute("ALTER TABLE payments SET SCHEMA shop")  # expect: AP202


def rename_enum_value():
    op.execute("ALTER TYPE order_kind RENAME VALUE 'gift' TO 'present'")  # expect: AP202


def rename_type():
    op.execute("ALTER TYPE order_kind RENAME TO kind_of_order")  # expect: AP202


def rename_schema():
    op.execute("ALTER SCHEMA shop RENAME TO store")  # expect: AP202


def rename_behind_a_view():
    op.rename_table("payments", "receipts")
    op.execute("CREATE VIEW payments AS SELECT * FROM receipts")


def view_too_late():
    op.rename_table("payments", "receipts")  # expect: AP202
    # next revision
    op.execute("CREATE VIEW payments AS SELECT * FROM receipts")


def column_added_in_the_release():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.alter_column("orders", "a", new_column_name="b")


def table_created_in_the_release():
    op.create_table("scratch", sa.Column("id", sa.Integer()))
    op.rename_table("scratch", "kept")


def constraint_and_index_names():
    op.execute("ALTER INDEX ix_orders_state RENAME TO ix_orders_status")
    op.execute("ALTER TABLE orders RENAME CONSTRAINT orders_total_check TO orders_total_positive")
