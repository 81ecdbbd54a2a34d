"""Cases of foreign-key-in-new-table."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def column_with_foreign_key():
    op.create_table("refunds", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("order_id", sa.BigInteger(), sa.ForeignKey("orders.id")))  # expect: AP109


def table_constraint():
    op.create_table(  # expect: AP109
        "refunds",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("order_id", sa.BigInteger()),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], ondelete="CASCADE"),
    )


def two_parents():
    op.create_table(  # expect: AP109
        "refunds",
        sa.Column("order_id", sa.BigInteger(), sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("customer_id", sa.BigInteger(), sa.ForeignKey("customers.id"), primary_key=True),
    )


def raw_sql():
    op.execute("CREATE TABLE refunds (id int PRIMARY KEY, order_id bigint REFERENCES orders (id))")  # expect: AP109


def parent_in_another_schema():
    op.create_table("labels", sa.Column("item_id", sa.BigInteger(), sa.ForeignKey("shop.items.id")), schema="shop")  # expect: AP109


def to_itself():
    op.create_table("trees", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("parent_id", sa.Integer(), sa.ForeignKey("trees.id")))


def new_parent():
    op.create_table("a", sa.Column("id", sa.Integer(), primary_key=True))
    op.create_table("b", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("a_id", sa.Integer(), sa.ForeignKey("a.id")))


def no_parent():
    op.create_table("a", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("b", sa.Text(), nullable=False))


def key_alone_in_its_transaction():
    op.create_table("refunds", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("order_id", sa.BigInteger()))
    # next revision
    op.create_foreign_key("fk", "refunds", "orders", ["order_id"], ["id"])


def two_keys_in_one_transaction():
    op.create_table("refunds", sa.Column("a", sa.BigInteger()), sa.Column("b", sa.BigInteger()))
    # next revision
    op.create_foreign_key("fk_a", "refunds", "orders", ["a"], ["id"])
    op.create_foreign_key("fk_b", "refunds", "customers", ["b"], ["id"])  # expect: AP109
