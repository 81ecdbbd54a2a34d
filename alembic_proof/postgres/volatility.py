"""Owns which functions PostgreSQL calls volatile: those that may give each row another value.

Source: ``pg_proc.provolatile`` on PostgreSQL 15 and 18, and of the extensions that come with them.
"""

from __future__ import annotations

from typing import Final

from alembic_proof.objects import Name
from alembic_proof.postgres.functions import is_built_in

_VOLATILE: Final = frozenset(
    [
        "array_sample",
        "array_shuffle",
        "clock_timestamp",
        "current_query",
        "currval",
        "gen_random_bytes",
        "gen_random_uuid",
        "gen_salt",
        "lastval",
        "loread",
        "lowrite",
        "nextval",
        "pgp_sym_encrypt",
        "pgp_sym_encrypt_bytea",
        "random",
        "random_normal",
        "set_config",
        "setseed",
        "setval",
        "timeofday",
        "ts_rewrite",
        "txid_status",
        "uuid_generate_v1",
        "uuid_generate_v1mc",
        "uuid_generate_v4",
        "uuidv4",
        "uuidv7",
    ]
)
_VOLATILE_PREFIXES: Final = ("pg_", "lo_")
"""Functions about the server itself; most are volatile, and none belongs in a default."""

_SYNTAX: Final = frozenset(
    [
        "array",
        "case",
        "cast",
        "coalesce",
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_user",
        "extract",
        "greatest",
        "least",
        "localtime",
        "localtimestamp",
        "nullif",
        "row",
        "session_user",
        "user",
    ]
)
"""What the grammar makes of words that look like functions; none is volatile."""


def is_volatile(function: str) -> bool | None:
    """Whether a function, in lower case and without schema name, is volatile; None if unknown."""
    if function in _VOLATILE or function.startswith(_VOLATILE_PREFIXES):
        return True
    if function in _SYNTAX or is_built_in(Name(function)):
        return False
    return None
