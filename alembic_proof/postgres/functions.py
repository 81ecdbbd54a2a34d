"""Owns which functions are PostgreSQL's own and touch no table that a migration is about.

``functions.txt`` holds their names: ``pg_proc`` of PostgreSQL 15 and 18 as initdb loads it
(``postgres.bki``), without functions that only the server itself can call, and without those that
run a query, read a table or change its storage by name (``query_to_xml``, ``brin_summarize_range``
…). The functions that the grammar knows are added. Below are the ones that common extensions bring
and that only compute.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Final

from alembic_proof.objects import Name

_EXTENSIONS: Final = frozenset(
    [
        "crypt",
        "digest",
        "encrypt",
        "decrypt",
        "gen_random_bytes",
        "gen_salt",
        "hmac",
        "pgp_sym_encrypt",
        "pgp_sym_decrypt",
        "similarity",
        "show_trgm",
        "strict_word_similarity",
        "word_similarity",
        "unaccent",
        "levenshtein",
        "soundex",
        "metaphone",
        "dmetaphone",
        "hstore",
        "slice",
        "akeys",
        "avals",
    ]
)
_EXTENSION_PREFIXES: Final = ("uuid_generate_v", "uuid_ns_", "uuid_nil", "st_")


def is_built_in(function: Name) -> bool:
    """Whether calling a function can do nothing to a table, because PostgreSQL's own code is known.

    A function with a schema name other than ``pg_catalog`` is somebody's own.
    """
    if function.schema == "pg_catalog":
        return function.name in _names()
    if function.schema is not None:
        return False
    name = function.name
    return name in _names() or name in _EXTENSIONS or name.startswith(_EXTENSION_PREFIXES)


@functools.cache
def _names() -> frozenset[str]:
    text = resources.files("alembic_proof.postgres").joinpath("functions.txt").read_text("utf-8")
    return frozenset(text.split())
