"""Cases of required-column."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def not_null_without_default():
    op.add_column("orders", sa.Column("a", sa.Text(), nullable=False))  # expect: AP203


def raw_sql():
    op.execute("ALTER TABLE orders ADD COLUMN a text NOT NULL")  # expect: AP203


def python_side_default_is_none_for_the_server():
    op.add_column("orders", sa.Column("a", sa.Text(), nullable=False, default="x"))  # expect: AP203


def default_dropped_in_the_same_release():
    op.add_column("orders", sa.Column("a", sa.Text(), nullable=False, server_default="x"))
    op.alter_column("orders", "a", server_default=None)  # expect: AP203


def not_null_in_the_same_release():
    op.add_column("orders", sa.Column("a", sa.Text()))
    # next revision
    op.alter_column("orders", "a", nullable=False)  # expect: AP203, AP106


def with_default():
    op.add_column("orders", sa.Column("a", sa.Text(), nullable=False, server_default=""))


def nullable():
    op.add_column("orders", sa.Column("a", sa.Text()))


def default_of_a_nullable_column_dropped():
    op.add_column("orders", sa.Column("a", sa.Text(), server_default="x"))
    op.alter_column("orders", "a", server_default=None)


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("fresh", sa.Column("a", sa.Text(), nullable=False))
