"""Cases of validation-under-lock."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def check():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (total > 0) NOT VALID")
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")  # expect: AP110


def foreign_key():
    op.create_foreign_key("fk", "orders", "customers", ["parent_id"], ["id"], postgresql_not_valid=True)
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT fk")  # expect: AP110


def after_other_ddl():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (total > 0) NOT VALID")
    # next revision
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")  # expect: AP110


def later_revision():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (total > 0) NOT VALID")
    # next revision
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")


def in_an_autocommit_block():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (total > 0) NOT VALID")
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")


def after_ddl_on_another_table():
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck CHECK (total > 0) NOT VALID")
    # next revision
    op.add_column("customers", sa.Column("a", sa.Text()))
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck")


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("ALTER TABLE fresh ADD CONSTRAINT ck CHECK (id > 0) NOT VALID")
    op.execute("ALTER TABLE fresh VALIDATE CONSTRAINT ck")
