"""Cases of scanning-not-null."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def alter_column():
    op.alter_column("orders", "total", existing_type=sa.Integer(), nullable=False)  # expect: AP106


def raw_sql():
    op.execute("ALTER TABLE orders ALTER COLUMN total SET NOT NULL")  # expect: AP106


def in_batch():
    with op.batch_alter_table("orders") as batch_op:
        batch_op.alter_column("total", existing_type=sa.Integer(), nullable=False)  # expect: AP106


def table_the_history_never_made():
    op.alter_column("legacy", "a", nullable=False)  # expect: AP106


def check_not_validated():
    op.create_check_constraint("ck", "orders", "note IS NOT NULL", postgresql_not_valid=True)
    # next revision
    op.alter_column("orders", "note", nullable=False)  # expect: AP106


def check_of_another_column():
    op.create_check_constraint("ck", "orders", "note IS NOT NULL", postgresql_not_valid=True)
    # next revision
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")
    # next revision
    op.alter_column("orders", "payload", nullable=False)  # expect: AP106


def check_of_another_table():
    op.create_check_constraint("ck", "customers", "note IS NOT NULL", postgresql_not_valid=True)
    # next revision
    op.execute("ALTER TABLE customers VALIDATE CONSTRAINT ck")
    # next revision
    op.alter_column("orders", "note", nullable=False)  # expect: AP106


def check_dropped_before():
    op.create_check_constraint("ck", "orders", "note IS NOT NULL", postgresql_not_valid=True)
    # next revision
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")
    op.drop_constraint("ck", "orders")
    op.alter_column("orders", "note", nullable=False)  # expect: AP106


def check_that_allows_null():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (note IS NOT NULL OR total > 0) NOT VALID")
    # next revision
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")
    # next revision
    op.alter_column("orders", "note", nullable=False)  # expect: AP106


def validated_check():
    op.create_check_constraint("ck", "orders", "note IS NOT NULL", postgresql_not_valid=True)
    # next revision
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")
    # next revision
    op.alter_column("orders", "note", existing_type=sa.Text(), nullable=False)
    op.drop_constraint("ck", "orders", type_="check")


def validated_check_and_not_null_in_one_revision():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (note IS NOT NULL) NOT VALID")
    # next revision
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")
    op.execute("ALTER TABLE orders ALTER COLUMN note SET NOT NULL")
    op.execute("ALTER TABLE orders DROP CONSTRAINT ck")


def validated_check_of_two_columns():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (note IS NOT NULL AND payload IS NOT NULL) NOT VALID")
    # next revision
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")
    # next revision
    op.alter_column("orders", "note", nullable=False)
    op.alter_column("orders", "payload", nullable=False)


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("a", sa.Text()))
    op.alter_column("fresh", "a", nullable=False)


def drop_not_null():
    op.alter_column("orders", "number", existing_type=sa.BigInteger(), nullable=True)
