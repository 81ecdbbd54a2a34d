"""Cases of whole-table-update."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def update_without_where():
    op.execute("UPDATE orders SET total = 0")  # expect: AP111


def core_update():
    orders = sa.table("orders", sa.column("total"))
    op.execute(orders.update().values(total=0))  # expect: AP111


def through_the_connection():
    op.get_bind().execute(sa.text("UPDATE orders SET total = :total"), {"total": 0})  # expect: AP111


def delete():
    op.execute("DELETE FROM orders")  # expect: AP111


def truncate():
    op.execute("TRUNCATE orders CASCADE")  # expect: AP111


def new_column_is_null():
    op.add_column("orders", sa.Column("a", sa.Text()))
    # next revision
    op.execute("UPDATE orders SET a = note WHERE a IS NULL")  # expect: AP111


def backfill_after_add_column_in_one_transaction():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.execute("UPDATE orders SET a = note")  # expect: AP111


def join():
    op.add_column("orders", sa.Column("name", sa.Text()))
    # next revision
    op.execute("UPDATE orders SET name = customers.name FROM customers WHERE customers.id = orders.customer_id")  # expect: AP111


def always_true():
    op.execute("UPDATE orders SET total = 0 WHERE true")  # expect: AP111


def by_key():
    op.execute("UPDATE orders SET total = 0 WHERE id = 5")


def narrowed():
    op.execute("UPDATE orders SET state = 'open' WHERE state = 'opened'")


def null_of_an_old_column():
    op.execute("UPDATE orders SET total = 0 WHERE total IS NULL")


def batched_by_range():
    with op.get_context().autocommit_block():
        for low in range(0, 100000, 1000):
            op.execute(sa.text("UPDATE orders SET total = 0 WHERE id BETWEEN :low AND :high").bindparams(low=low, high=low + 999))


def batched_by_limit():
    with op.get_context().autocommit_block():
        while True:
            result = op.get_bind().execute(sa.text("UPDATE orders SET total = 0 WHERE id IN (SELECT id FROM orders WHERE total IS NULL LIMIT 1000)"))
            if result.rowcount == 0:
                break


def new_table():
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("a", sa.Text()))
    op.execute("INSERT INTO fresh (id, a) SELECT id, note FROM orders")
    op.execute("UPDATE fresh SET a = 'x'")


def small_changes_of_reference_data():
    op.bulk_insert(sa.table("customers", sa.column("name")), [{"name": "first"}])
    op.execute("DELETE FROM customers WHERE name = 'first'")


def constant_of_a_new_column():
    op.add_column("orders", sa.Column("done", sa.Boolean(), server_default=sa.false()))
    # next revision
    op.execute("UPDATE orders SET note = 'x' WHERE done = false")  # expect: AP111
