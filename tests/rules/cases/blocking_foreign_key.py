"""Cases of blocking-foreign-key."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create_foreign_key():
    op.create_foreign_key("fk", "orders", "customers", ["parent_id"], ["id"])  # expect: AP103


def to_itself():
    op.create_foreign_key("fk", "orders", "orders", ["parent_id"], ["id"], ondelete="CASCADE")  # expect: AP103


def without_a_name():
    op.create_foreign_key(None, "orders", "customers", ["parent_id"], ["id"])  # expect: AP103


def raw_sql():
    op.execute("ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (parent_id) REFERENCES customers (id)")  # expect: AP103


def new_column_with_foreign_key():
    op.add_column("orders", sa.Column("seller_id", sa.BigInteger(), sa.ForeignKey("customers.id")))  # expect: AP103


def in_batch():
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_foreign_key("fk", "customers", ["parent_id"], ["id"])  # expect: AP103


def to_a_new_table():
    op.create_table("sellers", sa.Column("id", sa.BigInteger(), primary_key=True))
    op.add_column("orders", sa.Column("seller_id", sa.BigInteger()))
    op.create_foreign_key("fk", "orders", "sellers", ["seller_id"], ["id"])  # expect: AP103


def not_valid():
    op.create_foreign_key("fk", "orders", "customers", ["parent_id"], ["id"], postgresql_not_valid=True)


def not_valid_then_validated_later():
    op.execute("ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (parent_id) REFERENCES customers NOT VALID")
    # next revision
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT fk")


def inline_references_without_default():
    op.execute("ALTER TABLE orders ADD COLUMN seller_id bigint REFERENCES customers (id)")


def inline_references_with_default():
    op.execute("ALTER TABLE orders ADD COLUMN seller_id bigint DEFAULT 1 REFERENCES customers (id)")  # expect: AP103


def between_new_tables():
    op.create_table("a", sa.Column("id", sa.BigInteger(), primary_key=True))
    op.create_table("b", sa.Column("id", sa.BigInteger(), primary_key=True), sa.Column("a_id", sa.BigInteger()))
    op.create_foreign_key("fk", "b", "a", ["a_id"], ["id"])


def on_a_new_table_that_was_filled():
    op.create_table("refunds", sa.Column("id", sa.BigInteger(), primary_key=True), sa.Column("order_id", sa.BigInteger()))
    op.execute("INSERT INTO refunds SELECT id, id FROM orders")
    op.create_foreign_key("fk", "refunds", "orders", ["order_id"], ["id"])  # expect: AP103
