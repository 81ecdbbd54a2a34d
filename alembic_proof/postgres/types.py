"""Owns PostgreSQL's names for its own types.

Source: PostgreSQL manual, table 8.1 "Data Types" (unchanged from 12 to 18), and the type names that
the grammar rewrites (``SystemTypeName`` in ``gram.y``).
"""

from __future__ import annotations

from typing import Final

_CANONICAL: Final = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "decimal": "numeric",
    "dec": "numeric",
    "bool": "boolean",
    "character varying": "varchar",
    "char varying": "varchar",
    "national character varying": "varchar",
    "national char varying": "varchar",
    "nchar varying": "varchar",
    "character": "char",
    "national character": "char",
    "national char": "char",
    "nchar": "char",
    "bpchar": "char",
    "bit varying": "varbit",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "serial2": "smallserial",
    "serial4": "serial",
    "serial8": "bigserial",
}


def canonical_type_name(name: str) -> str:
    """The one name under which a built-in type is known here.

    ``name`` is a type name without modifiers and array brackets, in any letter case (``INT4``,
    ``character varying``). Names that are not an alias of a built-in type come back unchanged, with
    their letter case.
    """
    folded = " ".join(name.lower().split())
    return _CANONICAL.get(folded, folded if folded in _CANONICAL.values() else name)
