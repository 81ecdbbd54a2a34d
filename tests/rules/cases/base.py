"""The schema that every case starts from: what is in here is in use."""

# ruff: noqa
# mypy: ignore-errors

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "base"
down_revision = None


def upgrade():
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.String(120)),
    )
    kind = postgresql.ENUM("sale", "gift", name="order_kind")
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("customer_id", sa.BigInteger(), sa.ForeignKey("customers.id")),
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("note", sa.Text()),
        sa.Column("state", sa.String(20), server_default="new"),
        sa.Column("total", sa.Integer()),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(10, 2)),
        sa.Column("placed_at", sa.DateTime()),
        sa.Column("payload", sa.JSON()),
        sa.Column("kind", kind),
        sa.CheckConstraint("total >= 0", name="orders_total_check"),
    )
    op.create_index("ix_orders_state", "orders", ["state"])
    op.create_index("ix_orders_customer", "orders", ["customer_id"])
    op.create_table(
        "items",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("order_id", sa.BigInteger(), sa.ForeignKey("orders.id")),
        sa.Column("label", sa.Text()),
        schema="shop",
    )
    op.execute("CREATE TABLE events (id bigint, day date NOT NULL) PARTITION BY RANGE (day)")
    op.execute(
        "CREATE TABLE events_2024 PARTITION OF events "
        "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"
    )
    op.execute("CREATE TABLE events_2025 (id bigint, day date NOT NULL)")
    op.execute("CREATE VIEW open_orders AS SELECT id, note FROM orders WHERE state = 'open'")
    op.execute("CREATE MATERIALIZED VIEW order_totals AS SELECT id, total FROM orders")
    op.execute("CREATE UNIQUE INDEX order_totals_id ON order_totals (id)")
    op.execute("CREATE DOMAIN amount AS integer")
    op.execute("CREATE TABLE payments (id bigint PRIMARY KEY, amount amount)")


def downgrade():
    raise NotImplementedError("the cases start here")
