"""Cases of rewriting-column."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def random_uuid():
    op.add_column("orders", sa.Column("token", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False))  # expect: AP108


def uuid_ossp():
    op.add_column("orders", sa.Column("token", postgresql.UUID(), server_default=sa.text("uuid_generate_v4()")))  # expect: AP108


def clock_timestamp():
    op.execute("ALTER TABLE orders ADD COLUMN a timestamptz DEFAULT clock_timestamp()")  # expect: AP108


def serial():
    op.execute("ALTER TABLE orders ADD COLUMN a serial")  # expect: AP108


def identity():
    op.add_column("orders", sa.Column("a", sa.BigInteger(), sa.Identity()))  # expect: AP108


def stored_generated():
    op.add_column("orders", sa.Column("a", sa.Integer(), sa.Computed("total * 2", persisted=True)))  # expect: AP108


def nullable():
    op.add_column("orders", sa.Column("a", sa.Text(), nullable=True))


def constant_default():
    op.add_column("orders", sa.Column("a", sa.Boolean(), nullable=False, server_default=sa.false()))


def text_default():
    op.add_column("orders", sa.Column("a", sa.String(10), nullable=False, server_default="new"))


def now_default():
    op.add_column("orders", sa.Column("a", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False))


def now_default_in_sql():
    op.execute("ALTER TABLE orders ADD COLUMN a timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP")


def empty_json_default():
    op.add_column("orders", sa.Column("a", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False))


def default_for_new_rows_only():
    op.add_column("orders", sa.Column("token", sa.Uuid()))
    op.alter_column("orders", "token", server_default=sa.text("gen_random_uuid()"))


def python_side_default():
    op.add_column("orders", sa.Column("a", sa.Uuid(), default=lambda: "x"))


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("fresh", sa.Column("token", sa.Uuid(), server_default=sa.text("gen_random_uuid()")))
