"""Owns the roles that a gate run brings into being: they belong to the server, not to a database.

Only on a server that was started for the run are the roles that revisions make tracked and dropped;
on one that the user named, a role that appears meanwhile may be anybody's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from alembic_proof.gate.servers.base import Server


def role_names(connection: psycopg.Connection[TupleRow]) -> frozenset[str]:
    """The names of all roles of the server."""
    return frozenset(row[0] for row in connection.execute("SELECT rolname FROM pg_roles"))


def create_role(server: Server, role: str) -> None:
    """Make a role that may do nothing."""
    with server.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def drop_roles(server: Server, roles: Iterable[str]) -> None:
    """Drop roles; one that something else still depends on stays."""
    statements = [sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)) for role in roles]
    if not statements:
        return
    with server.connect() as connection:
        for statement in statements:
            with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
                connection.execute(statement)
