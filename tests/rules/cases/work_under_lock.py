"""Cases of work-under-lock."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def update_after_add_column():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.execute("UPDATE orders SET a = 'x' WHERE state = 'open'")  # expect: AP112


def query_after_ddl():
    op.add_column("orders", sa.Column("a", sa.Text()))
    rows = op.get_bind().execute(sa.text("SELECT id, note FROM orders")).fetchall()  # expect: AP112


def insert_select_after_ddl():
    op.add_column("customers", sa.Column("a", sa.Text()))
    op.create_table("notes", sa.Column("customer", sa.Text()))
    op.execute("INSERT INTO notes (customer) SELECT name FROM customers")  # expect: AP112


def delete_after_ddl():
    op.drop_constraint("orders_total_check", "orders", type_="check")
    op.execute("DELETE FROM orders WHERE state = 'void'")  # expect: AP112


def through_a_view():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.get_bind().execute(sa.text("SELECT id FROM open_orders")).all()  # expect: AP112


def materialized_view_of_a_locked_table():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.execute("CREATE MATERIALIZED VIEW mv AS SELECT id FROM orders")  # expect: AP112


def update_in_a_later_revision():
    op.add_column("orders", sa.Column("a", sa.Text()))
    # next revision
    op.execute("UPDATE orders SET a = 'x' WHERE state = 'open'")


def update_before_the_ddl():
    op.execute("UPDATE orders SET note = 'x' WHERE state = 'open'")
    op.add_column("orders", sa.Column("a", sa.Text()))


def update_of_another_table():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.execute("UPDATE customers SET name = 'x' WHERE email = 'y'")


def update_by_key_after_ddl():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.execute("UPDATE orders SET a = 'x' WHERE id = 7")


def catalogue_query_after_ddl():
    op.add_column("orders", sa.Column("a", sa.Text()))
    op.get_bind().execute(sa.text("SELECT 1 FROM information_schema.columns WHERE table_name = 'orders'")).scalar()
    op.get_bind().execute(sa.text("SELECT 1 FROM pg_class WHERE relname = 'orders'")).scalar()


def update_in_an_autocommit_block():
    op.add_column("orders", sa.Column("a", sa.Text()))
    with op.get_context().autocommit_block():
        op.execute("UPDATE orders SET a = 'x' WHERE state = 'open'")


def after_a_weak_lock():
    op.execute("COMMENT ON TABLE orders IS 'x'")
    op.execute("UPDATE orders SET note = 'x' WHERE state = 'open'")


def rows_in_a_loop_after_ddl():
    op.add_column("orders", sa.Column("a", sa.Text()))
    for row in op.get_bind().execute(sa.text("SELECT id FROM customers")):
        op.execute(sa.text("UPDATE orders SET a = 'x' WHERE id = :id").bindparams(id=row.id))  # expect: AP112


def parents_that_a_foreign_key_looks_up():
    op.add_column("customers", sa.Column("a", sa.Text()))
    for row in op.get_bind().execute(sa.text("SELECT id FROM payments")):
        op.execute(sa.text("UPDATE orders SET customer_id = 1 WHERE id = :id").bindparams(id=row.id))


def in_the_other_arm():
    if sa.inspect(op.get_bind()).has_table("x"):
        op.add_column("orders", sa.Column("a", sa.Text()))  # expect: AP002
    else:
        op.execute("UPDATE orders SET note = 'x' WHERE state = 'open'")
