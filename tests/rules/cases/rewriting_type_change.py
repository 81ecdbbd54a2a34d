"""Cases of rewriting-type-change."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def integer_to_bigint():
    op.alter_column("orders", "total", existing_type=sa.Integer(), type_=sa.BigInteger())  # expect: AP107


def json_to_jsonb():
    op.alter_column("orders", "payload", type_=postgresql.JSONB(), postgresql_using="payload::jsonb")  # expect: AP107


def shorter_varchar():
    op.alter_column("orders", "state", existing_type=sa.String(20), type_=sa.String(10))  # expect: AP107


def text_to_varchar():
    op.alter_column("orders", "note", existing_type=sa.Text(), type_=sa.String(255))  # expect: AP107


def another_scale():
    op.alter_column("orders", "price", type_=sa.Numeric(12, 3))  # expect: AP107


def enum_to_text():
    op.alter_column("orders", "kind", type_=sa.Text(), postgresql_using="kind::text")  # expect: AP107


def raw_sql_with_using():
    op.execute("ALTER TABLE orders ALTER COLUMN note TYPE integer USING note::integer")  # expect: AP107


def in_batch():
    with op.batch_alter_table("orders") as batch_op:
        batch_op.alter_column("total", existing_type=sa.INTEGER(), type_=sa.BIGINT(), existing_nullable=True)  # expect: AP107


def column_the_history_never_made():
    op.alter_column("legacy", "a", existing_type=sa.Integer(), type_=sa.BigInteger())  # expect: AP107


def wider_varchar():
    op.alter_column("orders", "state", existing_type=sa.String(20), type_=sa.String(40))


def varchar_without_limit():
    op.alter_column("orders", "state", existing_type=sa.String(20), type_=sa.String())


def varchar_to_text():
    op.alter_column("orders", "state", existing_type=sa.String(20), type_=sa.Text())


def varchar_to_text_in_sql():
    op.execute("ALTER TABLE orders ALTER COLUMN state TYPE text")


def wider_numeric():
    op.alter_column("orders", "price", existing_type=sa.Numeric(10, 2), type_=sa.Numeric(14, 2))


def wider_varchar_of_an_unknown_column():
    op.alter_column("legacy", "a", existing_type=sa.String(20), type_=sa.String(40))


def timestamp_to_timestamptz_in_utc():
    op.alter_column("orders", "placed_at", existing_type=sa.DateTime(), type_=sa.DateTime(timezone=True))  # expect: AP107


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True))
    op.alter_column("fresh", "id", type_=sa.BigInteger())


def comment_only():
    op.alter_column("orders", "note", existing_type=sa.Text(), comment="what the customer said")


def version_table():
    op.alter_column("alembic_version", "version_num", type_=sa.String(255))
