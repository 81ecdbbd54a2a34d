"""What each revision will do, for people."""

from __future__ import annotations

from alembic_proof.findings import OperationCount
from alembic_proof.reporters.effects import render_effects
from alembic_proof.reporters.style import Style
from tests.reporters.reports import report, revision


def test_every_table_has_lock_work_and_cause() -> None:
    assert render_effects(report(), Style()) == (
        """\
2c5e1f0a3b4d (expand) migrations/versions/2c5e1f0a3b4d_add_email_index.py
  orders
      SHARE, index build; writes wait
      ix_orders_email is built
  bills (new)
      ACCESS EXCLUSIVE, catalog
      it is created

1 revision judged of 120 read; 3 operations, 3 understood
PostgreSQL 16 (configured)
"""
    )


def test_a_revision_without_effects_is_listed() -> None:
    text = render_effects(report(revisions=(revision(effects=()),)), Style())
    assert "\n  no table is locked\n" in text


def test_what_was_not_understood_is_said_at_the_revision() -> None:
    partly = revision(effects=(), operations=OperationCount(3, 1))
    text = render_effects(report(revisions=(partly,)), Style())
    assert "\n  2 operations not understood: more may happen\n" in text
    assert "no table is locked" not in text
