"""Owns what the agent tells of a failure, and the words for it.

A failure of a revision is what the checks look for. A failure of the environment around it, or of
the server under it, means that the job cannot be done: those become errors here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from alembic_proof.errors import AlembicProofError, SandboxError, ServerError
from alembic_proof.project import Project

Direction = Literal["upgrade", "downgrade"]

_MISSING_EXTENSION = (
    re.compile(r'extension "([^"]+)" is not available'),
    re.compile(r'could not open extension control file ".*/([^/"]+)\.control"'),
)
"""The message of PostgreSQL 15 and later (0A000), and that of the versions before (58P01)."""

_CONTRIB = frozenset(
    {
        "amcheck",
        "bloom",
        "btree_gin",
        "btree_gist",
        "citext",
        "cube",
        "dblink",
        "dict_int",
        "earthdistance",
        "fuzzystrmatch",
        "hstore",
        "intarray",
        "isn",
        "lo",
        "ltree",
        "pageinspect",
        "pg_buffercache",
        "pg_freespacemap",
        "pg_prewarm",
        "pg_stat_statements",
        "pg_trgm",
        "pg_visibility",
        "pg_walinspect",
        "pgcrypto",
        "pgrowlocks",
        "pgstattuple",
        "postgres_fdw",
        "seg",
        "sslinfo",
        "tablefunc",
        "tcn",
        "tsm_system_rows",
        "tsm_system_time",
        "unaccent",
        "uuid-ossp",
        "xml2",
    }
)
"""Extensions of PostgreSQL's own contrib folder, which packages and official images include."""

_IMAGES = {
    "vector": "pgvector/pgvector",
    "postgis": "postgis/postgis",
    "postgis_topology": "postgis/postgis",
    "postgis_raster": "postgis/postgis",
    "timescaledb": "timescale/timescaledb",
    "age": "apache/age",
    "pg_search": "paradedb/paradedb",
    "citus": "citusdata/citus",
}

_STATEMENT_CHARACTERS = 300
_SUMMARY_CHARACTERS = 1000


class Step(msgspec.Struct, frozen=True):
    """One revision in one direction."""

    revision: str
    direction: Direction


class Frame(msgspec.Struct, frozen=True):
    """A line of the project's own code on the way to a failure."""

    path: str
    line: int
    function: str
    text: str | None = None


class StepFailure(msgspec.Struct, frozen=True, kw_only=True):
    """What the project's code raised while it was run.

    ``step`` is the revision that had begun, None when env.py failed before the first one. ``frames``
    are the project's own, innermost last. ``sqlstate`` and ``statement`` are given when the server
    refused a statement. ``output`` is the end of what the project printed meanwhile. ``type`` is
    the exception's, or ``timeout`` or ``exit`` when the process had to be ended or ended itself.
    """

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    step: Step | None = None
    sqlstate: str | None = None
    statement: str | None = None
    missing_variable: str | None = None
    missing_module: str | None = None
    output: str = ""

    @property
    def summary(self) -> str:
        """What happened, in one line and without a place."""
        match self.type:
            case "timeout" | "exit":
                return self.message
            case "SystemExit":
                return f"it calls sys.{self.message}"
            case "SyntaxError":
                return f"syntax error: {self.message}"
            case "NotImplementedError" | "AssertionError" if not self.message:
                return f"raises {self.type}"
        first_line = _shortened(self.message.split("\n", 1)[0], _SUMMARY_CHARACTERS)
        if self.sqlstate:
            return f"{first_line} (SQLSTATE {self.sqlstate})"
        return f"{self.type}: {first_line}" if first_line else self.type

    @property
    def details(self) -> str:
        """The rest of the server's message, the statement and what was printed; may be empty."""
        parts = []
        if self.sqlstate and "\n" in self.message:
            parts.append(self.message.split("\n", 1)[1].strip())
        if self.statement:
            parts.append(f"statement: {_shortened(self.statement, _STATEMENT_CHARACTERS)}")
        if self.output and not self.sqlstate:
            parts.append(f"printed: {self.output}")
        return "\n".join(parts)

    def line_in(self, path: str) -> int | None:
        """The innermost line of this file on the way to the failure."""
        return next((frame.line for frame in reversed(self.frames) if frame.path == path), None)


class StepFailedError(Exception):
    """A revision failed; carries the description. For the checks, never for users."""

    def __init__(self, failure: StepFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def environment_error(failure: StepFailure, project: Project, python: str) -> SandboxError:
    """The error for a failure that no revision is to blame for."""
    place = _place(failure, project)
    if failure.missing_variable is not None:
        return SandboxError(
            f"{place}needs the environment variable {failure.missing_variable}, which is not set",
            hint="set it for this command; an address may be any, connections are redirected",
        )
    if failure.missing_module is not None:
        return SandboxError(
            f"{place}imports {failure.missing_module!r}, which {python} cannot find",
            hint="name the project's own interpreter with --python, or set prepend_sys_path",
        )
    details = f"\n{failure.details}" if failure.details else ""
    message = f"{place or 'the Alembic environment fails: '}{failure.summary}{details}"
    match failure.type:
        case "UnusableProjectError":
            return SandboxError(
                failure.message, hint="`alembic current` in that folder fails alike"
            )
        case "SeveralDatabasesError":
            return SandboxError(
                failure.message,
                hint="let an environment variable tell env.py to run one of them, and run the gate "
                "once for each",
            )
        case "UnusableInterpreterError":
            return SandboxError(
                failure.message,
                hint="name the project's own interpreter with --python; it needs alembic 1.8 "
                "or newer, sqlalchemy, and a PostgreSQL driver",
            )
        case "RefusedConnectionError":
            return SandboxError(
                f"{place}{failure.message}",
                hint="let the project's settings name PostgreSQL, for instance by setting "
                "DATABASE_URL; any address will do, connections are redirected",
            )
        case "timeout":
            return SandboxError(
                f"env.py {failure.message}{details}",
                hint="see what it waits for, or allow more with --time-limit",
            )
        case "SyntaxError":
            return SandboxError(message, hint="correct that line")
        case "CommandError":
            return SandboxError(f"Alembic refuses the project: {failure.message}")
    return SandboxError(message, hint="`alembic current` in that folder should fail alike")


def missing_extension_error(
    failure: StepFailure, server: str, major: int
) -> AlembicProofError | None:
    """The error when the server lacks an extension, and None when that is not the failure."""
    found = (pattern.search(failure.message) for pattern in _MISSING_EXTENSION)
    name = next((match[1] for match in found if match), None)
    if name is None:
        return None
    by = f"revision {failure.step.revision} " if failure.step else "env.py "
    return ServerError(
        f"{by}needs the extension {name}, which {server} does not have",
        hint=f"{_server_with(name, major)}, or name a server that has it with --server",
    )


def _server_with(extension: str, major: int) -> str:
    if extension in _CONTRIB:
        return (
            f"it comes with the Docker image postgres:{major} and with Debian's "
            f"postgresql-{major} and most other packages"
        )
    if extension in _IMAGES:
        return f"it comes with the Docker image {_IMAGES[extension]} (start one for --server)"
    return "it is not part of PostgreSQL: install it on that server"


def _place(failure: StepFailure, project: Project) -> str:
    """Where the project's own code failed, as ``path:line: ``; empty when it is not known."""
    if not failure.frames:
        return ""
    frame = failure.frames[-1]
    return f"{shown_path(frame.path, project.root)}:{frame.line}: "


def shown_path(path: str, root: Path) -> str:
    """The path relative to the project where it is inside, with forward slashes."""
    absolute = Path(path)
    shown = absolute.relative_to(root) if absolute.is_relative_to(root) else absolute
    return shown.as_posix()


def _shortened(text: str, characters: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= characters else f"{text[:characters]}…"
