"""Writes small, real Alembic projects for tests to run."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Protocol


class AlembicProject(Protocol):
    """Writes a project below the test's own folder and returns its root."""

    def __call__(
        self,
        revisions: dict[str, str],
        *,
        environment: str = "sync",
        transaction_per_migration: bool = False,
        name: str = "project",
    ) -> Path: ...


ALEMBIC_INI = """\
[alembic]
script_location = %(here)s/migrations
path_separator = os
"""

SYNC_ENVIRONMENT = """\
import os

from alembic import context
from sqlalchemy import create_engine, pool


def run_migrations_online():
    engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection{options})
        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
"""

ASYNC_ENVIRONMENT = """\
import asyncio
import os

from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine


def run_migrations(connection):
    context.configure(connection=connection{options})
    with context.begin_transaction():
        context.run_migrations()


async def run_migrations_online():
    engine = create_async_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(run_migrations_online())
"""

ENVIRONMENTS = {"sync": SYNC_ENVIRONMENT, "async": ASYNC_ENVIRONMENT}


def write_project(
    root: Path,
    revisions: dict[str, str],
    *,
    environment: str = "sync",
    transaction_per_migration: bool = False,
) -> Path:
    """Write alembic.ini, env.py and the revision files; return ``root``.

    ``revisions`` maps file names (without ``.py``) to texts, which are dedented. ``environment``
    is a key of ``ENVIRONMENTS`` or the whole text of an env.py; both kinds read DATABASE_URL, whose
    scheme decides the driver.
    """
    options = ", transaction_per_migration=True" if transaction_per_migration else ""
    env_py = ENVIRONMENTS.get(environment, environment).replace("{options}", options)
    migrations = root / "migrations"
    versions = migrations / "versions"
    versions.mkdir(parents=True)
    (root / "alembic.ini").write_text(ALEMBIC_INI)
    (migrations / "env.py").write_text(dedent(env_py))
    for name, text in revisions.items():
        (versions / f"{name}.py").write_text(dedent(text))
    return root


def revision_text(
    revision: str, upgrade: str, downgrade: str = "pass", *, down_revision: str | None = None
) -> str:
    """Return the text of a revision file whose functions have these bodies."""

    def body(text: str) -> str:
        return "\n".join(f"    {line}" for line in dedent(text).strip().splitlines())

    return (
        "import sqlalchemy as sa\n"
        "from alembic import op\n\n"
        f"revision = {revision!r}\n"
        f"down_revision = {down_revision!r}\n\n\n"
        f"def upgrade():\n{body(upgrade)}\n\n\n"
        f"def downgrade():\n{body(downgrade)}\n"
    )
