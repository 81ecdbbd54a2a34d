"""Owns what an Alembic project is to us: where its files are and how its env.py runs migrations."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """How env.py runs migrations, as far as its text says.

    ``transaction_per_migration`` and ``transactional_ddl`` are the arguments of
    ``context.configure``; None where they are not given or not literal (Alembic's defaults on
    PostgreSQL are false and true). ``lock_timeout`` and ``statement_timeout`` are the settings that
    env.py or its connection arguments make for every migration, as written; empty when none is
    found. ``advisory_lock`` is true when env.py takes one. ``version_table`` and
    ``version_table_schema`` locate Alembic's own table. ``autocommit`` is true when the connection
    is put into autocommit, so that every statement commits by itself. ``unresolved`` says what could
    not be read.
    """

    transaction_per_migration: bool | None = None
    transactional_ddl: bool | None = None
    lock_timeout: str = ""
    statement_timeout: str = ""
    advisory_lock: bool = False
    version_table: str = "alembic_version"
    version_table_schema: str | None = None
    include_schemas: bool = False
    autocommit: bool = False
    unresolved: tuple[str, ...] = ()


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """One Alembic project: a script directory with its revisions.

    ``root`` is the folder that findings' paths are relative to: the one that holds the Alembic
    configuration file, or the nearest above it that also holds all the revisions. ``config_file`` is
    that file, None when only a script directory was found. ``section`` is the section of an ini file.
    ``recursive`` is Alembic's ``recursive_version_locations``. ``notes`` is what a reader of the
    report has to know about how the project was found. All paths are absolute.
    """

    root: Path
    script_location: Path
    version_locations: tuple[Path, ...]
    config_file: Path | None = None
    section: str = "alembic"
    recursive: bool = False
    notes: tuple[str, ...] = ()

    @property
    def env_py(self) -> Path:
        """The environment script that Alembic runs."""
        return self.script_location / "env.py"
