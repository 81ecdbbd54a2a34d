"""Cases of unresolved-operation and undecided-condition."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def sql_from_the_database():
    for (name,) in op.get_bind().execute(sa.text("SELECT tablename FROM pg_tables")).all():
        op.execute(f"ALTER TABLE {name} SET (fillfactor = 80)")  # expect: AP001


def sql_from_the_environment():
    import os

    op.execute(os.environ["SQL"])  # expect: AP001


def third_party_operation():
    op.create_entity(object())  # expect: AP001


def function_of_somebody():
    op.execute("SELECT rebuild_everything()")  # expect: AP001


def procedure_in_a_block():
    op.execute("DO $$ BEGIN CALL rebuild_everything(); END $$")  # expect: AP001


def functions_of_postgresql():
    op.execute("SELECT set_config('work_mem', '64MB', false), now(), uuid_generate_v4()")


def literals_in_a_loop():
    for name in ("orders", "customers"):
        op.execute(f"COMMENT ON TABLE {name} IS 'x'")


def undecided():
    if op.get_bind().execute(sa.text("SELECT 1 FROM pg_class WHERE relname = 'x'")).scalar():
        op.add_column("orders", sa.Column("a", sa.Text()))  # expect: AP002


def undecided_twice_is_told_once():
    exists = sa.inspect(op.get_bind()).has_table("x")
    if not exists:
        op.add_column("orders", sa.Column("a", sa.Text()))  # expect: AP002
        op.add_column("customers", sa.Column("a", sa.Text()))


def undecided_about_a_new_table():
    if not sa.inspect(op.get_bind()).has_table("fresh"):
        op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True))


def both_outcomes_are_judged():
    if sa.inspect(op.get_bind()).has_table("x"):
        op.create_index("i", "orders", ["total"])  # expect: AP002, AP101
    else:
        op.create_index("j", "orders", ["total"])  # expect: AP101


def undecided_about_a_view():
    if not sa.inspect(op.get_bind()).has_table("v"):
        op.execute("CREATE VIEW v AS SELECT id FROM orders")
