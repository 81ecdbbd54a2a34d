"""Cases of blocking-check."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create_check_constraint():
    op.create_check_constraint("ck", "orders", "total < 1000")  # expect: AP104


def with_an_expression():
    op.create_check_constraint("ck", "orders", sa.column("total") > 0)  # expect: AP104


def raw_sql():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (total < 1000)")  # expect: AP104


def inline_on_a_new_column():
    op.execute("ALTER TABLE orders ADD COLUMN a integer CHECK (a > 0)")  # expect: AP104


def domain():
    op.execute("ALTER DOMAIN amount ADD CONSTRAINT positive CHECK (VALUE > 0)")  # expect: AP104


def not_valid():
    op.create_check_constraint("ck", "orders", "total < 1000", postgresql_not_valid=True)


def not_valid_in_sql():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (total < 1000) NOT VALID")


def domain_not_valid():
    op.execute("ALTER DOMAIN amount ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID")


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True), sa.CheckConstraint("id > 0"))
    op.create_check_constraint("ck", "fresh", "id < 1000")


def two_tables_in_one_call_each():
    for table, column in {"orders": "total", "payments": "amount"}.items():
        op.create_check_constraint(f"ck_{table}", table, f"{column} < 1000")  # expect: AP104, AP104
