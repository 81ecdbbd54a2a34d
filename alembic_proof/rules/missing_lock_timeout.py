"""AP502: DDL waits for its lock without a limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from alembic_proof import recipes
from alembic_proof.findings import Finding, Severity
from alembic_proof.objects import Name
from alembic_proof.rules.base import Claim, Context, Rule, Unobservable
from alembic_proof.wording import words


class MissingLockTimeout(Rule):
    """A lock that blocks a table in use is asked for without a `lock_timeout`.

    ## What it finds
    The first operation of a revision that takes a lock which blocks reads or writes on a table in
    use, where neither env.py nor an earlier `SET lock_timeout` limits the wait. Zero is no limit.

    ## Why it hurts
    The operation may be quick once it has the lock. Until then it waits behind the longest running
    query or idle transaction on the table, and every statement that comes after it waits behind it.
    One forgotten session can stop the application.

    ## What to do
    Set a `lock_timeout` of a few seconds for all migrations in env.py, or at the start of the
    revision, and run the migration again when it gives up.

    ## When it is safe to ignore
    The role or the database has a `lock_timeout` of its own.
    """

    code = "AP502"
    severity = Severity.INFO
    given = """
op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
    bad = """
op.add_column("orders", sa.Column("note", sa.Text()))
# env.py
context.configure(connection=connection, transaction_per_migration=True)
"""
    good = """
op.execute("SET LOCAL lock_timeout = '2s'")
op.add_column("orders", sa.Column("note", sa.Text()))
# env.py
context.configure(connection=connection, transaction_per_migration=True)
"""
    claims: ClassVar[tuple[Claim, ...]] = (
        Unobservable("a wait shows only while another session holds the table"),
    )

    def check_operation(self, context: Context) -> Iterator[Finding]:
        """Judge the first blocking lock of each revision."""
        table = _first_blocked(context)
        if table is None or _is_limited(context) or _was_reported(context):
            return
        effect = context.effects.on(table)
        if effect is None:
            return
        yield self.finding(
            context,
            f"{words(context.operation)} waits for {effect.lock} on {table} without a lock_timeout, "
            "and statements of running code queue behind it",
            help=recipes.execute("SET LOCAL lock_timeout = '2s'"),
            table=table,
            note="set it for all migrations in env.py",
        )


def _first_blocked(context: Context) -> Name | None:
    for effect in context.effects.tables:
        if effect.lock.blocks_writes and context.in_use(effect.table):
            return effect.table
    return None


def _is_limited(context: Context) -> bool:
    """Whether a limit is set that is not zero."""
    value = context.moment.parameters.get("lock_timeout", context.release.environment.lock_timeout)
    return bool(value) and not re.fullmatch(r"['\"]?\s*0+(\.0+)?\s*[a-z]*\s*['\"]?", value)


def _was_reported(context: Context) -> bool:
    """Whether an earlier operation of the revision took such a lock, so that it was reported."""
    for judged in context.release.steps_of(context.revision):
        if judged.step is context.judged.step:
            return False
        for effect in judged.effects.tables:
            if not effect.lock.blocks_writes or judged.is_new(effect.table):
                continue
            if not judged.moment.parameters.get("lock_timeout") and context.in_use(effect.table):
                return True
    return False
