"""Real histories as packages ship them, each with what it takes to run it without the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alembic_proof.project import Project
from tests.corpus.packages import fetch
from tests.projects import ENVIRONMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedHistory:
    """A package and the folder of its revision files.

    ``stand_ins`` are modules of the application that revisions import, by file name, so that the
    application need not be installed. ``environment`` is a key of ``tests.projects.ENVIRONMENTS``.
    """

    package: str
    version: str
    versions: str
    environment: str = "sync"
    options: str = ""
    stand_ins: Mapping[str, str] = field(default_factory=dict)

    def project(self, folder: Path) -> Project:
        """Write an Alembic project below ``folder`` that runs the package's own revision files."""
        versions = fetch(self.package, self.version) / self.versions
        root = folder / self.package
        migrations = root / "migrations"
        migrations.mkdir(parents=True)
        config_file = root / "alembic.ini"
        config_file.write_text(
            "[alembic]\n"
            "script_location = %(here)s/migrations\n"
            f"version_locations = {versions}\n"
            "prepend_sys_path = %(here)s\n"
            "path_separator = newline\n"
        )
        env_py = ENVIRONMENTS[self.environment].replace("{options}", self.options)
        (migrations / "env.py").write_text(env_py)
        for name, text in self.stand_ins.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Project(
            root=root,
            config_file=config_file,
            script_location=migrations,
            version_locations=(versions,),
        )


_OPEN_WEBUI_DATABASE = """
import json

from sqlalchemy import types


class JSONField(types.TypeDecorator):
    impl = types.UnicodeText
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return None if value is None else json.dumps(value)

    def process_result_value(self, value, dialect):
        return None if value is None else json.loads(value)
"""

_OPEN_WEBUI_HELPERS = """
from alembic import op
from sqlalchemy import inspect


def get_existing_tables():
    return set(inspect(op.get_bind()).get_table_names())
"""

_MWDB_MODEL = """
import enum


class OpenIDGroupManagementMode(enum.Enum):
    DISABLED = "disabled"
    EXPLICIT = "explicit"
    ALL = "all"
"""

_PHOENIX_METADATA = """__import__("sqlalchemy").MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_`%(constraint_name)s`",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    })"""

ARGILLA = PackagedHistory(
    package="argilla-server",
    version="2.8.0",
    versions="argilla_server/alembic/versions",
)
MWDB = PackagedHistory(
    package="mwdb-core",
    version="2.20.0",
    versions="mwdb/model/migrations/versions",
    stand_ins={"mwdb/model/__init__.py": _MWDB_MODEL},
)
OPEN_WEBUI = PackagedHistory(
    package="open-webui",
    version="0.12.4",
    versions="open_webui/migrations/versions",
    stand_ins={
        "open_webui/internal/db.py": _OPEN_WEBUI_DATABASE,
        "open_webui/migrations/util.py": _OPEN_WEBUI_HELPERS,
    },
)
PHOENIX = PackagedHistory(
    package="arize-phoenix",
    version="20.26.1",
    versions="phoenix/db/migrations/versions",
    environment="async",
    options=f", transaction_per_migration=True, target_metadata={_PHOENIX_METADATA}",
)
