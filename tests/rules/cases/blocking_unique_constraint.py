"""Cases of blocking-unique-constraint."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create_unique_constraint():
    op.create_unique_constraint("uq", "orders", ["number"])  # expect: AP105


def without_a_name():
    op.create_unique_constraint(None, "customers", ["email"])  # expect: AP105


def in_batch():
    with op.batch_alter_table("orders") as batch_op:
        batch_op.create_unique_constraint("uq", ["number"])  # expect: AP105


def unique_column():
    op.add_column("orders", sa.Column("code", sa.Text(), unique=True))  # expect: AP105


def inline_unique():
    op.execute("ALTER TABLE orders ADD COLUMN code text UNIQUE")  # expect: AP105


def create_primary_key():
    op.create_primary_key("pk", "events_2025", ["id"])  # expect: AP105


def exclude():
    op.create_exclude_constraint("ex", "orders", ("number", "="), using="gist")  # expect: AP105


def unique_using_index():
    with op.get_context().autocommit_block():
        op.create_index("uq", "orders", ["number"], unique=True, postgresql_concurrently=True)
    op.execute("ALTER TABLE orders ADD CONSTRAINT uq UNIQUE USING INDEX uq")


def primary_key_using_index_over_nullable():
    with op.get_context().autocommit_block():
        op.create_index("pk", "events_2025", ["id"], unique=True, postgresql_concurrently=True)
    op.execute("ALTER TABLE events_2025 ADD CONSTRAINT pk PRIMARY KEY USING INDEX pk")  # expect: AP105


def primary_key_using_index_over_not_null():
    with op.get_context().autocommit_block():
        op.create_index("pk", "events_2025", ["day"], unique=True, postgresql_concurrently=True)
    op.execute("ALTER TABLE events_2025 ADD CONSTRAINT pk PRIMARY KEY USING INDEX pk")


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer()), sa.UniqueConstraint("id", name="uq"))
    op.create_primary_key("pk", "fresh", ["id"])
