"""Cases of blocking-table-work."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def refresh():
    op.execute("REFRESH MATERIALIZED VIEW order_totals")  # expect: AP113


def cluster():
    op.execute("CLUSTER orders USING ix_orders_state")  # expect: AP113


def vacuum_full():
    with op.get_context().autocommit_block():
        op.execute("VACUUM FULL orders")  # expect: AP113


def set_unlogged():
    op.execute("ALTER TABLE payments SET UNLOGGED")  # expect: AP113


def attach_partition_that_scans():
    op.execute("ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')")  # expect: AP113


def refresh_concurrently():
    op.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals")


def refresh_new_view():
    op.execute("CREATE MATERIALIZED VIEW fresh AS SELECT id FROM customers WITH NO DATA")
    op.execute("REFRESH MATERIALIZED VIEW fresh")


def vacuum():
    with op.get_context().autocommit_block():
        op.execute("VACUUM ANALYZE orders")


def attach_partition_with_proof():
    op.execute("ALTER TABLE events_2025 ADD CONSTRAINT ck CHECK (day >= '2025-01-01' AND day < '2026-01-01') NOT VALID")
    # next revision
    op.execute("ALTER TABLE events_2025 VALIDATE CONSTRAINT ck")
    # next revision
    op.execute("ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')")


def create_partition():
    op.execute("CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")


def catalogue_only_settings():
    op.execute("ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.05)")
    op.execute("ALTER TABLE orders ALTER COLUMN note SET STATISTICS 500")
