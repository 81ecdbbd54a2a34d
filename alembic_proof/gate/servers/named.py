"""Uses a server that the user names: makes databases of its own there and touches no others."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from alembic_proof.errors import ServerError, UsageError
from alembic_proof.gate.servers.base import ConnectionParameters, Server, unique_prefix
from alembic_proof.gate.servers.keeper import Keeper

CONNECT_SECONDS = 10

_QUOTED = re.compile(r'".*"', re.DOTALL)


def use_named_server(url: str, *, major: int | None = None) -> Server:
    """Attach to the server at ``url``; the databases made there are dropped at the end.

    ``url`` is a libpq URL or a SQLAlchemy one. The server keeps its own version: when ``major`` is
    another, the notes say so. Raises ``UsageError`` when ``url`` is no PostgreSQL URL and
    ``ServerError`` when nobody answers or the user may not create databases.
    """
    administrator = _resolve(url)
    prefix = unique_prefix()
    keeper = Keeper(
        {"kind": "databases", "connection": administrator.for_libpq(), "prefix": f"{prefix}_"}
    )
    try:
        keeper.answer()
        server = Server(
            administrator,
            origin=f"server at {administrator.host}:{administrator.port}",
            keeper=keeper,
            database_prefix=prefix,
        )
        _check_may_create_databases(server, administrator.user)
    except BaseException:
        keeper.abandon()
        raise
    if major not in {None, server.major}:
        server.notes = (f"the server you named is PostgreSQL {server.major}, not {major}",)
    return server


def _resolve(url: str) -> ConnectionParameters:
    """Connect once, to learn what the URL leaves to libpq: defaults, services, password files."""
    plain = re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)
    if not re.match(r"postgres(ql)?://", plain):
        raise UsageError(
            "the server must be named by a PostgreSQL URL",
            hint="--server postgresql://user:password@host:5432/postgres",
        )
    try:
        options = {name: str(value) for name, value in conninfo_to_dict(plain).items()}
    except psycopg.ProgrammingError as error:
        # libpq quotes what it could not read, and that may be the password.
        raise _unreadable(_QUOTED.sub('"…"', str(error)).strip()) from error
    if "@" in options.get("host", "") or not re.fullmatch(r"[\d,]*", options.get("port", "")):
        # Part of the password is where the address should be: no message may show it.
        raise _unreadable("user or password hold characters that end them")
    try:
        with psycopg.connect(plain, connect_timeout=CONNECT_SECONDS) as connection:
            info = connection.info
            for known in ("host", "hostaddr", "port", "user", "password", "dbname"):
                options.pop(known, None)
            return ConnectionParameters(
                host=info.host,
                port=info.port,
                user=info.user,
                password=info.password,
                database=info.dbname,
                options=options,
            )
    except psycopg.OperationalError as error:
        raise ServerError(
            f"the server you named does not answer: {str(error).strip()}",
            hint="check host, port, user and password, and that the database in the URL exists",
        ) from error


def _unreadable(reason: str) -> UsageError:
    return UsageError(
        f"the server's URL cannot be read: {reason}",
        hint="write special characters of user and password percent-encoded (%40 for @)",
    )


def _check_may_create_databases(server: Server, user: str) -> None:
    with server.connect() as connection:
        row = connection.execute(
            "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    if row != (True,):
        raise ServerError(
            f"user {user!r} may not create databases on the server you named",
            hint=f'ALTER ROLE "{user}" CREATEDB',
        )
