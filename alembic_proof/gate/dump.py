"""Restores a dump into the sandbox, so that a history can start at the dump's own revision.

PostgreSQL's own programs do the work. Roles that the dump names and the server lacks are made, and
named in the result so that they can be dropped again.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import tempfile
import zlib
from pathlib import Path
from typing import IO

from psycopg.conninfo import make_conninfo

from alembic_proof.errors import ServerError, UsageError
from alembic_proof.gate.roles import create_role, drop_roles
from alembic_proof.gate.servers.base import Server
from alembic_proof.gate.servers.local import embedded_binaries, installed_binaries

_MISSING_ROLE = re.compile(r'role "((?:[^"]|"")+)" does not exist')
_LEAVES_DATABASE = (b"\\connect", b"\\c ", b"\\!")
_GZIP_MAGIC = b"\x1f\x8b"
_ARCHIVE_MAGIC = b"PGDMP"
_TAR_MAGIC = b"ustar"
_TAR_MAGIC_OFFSET = 257

_BEGINNING = b"-- PostgreSQL database dump"
_END = b"-- PostgreSQL database dump complete"
_BEGINNING_BYTES = 4096
"""Far more than pg_dump writes before and with that line."""


def restore_dump(server: Server, database: str, dump: Path) -> tuple[str, ...]:
    """Restore a dump of any of pg_dump's formats, or a plain one compressed with gzip.

    Returns the roles that were made for it. Raises ``UsageError`` when it is no dump, and
    ``ServerError`` with PostgreSQL's own words when it cannot be restored.
    """
    if not dump.exists():
        raise UsageError(f"there is no dump {dump}", hint="correct --start")
    made: list[str] = []
    with tempfile.TemporaryFile() as text:
        _write_sql(dump, text, server.major)
        _check_whole(dump, text)
        _check_stays(dump, text)
        try:
            while (missing := _try_restore(server, database, dump, text)) is not None:
                create_role(server, missing)
                made.append(missing)
                server.drop_database(database)
                server.create_database(database)
        except BaseException:
            server.drop_database(database)
            drop_roles(server, made)
            raise
    return tuple(made)


def _write_sql(dump: Path, text: IO[bytes], major: int) -> None:
    """Write the dump as SQL text."""
    beginning = b""
    if dump.is_file():
        with dump.open("rb") as file:
            beginning = file.read(_TAR_MAGIC_OFFSET + len(_TAR_MAGIC))
    is_tar = beginning[_TAR_MAGIC_OFFSET:] == _TAR_MAGIC
    if dump.is_dir() or is_tar or beginning.startswith(_ARCHIVE_MAGIC):
        _convert_archive(dump, text, major)
        return
    try:
        with _opened(dump, is_packed=beginning.startswith(_GZIP_MAGIC)) as source:
            shutil.copyfileobj(source, text)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(
            f"cannot read the dump {dump}: {error}", hint="check that it was copied whole"
        ) from error


def _opened(dump: Path, *, is_packed: bool) -> IO[bytes]:
    return gzip.open(dump) if is_packed else dump.open("rb")  # type: ignore[return-value]


def _convert_archive(dump: Path, text: IO[bytes], major: int) -> None:
    program = _program("pg_restore", major)
    done = subprocess.run(
        [program, "--file=-", str(dump)], stdout=text, stderr=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip()
        raise ServerError(
            f"cannot read the dump {dump}: {message}",
            hint="a dump needs the PostgreSQL version that made it, or a newer one: --postgres",
        )


def _check_whole(dump: Path, text: IO[bytes]) -> None:
    """Refuse text that psql would run as far as it goes, or not at all and without a word."""
    text.seek(0)
    beginning = text.read(_BEGINNING_BYTES)
    if beginning.startswith(_ARCHIVE_MAGIC):
        raise UsageError(
            f"{dump} is an archive of pg_dump that was compressed once more",
            hint="decompress it first",
        )
    if _BEGINNING not in beginning:
        return
    text.seek(0)
    if not any(line.startswith(_END) for line in text):
        raise UsageError(
            f"{dump} is cut off: it lacks the line with which pg_dump ends",
            hint="make or copy the dump again",
        )


def _check_stays(dump: Path, text: IO[bytes]) -> None:
    """Refuse commands of psql that would act on something else than the sandbox."""
    text.seek(0)
    for line in text:
        if line.startswith(_LEAVES_DATABASE):
            command = line.decode(errors="replace").strip()
            raise UsageError(
                f"{dump} holds the command {command!r}, which leaves the sandbox",
                hint="make the dump without --create, and not with pg_dumpall",
            )


def _try_restore(server: Server, database: str, dump: Path, text: IO[bytes]) -> str | None:
    """Restore, or return the name of a role that has to be made first."""
    parameters = server.parameters(database)
    address = {**parameters.for_libpq(), "password": None}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    text.seek(0)
    done = subprocess.run(
        [
            _program("psql", server.major),
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
            f"--dbname={make_conninfo(**address)}",
        ],
        stdin=text,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**inherited, "PGPASSWORD": parameters.password, "LC_ALL": "C"},
        check=False,
    )
    if done.returncode == 0:
        return None
    message = done.stderr.decode(errors="replace").strip()
    if (missing := _MISSING_ROLE.search(message)) is not None:
        return missing[1].replace('""', '"')
    raise ServerError(
        f"cannot restore {dump} on {server.description}: {message}",
        hint="a dump needs the PostgreSQL version it was made on, or a newer one: --postgres",
    )


def _program(name: str, major: int) -> str:
    """The program of the server's own major version, or else of the next newer one."""
    embedded = embedded_binaries()
    installed = [*installed_binaries(), *([embedded] if embedded else [])]
    usable = sorted(
        (binaries.major, str(binaries.folder / name))
        for binaries in installed
        if binaries.major >= major and (binaries.folder / name).exists()
    )
    if usable:
        return usable[0][1]
    found = shutil.which(name)
    if found is None:
        raise ServerError(
            f"restoring a dump needs {name}, which is not installed",
            hint=f"on Debian: apt-get install postgresql-client-{major}",
        )
    return found
