"""Owns what every disposable server can do once it runs, wherever it came from.

How a server is started is the business of the modules beside this one; how it goes away again,
also when this process is killed, is the business of ``keeper``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from alembic_proof.errors import ServerError
from alembic_proof.gate.servers.keeper import Keeper

MAX_IDENTIFIER_BYTES = 63
"""PostgreSQL truncates longer names (https://www.postgresql.org/docs/current/limits.html)."""


@dataclass(frozen=True, slots=True)
class ConnectionParameters:
    """Where a database is and who may enter; the password is never shown by ``repr``.

    ``host`` is a name, an address, or the folder of a Unix socket. ``options`` are further libpq
    parameters (``sslmode`` …) that every connection needs.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    options: Mapping[str, str] = field(default_factory=dict)

    def url(self, driver: str = "postgresql+psycopg") -> str:
        """Return the SQLAlchemy URL; ``driver`` is its scheme."""
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        login = f"{quote(self.user, safe='')}{secret}"
        query = dict(self.options)
        if self.host.startswith("/"):
            query |= {"host": self.host, "port": str(self.port)}
            address = ""
        else:
            name = f"[{self.host}]" if ":" in self.host else self.host
            address = f"{name}:{self.port}"
        suffix = f"?{urlencode(query)}" if query else ""
        return f"{driver}://{login}@{address}/{quote(self.database, safe='')}{suffix}"

    def for_libpq(self) -> dict[str, Any]:
        """Return the keyword arguments of ``psycopg.connect``."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password or None,
            "dbname": self.database,
            **self.options,
        }


def unique_prefix() -> str:
    """Return the beginning of database names that nobody else uses: ``alembic_proof_<pid>_…``."""
    return f"alembic_proof_{os.getpid()}_{secrets.token_hex(4)}"


class Server:
    """A PostgreSQL in which this process may make and drop databases.

    ``major`` is the major version (15), ``version`` the whole one ("15.18"), ``description`` both
    of them and the origin, for people; ``notes`` say what was passed over to get here and why.
    """

    def __init__(
        self,
        administrator: ConnectionParameters,
        *,
        origin: str,
        keeper: Keeper | None = None,
        database_prefix: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        """Attach to a running server as its administrator.

        ``keeper`` ends whatever has to end with this object; without one, somebody else does.
        With a ``database_prefix`` every database made here is named ``<prefix>_<name>``.

        Raises ``ServerError`` when the server does not answer.
        """
        self._administrator = administrator
        self._origin = origin
        self._keeper = keeper
        self._database_prefix = database_prefix
        self.notes = notes
        with self.connect() as connection:
            number = connection.info.server_version
            reported = connection.info.parameter_status("server_version") or str(number)
        self.major = number // 10_000
        self.version = reported.split()[0]

    @property
    def description(self) -> str:
        """Version and origin for people; no password."""
        return f"PostgreSQL {self.version} ({self._origin})"

    @property
    def is_ours(self) -> bool:
        """Whether it was started for us, and not named by the user."""
        return not self._database_prefix

    def __repr__(self) -> str:
        return f"<Server {self.description}>"

    def connect(self, database: str | None = None) -> psycopg.Connection[TupleRow]:
        """Return an autocommit connection as administrator, by default to the maintenance database.

        Raises ``ServerError`` when the server refuses or has gone away.
        """
        target = self.parameters(database or self._administrator.database)
        try:
            return psycopg.connect(**target.for_libpq(), autocommit=True)
        except psycopg.OperationalError as error:
            raise ServerError(
                f"cannot connect to database {target.database!r} at {target.host}:{target.port}: "
                f"{str(error).strip()}",
                hint="check that the server is running and that the user may log in",
            ) from error

    def parameters(self, database: str) -> ConnectionParameters:
        """Return how to reach ``database`` as administrator."""
        return replace(self._administrator, database=database)

    def create_database(self, name: str | None = None, *, template: str | None = None) -> str:
        """Make a database and return its name, which is unique when ``name`` is not given.

        On a server that belongs to somebody the name gets a prefix: use the returned one. Without
        ``template`` the database is a copy of ``template0``, so nothing that was put into
        ``template1`` takes part. Nobody may be connected to the template.
        """
        database = self._database_name(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(database), sql.Identifier(template or "template0")
        )
        try:
            with self.connect() as connection:
                connection.execute(statement)
        except psycopg.Error as error:
            raise ServerError(
                f"cannot create database {database!r}: {str(error).strip()}",
                hint="the user needs CREATEDB, and nobody may be connected to the template",
            ) from error
        return database

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending the sessions in it."""
        if self._database_prefix and not name.startswith(f"{self._database_prefix}_"):
            raise ServerError(f"database {name!r} was not made here and is left alone")
        database = sql.Identifier(name)
        with self.connect() as connection:
            if self.major >= 13:
                statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            else:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    (name,),
                )
                statement = sql.SQL("DROP DATABASE IF EXISTS {}")
            connection.execute(statement.format(database))

    def available_extensions(self) -> frozenset[str]:
        """Return the names that CREATE EXTENSION would accept."""
        with self.connect() as connection:
            rows = connection.execute("SELECT name FROM pg_available_extensions").fetchall()
        return frozenset(row[0] for row in rows)

    def stop(self) -> None:
        """End the server, or drop the databases made on a server that stays; idempotent.

        Raises ``ServerError`` when something could not be removed.
        """
        if self._keeper is not None:
            self._keeper.close()

    def _database_name(self, name: str | None) -> str:
        if not self._database_prefix:
            return name or unique_prefix()
        database = f"{self._database_prefix}_{name or secrets.token_hex(4)}"
        if len(database.encode()) > MAX_IDENTIFIER_BYTES:
            raise ServerError(f"database name {database!r} is too long for PostgreSQL")
        return database
