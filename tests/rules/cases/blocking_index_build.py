"""Cases of blocking-index-build."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create_index():
    op.create_index("i", "orders", ["customer_id"])  # expect: AP101


def with_generated_name():
    op.create_index(op.f("ix_orders_total"), "orders", ["total"], unique=False)  # expect: AP101


def unique():
    op.create_index("i", "orders", ["number"], unique=True)  # expect: AP101


def in_batch():
    with op.batch_alter_table("orders") as batch_op:
        batch_op.create_index(batch_op.f("i"), ["number"])  # expect: AP101


def raw_sql():
    op.execute("CREATE INDEX i ON orders (lower(note))")  # expect: AP101


def raw_sql_if_not_exists():
    op.execute("create index if not exists i on public.orders using gin (note)")  # expect: AP101


def table_of_another_schema():
    op.create_index("i", "items", ["label"], schema="shop")  # expect: AP101


def table_the_history_never_made():
    op.create_index("i", "legacy", ["a"])  # expect: AP101


def column_with_index():
    op.add_column("orders", sa.Column("a", sa.Text(), index=True))  # expect: AP101


def partial_index():
    op.create_index("i", "orders", ["state"], postgresql_where=sa.text("state = 'x'"))  # expect: AP101


def loop():
    for table in ("orders", "customers"):
        op.create_index(f"i_{table}", table, ["id"])  # expect: AP101, AP101


def in_a_helper():
    def index(table, column):
        op.create_index(f"i_{table}", table, [column])  # expect: AP101

    index("orders", "number")


def reindex_index():
    op.execute("REINDEX INDEX ix_orders_state")  # expect: AP101


def reindex_table():
    op.execute("REINDEX TABLE orders")  # expect: AP101


def under_alter_table_one_finding_only():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.create_index("i", "orders", ["a"])  # expect: AP101


def concurrently():
    with op.get_context().autocommit_block():
        op.create_index("i", "orders", ["total"], postgresql_concurrently=True)


def concurrently_in_sql():
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (total)")


def reindex_concurrently():
    with op.get_context().autocommit_block():
        op.execute("REINDEX INDEX CONCURRENTLY ix_orders_state")


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("a", sa.Text(), index=True))
    op.create_index("i", "fresh", ["a"])


def table_of_an_earlier_pending_revision():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True))
    # next revision
    op.create_index("i", "fresh", ["id"])


def autocommit_block_does_not_help_a_plain_index():
    with op.get_context().autocommit_block():
        op.create_index("i", "orders", ["total"])  # expect: AP101


def renaming_an_index():
    op.execute("ALTER INDEX ix_orders_state RENAME TO ix_orders_status")


def dialect_condition():
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("i", "orders", ["total"])


def reindex_of_an_index_from_elsewhere():
    op.execute("REINDEX INDEX made_by_hand")  # expect: AP101


def reindex_concurrently_of_an_index_from_elsewhere():
    with op.get_context().autocommit_block():
        op.execute("REINDEX INDEX CONCURRENTLY made_by_hand")
